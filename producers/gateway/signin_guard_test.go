package gateway_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/producers/gateway"
)

// A bad key, and what is no form, opens nothing and sets nothing.
func TestSignInRefuses(t *testing.T) {
	v := visit(t, newBackend(t).open(t, guarded(t)))
	form := url.Values{"key": {officeKey}}.Encode()
	for name, c := range map[string]struct {
		got    reply
		status int
	}{
		"unknown key":    {v.signIn("key-of-somebody-else-00", "/operator"), 401},
		"digest":         {v.signIn(digest(officeKey), "/operator"), 401},
		"no key":         {v.signIn("", "/operator"), 401},
		"long":           {v.signIn(strings.Repeat("k", 10<<10), "/operator"), 401},
		"in the address": {v.do(http.MethodPost, "/sign-in?key="+officeKey, formMedia, ""), 401},
		"JSON":           {v.do(http.MethodPost, "/sign-in", "application/json", `{"key":"`+officeKey+`"}`), 415},
		"no media type":  {v.do(http.MethodPost, "/sign-in", "", form), 415},
		"too much":       {v.do(http.MethodPost, "/sign-in", formMedia, form+"&more="+strings.Repeat("x", 32<<10)), 413},
		"no form":        {v.do(http.MethodPost, "/sign-in", formMedia, "key="+officeKey+"&%zz"), 400},
		"GET":            {v.get("/sign-out"), 405},
	} {
		if c.got.StatusCode != c.status || c.got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", name, c.got.StatusCode, c.got.Header)
		}
		if strings.Contains(c.got.body, "key-of-") || isHTML(c.got) != (c.status == 401) {
			t.Errorf("%s: %s", name, c.got.body)
		}
		if c.status == 401 && (!strings.Contains(c.got.body, "You are not signed in") || c.got.Header.Get("WWW-Authenticate") == "") {
			t.Errorf("%s: %s", name, c.got.body)
		}
	}
}

// Pages of other origins neither sign anybody in or out nor act for who has signed in. With
// a credential in a header they act for themselves.
func TestOtherOriginsDoNotAct(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, guarded(t))
	cases := []struct {
		name    string
		allowed bool
		headers []string
	}{
		{"no browser", true, nil},
		{"our page", true, []string{"Sec-Fetch-Site", "same-origin", "Origin", "ours"}},
		{"our page without an origin", true, []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}},
		{"our page, old browser", true, []string{"Origin", "ours"}},
		{"typed", true, []string{"Sec-Fetch-Site", "none"}},
		{"another site", false, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}},
		{"another port", false, []string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:1"}},
		{"another site, old browser", false, []string{"Origin", "https://evil.example"}},
		{"a sandbox, old browser", false, []string{"Origin", "null"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := visit(t, g)
			for i, h := range c.headers {
				if h == "ours" {
					c.headers[i] = v.url
				}
			}
			want := map[bool][4]int{true: {303, 200, 202, 303}, false: {403, 403, 403, 403}}[c.allowed]
			got := [4]int{0: v.signIn(officeKey, "/", c.headers...).StatusCode}
			v.signIn(officeKey, "/")
			search := func(more ...string) int {
				return v.do(http.MethodPost, "/v1/search", "application/json", `{"query":"x"}`, append(more, c.headers...)...).StatusCode
			}
			got[1] = search()
			got[2] = v.do(http.MethodPost, "/v1/interactions", "application/json", click(c.name), c.headers...).StatusCode
			if byHeader := search("X-Api-Key", officeKey); byHeader != 200 {
				t.Errorf("with a header: %d", byHeader)
			}
			got[3] = v.do(http.MethodPost, "/sign-out", formMedia, "", c.headers...).StatusCode
			if got != want {
				t.Errorf("%v, want %v", got, want)
			}
			if gone := v.get("/v1/search?q=x").StatusCode == 401; gone != c.allowed {
				t.Errorf("signed out: %v", gone)
			}
		})
	}
}

