package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/producers/gateway"
)

// Credentials of the tests. They must never be shown.
const (
	germanKey   = "key-of-the-german-app-1"
	eventsKey   = "key-of-an-event-sender"
	officeKey   = "key-of-the-whole-office"
	operatorKey = "key-of-the-operator-000"
	tokenSecret = "0123456789012345678901234567890123456789"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func digest(key string) string {
	s := sha256.Sum256([]byte(key))
	return hex.EncodeToString(s[:])
}

// guarded limits access to three keys and to tokens.
func guarded(t *testing.T) func(*gateway.Config) {
	t.Helper()
	path := file(t, "access.yaml", fmt.Sprintf(`
keys:
  - {name: german, sha256: %s, markets: [DE], scopes: [search, explain]}
  - {name: events, sha256: %s, scopes: [interact]}
  - {name: office, sha256: %s, scopes: [search, interact, explain, operate], rate: {per_second: 1000, burst: 1000}}
jwt: {algorithms: [HS256], secret_file: %s, issuer: login, audience: pfr}
`, digest(germanKey), digest(eventsKey), digest(officeKey), file(t, "secret", tokenSecret)))
	return func(c *gateway.Config) { c.Access.File, c.OperatorKey = path, operatorKey }
}

func as(r *http.Request, key string) *http.Request {
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	return r
}

func TestAccess(t *testing.T) {
	b := newBackend(t)
	b.stored(t) // a page of the market US
	g := b.open(t, guarded(t))
	never := someID[:35] + "8"
	for _, c := range []struct {
		name   string
		r      *http.Request
		key    string
		status int
	}{
		{"nothing shown", get(t, "/v1/search?q=x&market=DE"), "", 401},
		{"unknown key", get(t, "/v1/search?q=x&market=DE"), "key-of-somebody-else-00", 401},
		{"in its market", get(t, "/v1/search?q=x&market=DE"), germanKey, 200},
		{"by POST", post(t, "/v1/search", `{"query":"x","market":"DE"}`), germanKey, 200},
		{"default market", get(t, "/v1/search?q=x"), germanKey, 403},
		{"another market", post(t, "/v1/search", `{"query":"x","market":"FR"}`), germanKey, 403},
		{"from the page", get(t, "/?q=x&market=DE"), germanKey, 200},
		{"from the page, nobody", get(t, "/?q=x&market=DE"), "", 401},
		{"from the page, default market", get(t, "/?q=x"), germanKey, 403},
		{"any market", get(t, "/v1/search?q=x&market=FR"), officeKey, 200},
		{"in the address", get(t, "/v1/search?q=x&access_token="+officeKey), "", 401},
		{"wrong scope", get(t, "/v1/search?q=x"), eventsKey, 403},
		{"events", post(t, "/v1/interactions", click("a")), eventsKey, 202},
		{"no scope for events", post(t, "/v1/interactions", click("b")), germanKey, 403},
		{"page of its market", get(t, "/v1/serps/"+someID), officeKey, 200},
		{"page of another market", get(t, "/v1/serps/"+someID), germanKey, 404},
		{"stream of another market", sse(t, "/v1/serps/"+someID, ""), germanKey, 404},
		{"trace of another market", get(t, "/v1/explain/"+someID), germanKey, 404},
		{"its page for people", get(t, "/explain/"+someID), officeKey, 200},
		{"page for people of another market", get(t, "/explain/"+someID), germanKey, 404},
		{"no page", get(t, "/v1/serps/"+never), germanKey, 404},
		{"trace", get(t, "/v1/explain/"+someID), officeKey, 200},
		{"counts", get(t, "/v1/metrics/online"), germanKey, 200},
		{"counts, nobody", get(t, "/v1/metrics/online"), "", 401},
		{"metrics, nobody", get(t, "/metrics"), "", 401},
		{"home", get(t, "/"), "", 200},
		{"description", get(t, "/openapi.yaml"), "", 200},
		{"alive", get(t, "/healthz"), "", 200},
		{"ready", get(t, "/readyz"), "", 503},
		{"operator key", get(t, "/v1/search?q=x"), operatorKey, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := serve(g, as(c.r, c.key))
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if shown := w.Header().Get("WWW-Authenticate"); (shown != "") != (c.status == 401 || c.status == 403) {
				t.Errorf("WWW-Authenticate: %q", shown)
			}
			if c.status >= 400 && !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				problemOf(t, w)
			}
		})
	}
}

