package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

const someID = "01890a5d-ac96-774b-bcce-b302099a8057"

// problemOf checks the shape of a problem and returns it.
func problemOf(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("status %d with Content-Type %q: %s", w.Code, got, w.Body)
	}
	var p map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p["status"] != float64(w.Code) || p["title"] != http.StatusText(w.Code) || p["type"] != "about:blank" || p["detail"] == "" {
		t.Errorf("problem %v with status %d", p, w.Code)
	}
	return p
}

func TestSearchReturnsThePage(t *testing.T) {
	for name, request := range map[string]func(t *testing.T) *http.Request{
		"POST": func(t *testing.T) *http.Request {
			return post(t, "/v1/search", `{"query":"lady gaga","market":"DE","locale":"de-DE","user":{"id":"u-1","features":{"age":"30"}},"deadline_ms":900,"mode":"pre-fusion"}`)
		},
		"GET": func(t *testing.T) *http.Request {
			return get(t, "/v1/search?q=lady+gaga&market=DE&locale=de-DE&user=u-1&deadline_ms=900&mode=pre-fusion")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			w := serve(b.open(t, nil), request(t))
			var page schemas.SERP
			if err := json.Unmarshal(w.Body.Bytes(), &page); w.Code != http.StatusOK || err != nil {
				t.Fatalf("status %d: %s (%v)", w.Code, w.Body, err)
			}
			q := b.queries()[0]
			if page.CorrelationID != q.CorrelationID || len(page.Sections) != 4 {
				t.Errorf("page %s with %d sections for query %s", page.CorrelationID, len(page.Sections), q.CorrelationID)
			}
			if q.Text != "lady gaga" || q.Market != "DE" || q.Locale != "de-DE" || q.User.ID != "u-1" || q.Deadline.Sub(q.SubmittedAt) != 900*time.Millisecond || q.Probe {
				t.Errorf("query %+v", q.PublicQuery)
			}
		})
	}
}

func TestBadSearches(t *testing.T) {
	g := newBackend(t).open(t, nil)
	long := strings.Repeat("a", schemas.MaxQueryRunes+1)
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		says    string // part of the detail
	}{
		"no query":            {post(t, "/v1/search", `{}`), 400, "query: must not be empty"},
		"blank query":         {get(t, "/v1/search?q=+"), 400, "q: must not be empty"},
		"long query":          {get(t, "/v1/search?q="+long), 400, "q: must have at most 256"},
		"control characters":  {get(t, "/v1/search?q=a%00b"), 400, "control characters"},
		"unknown field":       {post(t, "/v1/search", `{"query":"x","quary":1}`), 400, "quary: there is no such field"},
		"unknown user field":  {post(t, "/v1/search", `{"query":"x","user":{"id":"u","name":"secret"}}`), 400, "name: there is no such field"},
		"unknown parameter":   {get(t, "/v1/search?q=x&limit=3"), 400, "limit: there is no such parameter"},
		"repeated parameter":  {get(t, "/v1/search?q=x&q=y"), 400, "q: must be given once"},
		"wrong type":          {post(t, "/v1/search", `{"query":"x","deadline_ms":"soon"}`), 400, "deadline_ms: must be an integer"},
		"wrong user type":     {post(t, "/v1/search", `{"query":"x","user":"u-1"}`), 400, "user: must be an object"},
		"wrong number":        {get(t, "/v1/search?q=x&deadline_ms=soon"), 400, "deadline_ms: must be an integer"},
		"deadline zero":       {post(t, "/v1/search", `{"query":"x","deadline_ms":0}`), 400, "deadline_ms: must be a positive"},
		"deadline overflows":  {get(t, "/v1/search?q=x&deadline_ms=9223372036854775807"), 400, "deadline_ms: must be a positive"},
		"deadline too long":   {get(t, "/v1/search?q=x&deadline_ms=60000"), 400, "deadline must lie between"},
		"market":              {get(t, "/v1/search?q=x&market=usa"), 400, "market: must be two upper-case letters"},
		"mode":                {post(t, "/v1/search", `{"query":"x","mode":"confusion"}`), 400, "mode: must be one of"},
		"correlation id":      {post(t, "/v1/search", `{"query":"x","correlation_id":"1"}`), 400, "correlation_id: must be a UUIDv7"},
		"not JSON":            {post(t, "/v1/search", `{"query"`), 400, "not JSON"},
		"not an object":       {post(t, "/v1/search", `["x"]`), 400, "one JSON object"},
		"two objects":         {post(t, "/v1/search", `{"query":"x"}{"query":"y"}`), 400, "nothing after it"},
		"body too long":       {post(t, "/v1/search", `{"query":"`+strings.Repeat("a", 17<<10)+`"}`), 413, "at most 16384 bytes"},
		"bad URL encoding":    {get(t, "/v1/search?q=%zz"), 400, "URL-encoded"},
		"no content type":     {httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/search", strings.NewReader(`{}`)), 415, "application/json"},
		"several at one time": {get(t, "/v1/search?q=x&market=usa&mode=no"), 400, "; mode: must be one of"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(g, c.request)
			p := problemOf(t, w)
			detail := fmt.Sprint(p["detail"])
			if w.Code != c.status || !strings.Contains(detail, c.says) {
				t.Errorf("status %d, detail %q; want %d and %q", w.Code, detail, c.status, c.says)
			}
			for _, private := range []string{"secret", "u-1", "\n", "invalid message"} {
				if strings.Contains(detail, private) {
					t.Errorf("detail %q contains %q", detail, private)
				}
			}
		})
	}
}