// A credential in a header is looked at alone, good or bad; a cookie only where access is
// limited.
func TestHeadersWinOverTheCookie(t *testing.T) {
	b := newBackend(t)
	limited, open := b.open(t, guarded(t)), b.open(t, func(c *gateway.Config) { c.OperatorKey = operatorKey })
	cookie := func(key string) []string { return []string{"Cookie", "pfr_key=" + key} }
	for _, c := range []struct {
		name    string
		g       *gateway.Gateway
		path    string
		headers []string
		status  int
	}{
		{"cookie", limited, "/v1/search?q=x", cookie(officeKey), 200},
		{"among others", limited, "/v1/search?q=x", []string{"Cookie", "a=b; pfr_key=" + officeKey + "; c=d"}, 200},
		{"good header, bad cookie", limited, "/v1/search?q=x", append(cookie("nothing"), "X-Api-Key", officeKey), 200},
		{"bad header, good cookie", limited, "/v1/search?q=x", append(cookie(officeKey), "X-Api-Key", "nothing"), 401},
		{"no bearer, good cookie", limited, "/v1/search?q=x", append(cookie(officeKey), "Authorization", "Basic eDp5"), 401},
		{"lesser header, good cookie", limited, "/v1/search?q=x", append(cookie(officeKey), "Authorization", "Bearer "+eventsKey), 403},
		{"two cookies", limited, "/v1/search?q=x", append(cookie(officeKey), cookie(germanKey)...), 401},
		{"the same twice", limited, "/v1/search?q=x", append(cookie(officeKey), cookie(officeKey)...), 200},
		{"empty", limited, "/v1/search?q=x", cookie(""), 401},
		{"bad escape", limited, "/v1/search?q=x", cookie("%zz"), 401},
		{"another name", limited, "/v1/search?q=x", []string{"Cookie", "key=" + officeKey}, 401},
		{"open, bad cookie", open, "/v1/search?q=x", cookie("nothing"), 200},
	} {
		v := visit(t, c.g)
		if a := v.get(c.path, c.headers...); a.StatusCode != c.status {
			t.Errorf("%s: status %d: %s", c.name, a.StatusCode, a.body)
		}
	}
	v := visit(t, open)
	if a := v.do(http.MethodPost, "/v1/operator/ladder", "application/json", `{"ladder":"llm"}`, cookie(operatorKey)...); a.StatusCode != 401 {
		t.Errorf("where access is not limited a cookie operates: %d", a.StatusCode)
	}
}

// By TLS, to the gateway or to a proxy that it trusts, the cookie is for TLS alone.
func TestCookieOfTLS(t *testing.T) {
	g := newBackend(t).open(t, func(c *gateway.Config) {
		guarded(t)(c)
		c.TrustedProxies = []string{"10.0.0.0/8"}
	})
	for _, c := range []struct {
		target, from, proto string
		secure              bool
	}{
		{"/sign-in", "192.0.2.1:1", "", false},
		{"https://pfr.example/sign-in", "192.0.2.1:1", "", true},
		{"/sign-in", "10.0.0.9:1", "https", true},
		{"/sign-in", "10.0.0.9:1", "http", false},
		{"/sign-in", "192.0.2.1:1", "https", false}, // whom nobody believes
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.target, strings.NewReader("key="+officeKey))
		r.Header.Set("Content-Type", formMedia)
		r.Header.Set("X-Forwarded-Proto", c.proto)
		r.RemoteAddr = c.from
		w := serve(g, r)
		if got := strings.HasSuffix(w.Header().Get("Set-Cookie"), "; Secure; SameSite=Strict"); w.Code != 303 || got != c.secure {
			t.Errorf("%+v: %d %v", c, w.Code, w.Header())
		}
	}
}

// Guesses are limited by address, and a good key among too many is not told from a bad one.
func TestSignInGuesses(t *testing.T) {
	v := visit(t, newBackend(t).open(t, func(c *gateway.Config) {
		guarded(t)(c)
		c.Limits = gateway.LimitsConfig{PerSecond: .01, Burst: 2, Clients: 9}
	}))
	got := []int{v.signIn("a-guess-of-a-key-1", "/").StatusCode, v.signIn("a-guess-of-a-key-2", "/").StatusCode, v.signIn("a-guess-of-a-key-3", "/").StatusCode, v.signIn(officeKey, "/").StatusCode}
	if fmt.Sprint(got) != "[401 401 429 429]" {
		t.Error(got)
	}
}

// A key of any characters comes back as it was given, and none is shown anywhere but in
// the cookie.
func TestSignInShowsNoKey(t *testing.T) {
	const odd = `key-of "an; odd, ü\ office%20+`
	path := file(t, "access.yaml", "keys: [{name: a, sha256: "+digest(odd)+", scopes: [search, explain]}]")
	var logged bytes.Buffer
	b := newBackend(t)
	reg := prometheus.NewRegistry()
	cfg := gateway.DefaultConfig()
	cfg.Access.File = path
	g, err := gateway.New(cfg, gateway.Ports{Searches: b, Pages: b, Decisions: b, Interactions: b, Online: b, Gatherer: reg},
		slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})), reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	v := visit(t, g)
	var seen strings.Builder
	for _, key := range []string{"key-of-somebody-else-00", odd} {
		a := v.signIn(key, "/")
		seen.WriteString(a.body + a.Header.Get("Location"))
	}
	for _, path := range []string{"/", "/?q=x", "/v1/search?q=x", "/sign-in", "/operator", "/metrics"} {
		a := v.get(path)
		if a.StatusCode != 200 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
		fmt.Fprint(&seen, a.Header, a.body)
	}
	seen.WriteString(logged.String())
	if strings.Contains(seen.String(), "key-of") {
		t.Error("a key is shown")
	}
}