// Whether a page of another market is there cannot be seen.
func TestPageOfAnotherMarketLooksAbsent(t *testing.T) {
	b := newBackend(t)
	b.stored(t) // a page of the market US
	g := b.open(t, guarded(t))
	never := someID[:35] + "8"
	hidden := serve(g, as(get(t, "/v1/serps/"+someID), germanKey)).Body.String()
	absent := serve(g, as(get(t, "/v1/serps/"+never), germanKey)).Body.String()
	if strings.ReplaceAll(hidden, someID, never) != absent {
		t.Errorf("hidden %s\nabsent %s", hidden, absent)
	}
}

// A page in flight and a page of the recent are as hidden as one of the archive, and a
// search under their id does not reveal them.
func TestAnotherMarketSeesNothingInFlight(t *testing.T) {
	b, release := held(t)
	defer release()
	g := b.open(t, guarded(t))
	id := newID(t)
	first := make(chan struct{})
	r := as(post(t, "/v1/search", `{"query":"x","market":"US","correlation_id":"`+id+`"}`), officeKey)
	go func() { defer close(first); serve(g, r) }()
	eventually(t, func() bool { return len(b.queries()) == 1 })
	if w := serve(g, as(sse(t, "/v1/serps/"+id, ""), germanKey)); w.Code != http.StatusNotFound {
		t.Errorf("resume: status %d", w.Code)
	}
	if w := serve(g, as(post(t, "/v1/search", `{"query":"x","market":"DE","correlation_id":"`+id+`"}`), germanKey)); w.Code != http.StatusConflict {
		t.Errorf("repeat: status %d", w.Code)
	}
	release()
	<-first
}

// What a token may do ends with it, and nothing else opens the door.
func TestTokensAtTheDoor(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, guarded(t))
	sign := func(method jwt.SigningMethod, key any, ends time.Duration) string {
		token, err := jwt.NewWithClaims(method, jwt.MapClaims{
			"iss": "login", "aud": "pfr", "sub": "anna", "exp": time.Now().Add(ends).Unix(), "scopes": []string{"search"}, "markets": []string{"DE"},
		}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, c := range map[string]struct {
		token  string
		status int
	}{
		"good":        {sign(jwt.SigningMethodHS256, []byte(tokenSecret), time.Minute), 200},
		"expired":     {sign(jwt.SigningMethodHS256, []byte(tokenSecret), -time.Minute), 401},
		"alg none":    {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, time.Minute), 401},
		"alg HS512":   {sign(jwt.SigningMethodHS512, []byte(tokenSecret), time.Minute), 401},
		"another key": {sign(jwt.SigningMethodHS256, []byte("9876543210987654321098765432109876543210"), time.Minute), 401},
	} {
		w := serve(g, as(get(t, "/v1/search?q=x&market=DE"), c.token))
		if w.Code != c.status {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
		if bad := strings.Contains(w.Header().Get("WWW-Authenticate"), "invalid_token"); bad != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate: %q", name, w.Header().Get("WWW-Authenticate"))
		}
	}
}

// Who replays what they overheard changes nothing: the search is the same search, the
// event the same event.
func TestReplayHasNoEffect(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, guarded(t))
	search := `{"query":"x","correlation_id":"` + newID(t) + `"}`
	for range 5 {
		if w := serve(g, as(post(t, "/v1/search", search), officeKey)); w.Code != http.StatusOK {
			t.Errorf("search: status %d", w.Code)
		}
		if w := serve(g, as(post(t, "/v1/interactions", click("a")), officeKey)); w.Code != http.StatusAccepted {
			t.Errorf("event: status %d", w.Code)
		}
	}
	if len(b.queries()) != 1 || len(b.published()) != 1 {
		t.Errorf("%d queries and %d events", len(b.queries()), len(b.published()))
	}
}

