package gateway_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/producers/gateway/access"
)

// visitor is a browser without a script: it keeps cookies, and goes where it is sent only
// when it is told to.
type visitor struct {
	t      *testing.T
	client *http.Client
	url    string
}

func visit(t *testing.T, g *gateway.Gateway) visitor {
	t.Helper()
	srv := httptest.NewServer(g.Handler())
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := srv.Client()
	c.Jar = jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return visitor{t, c, srv.URL}
}

// reply is a response that was read.
type reply struct {
	*http.Response
	body string
}

func (v visitor) do(method, path, media, body string, headers ...string) reply {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	for pair := range slices.Chunk(headers, 2) {
		req.Header.Add(pair[0], pair[1])
	}
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return reply{resp, string(data)}
}

func (v visitor) get(path string, headers ...string) reply {
	v.t.Helper()
	return v.do(http.MethodGet, path, "", "", headers...)
}

const formMedia = "application/x-www-form-urlencoded"

func (v visitor) signIn(key, next string, headers ...string) reply {
	v.t.Helper()
	return v.do(http.MethodPost, "/sign-in", formMedia, url.Values{"key": {key}, "next": {next}}.Encode(), headers...)
}

func isHTML(a reply) bool { return strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") }

// Whoever signs in may do in a browser what the key allows, until they sign out.
func TestSignIn(t *testing.T) {
	b := newBackend(t)
	b.stored(t)
	v := visit(t, b.open(t, guarded(t)))
	denied := v.get("/?q=x&market=DE")
	if denied.StatusCode != 401 || !isHTML(denied) || !strings.Contains(denied.body, `href="/sign-in?next=%2F%3Fq%3Dx%26market%3DDE"`) {
		t.Fatalf("before: %d %s", denied.StatusCode, denied.body)
	}
	if form := v.get("/sign-in?next=" + url.QueryEscape("/?q=x&market=DE")); form.StatusCode != 200 || !strings.Contains(form.body, `name="next" value="/?q=x&amp;market=DE"`) {
		t.Errorf("form: %d %s", form.StatusCode, form.body)
	}
	in := v.signIn(germanKey, "/?q=x&market=DE", "Sec-Fetch-Site", "same-origin", "Origin", v.url)
	if in.StatusCode != 303 || in.Header.Get("Location") != "/?q=x&market=DE" || in.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("sign in: %d %v %s", in.StatusCode, in.Header, in.body)
	}
	if c := in.Header.Get("Set-Cookie"); c != "pfr_key="+germanKey+"; Path=/; HttpOnly; SameSite=Strict" {
		t.Errorf("cookie %q", c)
	}
	for path, want := range map[string]int{
		"/?q=x&market=DE": 200, "/v1/search?q=x&market=DE": 200, "/v1/search?q=x&market=FR": 403, "/?q=x&market=FR": 403,
		"/operator": 200, "/compare": 200, "/explain/" + someID: 404, "/v1/metrics/online": 200,
	} {
		if got := v.get(path); got.StatusCode != want {
			t.Errorf("%s: status %d, want %d: %s", path, got.StatusCode, want, got.body)
		} else if isHTML(got) == strings.HasPrefix(path, "/v1/") {
			t.Errorf("%s: is %s", path, got.Header.Get("Content-Type"))
		} else if isHTML(got) && !strings.Contains(got.body, "/sign-out") {
			t.Errorf("%s: there is no way out", path)
		}
	}
	if page := v.get("/operator").body; strings.Contains(page, `name="key"`) {
		t.Error("operators are asked for a key again")
	}
	if form := v.get("/sign-in?next=/operator"); !strings.Contains(form.body, `<a href="/operator">Go on with it</a>`) {
		t.Error("who has signed in and comes by a link of another site does not get on")
	}
	out := v.do(http.MethodPost, "/sign-out", formMedia, "", "Sec-Fetch-Site", "same-origin")
	if out.StatusCode != 303 || out.Header.Get("Location") != "/" || !strings.Contains(out.Header.Get("Set-Cookie"), "pfr_key=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict") {
		t.Errorf("sign out: %d %v", out.StatusCode, out.Header)
	}
	if after := v.get("/v1/search?q=x&market=DE"); after.StatusCode != 401 {
		t.Errorf("after: %d", after.StatusCode)
	}
}