func TestSearchWithoutAPage(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		retry  string
		part   any
	}{
		"kafka away": {fmt.Errorf("%w: %w: %w", producers.ErrUnavailable, producers.ErrKafka, errBroker), 503, "1", "kafka"},
		"nats away":  {fmt.Errorf("%w: %w", producers.ErrNoPage, errors.Join(context.DeadlineExceeded, producers.ErrNATS)), 503, "1", "nats"},
		"too late":   {fmt.Errorf("%w: %w", producers.ErrNoPage, context.DeadlineExceeded), 504, "", nil},
		"anything":   {errBroker, 500, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			b.follow = func(context.Context, schemas.Query, func(schemas.Progress)) (schemas.SERP, error) {
				return schemas.SERP{}, c.err
			}
			w := serve(b.open(t, nil), get(t, "/v1/search?q=x"))
			p := problemOf(t, w)
			if w.Code != c.status || w.Header().Get("Retry-After") != c.retry {
				t.Errorf("status %d, Retry-After %q; want %d, %q", w.Code, w.Header().Get("Retry-After"), c.status, c.retry)
			}
			if strings.Contains(w.Body.String(), errBroker.Error()) {
				t.Errorf("the cause is shown: %s", w.Body)
			}
			id := b.queries()[0].CorrelationID
			if p["part"] != c.part {
				t.Errorf("part %v, want %v", p["part"], c.part)
			}
			if late := errors.Is(c.err, producers.ErrNoPage); late != (p["page"] == "/v1/serps/"+id) || late != (p["correlation_id"] == id) {
				t.Errorf("problem of query %s: %v", id, p)
			}
		})
	}
}

// The same search under the same id has one page, and no second query.
func TestRepeatedCorrelationID(t *testing.T) {
	b := newBackend(t)
	b.pages[someID] = samplePage(schemas.Query{PublicQuery: schemas.PublicQuery{CorrelationID: someID, Text: "x", Market: "US", SubmittedAt: time.Now()}})
	g := b.open(t, nil)
	if w := serve(g, post(t, "/v1/search", `{"query":"x","correlation_id":"`+someID+`"}`)); w.Code != http.StatusOK || len(b.queries()) != 0 {
		t.Errorf("status %d, %d queries", w.Code, len(b.queries()))
	}
	if w := serve(g, post(t, "/v1/search", `{"query":"y","correlation_id":"`+someID+`"}`)); w.Code != http.StatusConflict {
		t.Errorf("another search: status %d", w.Code)
	}
}

func TestTooManySearchesAreShed(t *testing.T) {
	b := newBackend(t)
	entered, release := make(chan struct{}), make(chan struct{})
	b.follow = func(_ context.Context, q schemas.Query, _ func(schemas.Progress)) (schemas.SERP, error) {
		close(entered)
		<-release
		return samplePage(q), nil
	}
	g := b.open(t, func(c *gateway.Config) { c.MaxSearches = 1 })
	first := make(chan int)
	go func() { first <- serve(g, get(t, "/v1/search?q=x")).Code }()
	<-entered
	for _, path := range []string{"/v1/search?q=y", "/?q=y"} {
		if w := serve(g, get(t, path)); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	close(release)
	if code := <-first; code != http.StatusOK {
		t.Errorf("first: status %d", code)
	}
}

// Who goes away ends the wait, for a page and for a stream, once nobody has come back for a
// while.
func TestDisconnectEndsTheWait(t *testing.T) {
	for _, accept := range []string{"application/json", "text/event-stream"} {
		for _, linger := range []time.Duration{10 * time.Millisecond, time.Hour} {
			t.Run(fmt.Sprint(accept, " ", linger), func(t *testing.T) {
				b := newBackend(t)
				entered, left := make(chan struct{}), make(chan struct{})
				b.follow = func(ctx context.Context, q schemas.Query, _ func(schemas.Progress)) (schemas.SERP, error) {
					if q.Probe {
						return samplePage(q), nil
					}
					close(entered)
					<-ctx.Done()
					close(left)
					return schemas.SERP{}, ctx.Err()
				}
				g := run(t, b.open(t, func(c *gateway.Config) { c.Linger = linger }))
				goAway(t, g.url, accept, entered)
				if linger < time.Second {
					within(t, left, "the search to be left")
					return
				}
				expect(t, g.url+"/metrics", http.StatusOK, `request_seconds_count{pattern="/v1/search"} 1`)
				select {
				case <-left:
					t.Error("the search was left at once")
				default:
				}
			})
		}
	}
}

// goAway sends a search and breaks the connection once it is in hand.
func goAway(t *testing.T, url, accept string, entered <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/search?q=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	done := make(chan struct{})
	c := client(t)
	go func() {
		defer close(done)
		if resp, err := c.Do(req); err == nil {
			_, _ = readAll(resp)
		}
	}()
	<-entered
	cancel()
	<-done
}