// Whatever happens, no credential is in a log, a metric or an answer.
func TestCredentialsAreNotShown(t *testing.T) {
	var logged bytes.Buffer
	b := newBackend(t)
	reg := prometheus.NewRegistry()
	cfg := gateway.DefaultConfig()
	guarded(t)(&cfg)
	g, err := gateway.New(cfg, gateway.Ports{Searches: b, Pages: b, Decisions: b, Interactions: b, Online: b, Gatherer: reg},
		slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})), reg)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	var seen strings.Builder
	for _, key := range []string{germanKey, officeKey, "key-of-somebody-else-00", "a.b.c-secret"} {
		for _, r := range []*http.Request{get(t, "/v1/search?q=x"), get(t, "/v1/serps/x"), post(t, "/v1/interactions", "{"), get(t, "/none")} {
			w := serve(g, as(r, key))
			fmt.Fprint(&seen, w.Header(), w.Body.String())
		}
	}
	seen.WriteString(serve(g, as(get(t, "/metrics"), officeKey)).Body.String())
	seen.WriteString(logged.String())
	for _, secret := range []string{"key-of-", "secret", digest(officeKey), tokenSecret} {
		if strings.Contains(seen.String(), secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}

// Each client has a bound of its own, whoever asks beside it.
func TestLimits(t *testing.T) {
	b := newBackend(t)
	change := func(c *gateway.Config) {
		c.Limits = gateway.LimitsConfig{PerSecond: .5, Burst: 2, Clients: 2}
		c.TrustedProxies = []string{"10.0.0.0/8"}
	}
	g := b.open(t, change)
	from := func(addr, forwarded string) *http.Request {
		r := get(t, "/v1/metrics/online")
		r.RemoteAddr = addr
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		return r
	}
	for i, want := range []int{200, 200, 429, 429} {
		w := serve(g, from("192.0.2.1:7", fmt.Sprintf("198.51.100.%d", i))) // nobody believes it
		h := w.Header()
		if w.Code != want || h.Get("RateLimit-Limit") != "2" || h.Get("RateLimit-Remaining") != fmt.Sprint(max(0, 1-i)) {
			t.Errorf("request %d: status %d, %v", i, w.Code, h)
		}
		if want == 429 {
			problemOf(t, w)
			if h.Get("Retry-After") != "2" {
				t.Errorf("Retry-After: %q", h.Get("Retry-After"))
			}
		}
	}
	if w := serve(g, from("192.0.2.2:7", "")); w.Code != 200 {
		t.Errorf("another client: status %d", w.Code)
	}
	open := from("192.0.2.1:7", "")
	open.URL.Path = "/healthz"
	if w := serve(g, open); w.Code != 200 || w.Header().Get("RateLimit-Limit") != "" {
		t.Errorf("what is open to everybody is limited: %d %v", w.Code, w.Header())
	}
	for _, c := range []struct{ addr, forwarded, again string }{
		{"10.1.2.3:7", "203.0.113.9", "203.0.113.9"},                             // the client of a trusted proxy
		{"10.1.2.3:7", "1.1.1.1, 203.0.113.8, 10.9.9.9", "2.2.2.2, 203.0.113.8"}, // what the client wrote before is not believed
		{"10.1.2.3:7", "203.0.113.7:1111", "203.0.113.7:2222"},                   // with the port, as some proxies write
		{"[2001:db8::1]:7", "", ""},
	} {
		g := b.open(t, change)
		codes := []int{serve(g, from(c.addr, c.forwarded)).Code, serve(g, from(c.addr, c.forwarded)).Code, serve(g, from(c.addr, c.again)).Code}
		if fmt.Sprint(codes) != "[200 200 429]" {
			t.Errorf("%+v: %v", c, codes)
		}
	}
	g = b.open(t, change) // one network of IPv6 is one client
	codes := []int{serve(g, from("[2001:db8::1]:7", "")).Code, serve(g, from("[2001:db8::2]:7", "")).Code, serve(g, from("[2001:db8::3]:7", "")).Code}
	if fmt.Sprint(codes) != "[200 200 429]" {
		t.Errorf("IPv6: %v", codes)
	}
}

// A principal is limited by name, at its own rate if it has one; who guesses keys is
// limited by address.
func TestLimitsOfPrincipals(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, func(c *gateway.Config) {
		guarded(t)(c)
		c.Limits = gateway.LimitsConfig{PerSecond: .01, Burst: 1, Clients: 100}
	})
	ask := func(key, addr string) int {
		r := as(get(t, "/v1/search?q=x&market=DE"), key)
		r.RemoteAddr = addr
		return serve(g, r).Code
	}
	if got := []int{ask(germanKey, "192.0.2.1:1"), ask(germanKey, "192.0.2.2:1")}; fmt.Sprint(got) != "[200 429]" {
		t.Errorf("one name from two addresses: %v", got)
	}
	for range 20 {
		if got := ask(officeKey, "192.0.2.1:1"); got != 200 {
			t.Errorf("at its own rate: %d", got)
		}
	}
	if got := []int{ask("a-guess-of-a-key-1", "192.0.2.3:1"), ask("a-guess-of-a-key-2", "192.0.2.3:1")}; fmt.Sprint(got) != "[401 429]" {
		t.Errorf("guesses: %v", got)
	}
}

