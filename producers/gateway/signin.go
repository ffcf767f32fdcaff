package gateway

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
)

// Where access is limited, people sign in: the browser keeps their credential as a cookie,
// as neither links nor forms nor event streams carry headers.

const (
	mediaForm     = "application/x-www-form-urlencoded"
	maxSignInBody = 16 << 10
	maxNext       = 2 << 10 // of where to go afterwards
)

// signInView is the page on which people sign in.
type signInView struct {
	frame

	Next  string // where to go afterwards
	Wrong string // what is wrong with the key; "": none was tried so far
}

// deniedView is the page for who may not see another.
type deniedView struct {
	frame

	Heading, Says string
}

// signInPath is the link to the page on which people sign in, and then go to next.
func signInPath(next string) string {
	return "/sign-in?" + url.Values{"next": {safeNext(next)}}.Encode()
}

// safeNext returns where to go after signing in: a path of this site, or the first page if
// next is anything else. What browsers read as another site is "//", also with a backslash,
// and also with the control characters that they take out.
func safeNext(next string) string {
	bad := func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' }
	path, _, _ := strings.Cut(next, "?")
	u, err := url.Parse(next)
	switch {
	case len(next) > maxNext, !strings.HasPrefix(next, "/"), strings.Contains(path, "//"), strings.ContainsFunc(next, bad):
		return "/"
	case err != nil, u.Path == "/sign-in", u.Path == "/sign-out":
		return "/"
	}
	return next
}

// crossOrigin reports whether a request that changes something comes from a page of another
// origin, as far as its browser says. What is no browser says nothing.
func crossOrigin(r *http.Request) bool { return http.NewCrossOriginProtection().Check(r) != nil }

// elsewhere refuses what a page of another origin asks for in the name of who has signed in.
func elsewhere() *problem {
	return forbidden("", "A page of another origin asked for this. Use the pages of this gateway, or send the credential in a header.")
}

func (g *Gateway) signInPage(w http.ResponseWriter, r *http.Request) *problem {
	if !g.guard.Limited() {
		return nothingToSign()
	}
	return g.render(w, http.StatusOK, "sign-in.html", g.signInView(r, r.URL.Query().Get("next")))
}

func (g *Gateway) signInView(r *http.Request, next string) signInView {
	v := signInView{frame: g.frame(r, "entering"), Next: safeNext(next)}
	v.Module, v.Title, v.SignIn = "explain.js", "Sign in", signInPath(next)
	return v
}

// notSignedIn answers with the form again, and says what is wrong with the key.
func (g *Gateway) notSignedIn(w http.ResponseWriter, r *http.Request, next string, err error) *problem {
	v, p := g.signInView(r, next), unauthorised(err)
	v.Wrong = upperFirst(err.Error()) + "."
	p.announce(w.Header())
	return g.render(w, p.Status, "sign-in.html", v)
}

func nothingToSign() *problem {
	return newProblem(http.StatusNotFound, "There is nothing here: access is not limited, so nobody signs in.")
}

// signIn gives the browser a cookie if the key is good. Whose guesses are too many is told
// so before the key is looked at.
func (g *Gateway) signIn(w http.ResponseWriter, r *http.Request) *problem {
	if p := g.mayAct(r); p != nil {
		return p
	}
	if p := g.limits.take(w.Header(), "address "+g.limits.addressOf(r), access.Rate{}); p != nil {
		g.m.limited.Inc()
		return p
	}
	form, p := readForm(w, r, maxSignInBody)
	if p != nil {
		return p
	}
	key, next := strings.TrimSpace(form.Get("key")), form.Get("next")
	_, err := g.guard.Check(key)
	var cookie *http.Cookie
	if err == nil {
		cookie, err = access.Cookie(key, g.limits.encrypted(r))
	}
	if err != nil {
		return g.notSignedIn(w, r, next, err)
	}
	return leaveTo(w, cookie, safeNext(next))
}

// signOut takes the cookie away again.
func (g *Gateway) signOut(w http.ResponseWriter, r *http.Request) *problem {
	if p := g.mayAct(r); p != nil {
		return p
	}
	return leaveTo(w, g.noCookie(r), "/")
}

// noCookie removes the cookie.
func (g *Gateway) noCookie(r *http.Request) *http.Cookie {
	c, _ := access.Cookie("", g.limits.encrypted(r)) // no credential is never too long
	return c
}

// mayAct lets people sign in and out where access is limited, from our own pages.
func (g *Gateway) mayAct(r *http.Request) *problem {
	switch {
	case !g.guard.Limited():
		return nothingToSign()
	case crossOrigin(r):
		return elsewhere()
	}
	return nil
}

// leaveTo sets a cookie and goes to a page of this site.
func leaveTo(w http.ResponseWriter, c *http.Cookie, path string) *problem {
	http.SetCookie(w, c)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// forPeople runs the handler of a page for who may see it. Others get a page that says how
// to sign in. A cookie that is not good any more is taken away.
func (g *Gateway) forPeople(scope access.Scope, h handlerFunc) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) *problem {
		p := g.work(w, r, scope, h)
		if p == nil || !g.guard.Limited() || p.Status != http.StatusUnauthorized && p.Status != http.StatusForbidden {
			return p
		}
		return g.denied(w, r, p)
	}
}

// denied says in a page what stands in the way, and how to sign in.
func (g *Gateway) denied(w http.ResponseWriter, r *http.Request, p *problem) *problem {
	v := deniedView{frame: g.frame(r, "lost"), Heading: "Your key does not open this page", Says: p.Detail}
	if p.Status == http.StatusUnauthorized {
		v.Heading, v.Says, v.SignedIn = "This page needs a key", "Sign in with one, and you come back here.", false
		if access.HasCookie(r.Header) {
			v.Heading, v.Says = "You are signed out", "The key of this browser is not good any more. Sign in again, and you come back here."
			http.SetCookie(w, g.noCookie(r))
		}
	}
	v.Module, v.Title = "explain.js", v.Heading
	v.Query, v.Markets = r.URL.Query().Get("q"), markets(r.URL.Query().Get("market"))
	p.announce(w.Header())
	return g.render(w, p.Status, "denied.html", v)
}

// readForm returns the fields of a body of at most limit bytes.
func readForm(w http.ResponseWriter, r *http.Request, limit int64) (url.Values, *problem) {
	if !sends(r, mediaForm) {
		return nil, newProblem(http.StatusUnsupportedMediaType, "Send a form with Content-Type: "+mediaForm+".")
	}
	body, p := readAll(w, r, limit)
	if p != nil {
		return nil, p
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "The body is not a form.") // the error would quote it
	}
	return form, nil
}

// encrypted reports whether a request came by TLS, to us or to a proxy that is trusted.
func (l *limiter) encrypted(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	conn, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && l.trusts(conn.Addr().Unmap()) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
