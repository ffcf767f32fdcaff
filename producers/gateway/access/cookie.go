package access

import (
	"fmt"
	"net/http"
	"net/url"
)

// CookieName is the name of the cookie that holds the credential of a browser.
const CookieName = "pfr_key"

// maxCookie bounds the value of the cookie. Browsers keep 4096 bytes of a cookie, of which
// its name and attributes take some (RFC 6265bis §5.6).
const maxCookie = 4000

// Cookie returns the session cookie that holds a credential: no script can read it, and no
// page of another site has it sent. secure keeps it from plain HTTP. An empty credential
// removes the cookie. Its error wraps ErrRefused: browsers would not keep one so long.
func Cookie(credential string, secure bool) (*http.Cookie, error) {
	c := &http.Cookie{
		Name: CookieName, Value: url.QueryEscape(credential), Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure,
	}
	if len(c.Value) > maxCookie {
		return nil, fmt.Errorf("%w: it is too long for a browser to keep", ErrRefused)
	}
	if credential == "" {
		c.MaxAge = -1
	}
	return c, nil
}

// HasCookie reports whether a request has the cookie, good or not.
func HasCookie(h http.Header) bool { return len(cookies(h)) > 0 }

func cookies(h http.Header) []*http.Cookie {
	return (&http.Request{Header: h}).CookiesNamed(CookieName)
}

// cookieOf returns the credential in the cookie of a request, or "". As with headers, two
// different ones are an error.
func cookieOf(h http.Header) (string, error) {
	var found string
	for _, c := range cookies(h) {
		credential, err := url.QueryUnescape(c.Value)
		if err != nil || credential == "" {
			return "", fmt.Errorf("%w: the cookie holds none", ErrRefused)
		}
		if found != "" && found != credential {
			return "", fmt.Errorf("%w: more than one was sent", ErrRefused)
		}
		found = credential
	}
	return found, nil
}