// Without a limit nothing is said of limits.
func TestNoLimits(t *testing.T) {
	g := newBackend(t).open(t, nil)
	var w *httptest.ResponseRecorder
	for range 300 {
		w = serve(g, get(t, "/v1/metrics/online"))
	}
	if w.Code != http.StatusOK || w.Header().Get("RateLimit-Limit") != "" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
}

func TestBadConfigs(t *testing.T) {
	for name, change := range map[string]func(*gateway.Config){
		"limits":           func(c *gateway.Config) { c.Limits.PerSecond = 1 },
		"limits.clients":   func(c *gateway.Config) { c.Limits.Clients = 0 },
		"trusted_proxies":  func(c *gateway.Config) { c.TrustedProxies = []string{"10.0.0.1"} },
		"cors.origins":     func(c *gateway.Config) { c.CORS.Origins = []string{"example.com"} },
		`"*" stands alone`: func(c *gateway.Config) { c.CORS.Origins = []string{"*", "https://a.example"} },
		"cors.max_age":     func(c *gateway.Config) { c.CORS.MaxAge = -1 },
		"operator key":     func(c *gateway.Config) { c.OperatorKey = "short" },
		"linger":           func(c *gateway.Config) { c.Linger = 0 },
		"resume_wait":      func(c *gateway.Config) { c.ResumeWait = 0 },
		"recent_pages":     func(c *gateway.Config) { c.RecentPages = 0 },
	} {
		cfg := gateway.DefaultConfig()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := gateway.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// An operator key opens what operators may do, also where everything else is open.
func TestOperatorKey(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, func(c *gateway.Config) { c.OperatorKey = operatorKey })
	request := func() *http.Request { return post(t, "/v1/operator/ladder", `{"ladder":"student"}`) }
	for key, want := range map[string]int{"": 401, "key-of-somebody-else-00": 401, operatorKey: 404 /* there are no operations */} {
		if w := serve(g, as(request(), key)); w.Code != want {
			t.Errorf("key %q: status %d, want %d: %s", key, w.Code, want, w.Body)
		}
	}
	if w := serve(g, as(get(t, "/v1/search?q=x"), "not-a-key")); w.Code != http.StatusOK {
		t.Errorf("where all is open a key is not looked at: status %d", w.Code)
	}
}