// Who is not let in is told so: people by a page that shows the way, programs by a problem.
func TestDeniedByPath(t *testing.T) {
	b := newBackend(t)
	b.stored(t)
	v := visit(t, b.open(t, guarded(t)))
	for path, html := range map[string]bool{
		"/?q=x": true, "/explain/" + someID: true, "/compare?q=x": true, "/operator": true,
		"/v1/search?q=x": false, "/v1/explain/" + someID: false, "/v1/compare": false, "/v1/operator": false, "/metrics": false,
	} {
		for key, status := range map[string]int{"": 401, "key-of-somebody-else-00": 401, eventsKey: 403} {
			a := v.get(path, "Authorization", "Bearer "+key)
			if key == "" {
				a = v.get(path, "Accept", "application/json, text/html")
			}
			if a.StatusCode != status || isHTML(a) != html || a.Header.Get("WWW-Authenticate") == "" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s with %q: %d %v", path, key, a.StatusCode, a.Header)
			}
			if want := "/sign-in?next=" + url.QueryEscape(path); html && !strings.Contains(a.body, strings.ReplaceAll(want, "&", "&amp;")) {
				t.Errorf("%s: no link to %s", path, want)
			}
		}
	}
	for _, path := range []string{"/", "/sign-in"} {
		if a := v.get(path); a.StatusCode != 200 || strings.Contains(a.body, "/sign-out") {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
}

// After signing in nobody is sent to another site.
func TestSignInStaysOnThisSite(t *testing.T) {
	g := newBackend(t).open(t, guarded(t))
	v := visit(t, g)
	for next, want := range map[string]string{
		"/operator": "/operator", "/?q=a+b&market=DE": "/?q=a+b&market=DE", "/?q=http://a.example//b": "/?q=http://a.example//b", "/compare#x": "/compare#x",
		"": "/", "//evil.example": "/", "///evil.example": "/", "/%09/evil.example": "/%09/evil.example", "/\t/evil.example": "/", "/\\evil.example": "/",
		"\\\\evil.example": "/", "/\n/evil.example": "/", "https://evil.example/": "/", "javascript:alert(1)": "/", "evil.example": "/", " /operator": "/",
		"/.//evil.example": "/", "/x\r\nSet-Cookie: a=b": "/", "/\x00": "/", "/é": "/", "/%zz": "/", "/sign-out": "/", "/sign-in?next=/": "/", "?q=x": "/",
		"/" + strings.Repeat("a", 3000): "/",
	} {
		if a := v.signIn(officeKey, next); a.StatusCode != 303 || a.Header.Get("Location") != want || len(a.Header.Values("Set-Cookie")) != 1 {
			t.Errorf("%q: %d to %q", next, a.StatusCode, a.Header.Get("Location"))
		}
		form := v.get("/sign-in?next=" + url.QueryEscape(next))
		if evil := strings.Contains(form.body, "evil.example"); evil != strings.Contains(want, "evil.example") {
			t.Errorf("%q: the form would go there", next)
		}
	}
}

// A key that is taken out of the file signs its browsers out.
func TestRotatedKeySignsOut(t *testing.T) {
	path := file(t, "access.yaml", "keys: [{name: a, sha256: "+digest(officeKey)+", scopes: [search, explain]}]")
	v := visit(t, newBackend(t).open(t, func(c *gateway.Config) { c.Access = access.Config{File: path} }))
	v.signIn(officeKey, "/")
	if a := v.get("/?q=x"); a.StatusCode != 200 {
		t.Fatalf("status %d", a.StatusCode)
	}
	if err := os.WriteFile(path, []byte("keys: [{name: bb, sha256: "+digest(germanKey)+", scopes: [search, explain]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if a := v.get("/v1/search?q=x"); a.StatusCode != 401 || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("programs: %d %v", a.StatusCode, a.Header)
	}
	a := v.get("/?q=x")
	if a.StatusCode != 401 || !strings.Contains(a.body, "You are signed out") || strings.Contains(a.body, "/sign-out") || !strings.Contains(a.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
	}
	if a := v.get("/?q=x"); !strings.Contains(a.body, "This page needs a key") {
		t.Error("the browser still shows the key")
	}
}

// The operator key signs in where access is limited. Where it is not, nobody signs in and
// nothing of it is seen.
func TestSignInOfOperators(t *testing.T) {
	b := newBackend(t)
	limited := visit(t, b.open(t, guarded(t)))
	limited.signIn(operatorKey, "/operator")
	if a := limited.do(http.MethodPost, "/v1/operator/ladder", "application/json", `{"ladder":"llm"}`); a.StatusCode != 404 { // there are no operations
		t.Errorf("operator: %d %s", a.StatusCode, a.body)
	}
	open := visit(t, b.open(t, func(c *gateway.Config) { c.OperatorKey = operatorKey }))
	for name, a := range map[string]reply{
		"form": open.get("/sign-in"), "in": open.signIn(operatorKey, "/"), "out": open.do(http.MethodPost, "/sign-out", formMedia, ""),
	} {
		if a.StatusCode != 404 || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	for _, path := range []string{"/", "/?q=x", "/operator", "/compare"} {
		a := open.get(path, "Cookie", "pfr_key=x")
		if a.StatusCode != 200 || strings.Contains(a.body, "/sign-") || strings.Contains(a.body, "Sign ") {
			t.Errorf("%s: %d, or something of signing in is seen", path, a.StatusCode)
		}
	}
	if !strings.Contains(open.get("/operator").body, `name="key"`) {
		t.Error("there is no field for the operator key")
	}
}
