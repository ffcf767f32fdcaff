package httpclient_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/clients/httpclient"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestSearchSaysWhatWasAsked(t *testing.T) {
	c, s := serve(t, page())
	got, err := c.Search(t.Context(), httpclient.Request{
		Query: "q", Market: "NL", Mode: schemas.PostFusion, Deadline: 700 * time.Millisecond, User: &schemas.User{ID: "u-1"},
	})
	if err != nil || string(got.JSON) != pageJSON || len(got.Sections) != 2 || got.Sections[0].Items[0].Title != "A" {
		t.Fatalf("%s, %v", got.JSON, err)
	}
	a := s.got()[0]
	if a.path != "POST /v1/search" || a.body["market"] != "NL" || a.body["mode"] != "post-fusion" || a.body["deadline_ms"] != 700.0 {
		t.Errorf("%+v", a)
	}
	if user, ok := a.body["user"].(map[string]any); !ok || user["id"] != "u-1" {
		t.Errorf("user %v", a.body["user"])
	}
	if !schemas.IsCorrelationID(a.body["correlation_id"].(string)) || a.header.Get("Accept-Encoding") != "gzip" || a.header.Get("Authorization") != "" {
		t.Errorf("%v, %v", a.body, a.header)
	}
	if _, set := a.body["locale"]; set {
		t.Error("an empty field was sent")
	}
}

// A deadline is sent, however short it is: none at all would be the gateway's, which is long.
func TestShortDeadlines(t *testing.T) {
	for d, want := range map[time.Duration]any{
		0: nil, time.Millisecond: 1.0, 1200 * time.Microsecond: 2.0, time.Nanosecond: 1.0, -time.Nanosecond: -1.0, -1200 * time.Microsecond: -2.0,
	} {
		c, s := serve(t, page())
		if _, err := c.Search(t.Context(), httpclient.Request{Query: "q", Deadline: d}); err != nil {
			t.Fatal(err)
		}
		if got := s.got()[0].body["deadline_ms"]; got != want {
			t.Errorf("%v: %v, want %v", d, got, want)
		}
	}
}

func TestRetriesAreTheSameSearch(t *testing.T) {
	broken := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	half := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(pageJSON)))
		_, _ = io.WriteString(w, pageJSON[:20])
	}
	for name, first := range map[string]http.HandlerFunc{
		"503": problem(503), "429": problem(429), "502 of a proxy": answer(502, "text/html", "<h1>oops</h1>"), "cut": broken, "half": half,
	} {
		c, s := serve(t, first, first, page())
		if got, err := c.Search(t.Context(), httpclient.Request{Query: "q"}); err != nil || got.CorrelationID != id {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := s.got()
		if len(got) != 3 || string(got[0].raw) != string(got[2].raw) {
			t.Errorf("%s: asked %d times: %s", name, len(got), got[0].raw)
		}
	}
}

func TestHopelessSearchesAreNotRepeated(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 409, 413, 500, 504} {
		c, s := serve(t, problem(status))
		_, err := c.Search(t.Context(), httpclient.Request{Query: "q", CorrelationID: id})
		p, ok := errors.AsType[*httpclient.Problem](err)
		if !ok || p.Status != status || p.Detail != "Why." || len(s.got()) != 1 || !strings.Contains(err.Error(), id) {
			t.Errorf("%d: %v after %d", status, err, len(s.got()))
		}
	}
	c, s := serve(t, problem(503))
	if _, err := c.Search(t.Context(), httpclient.Request{Query: "q"}); !errors.As(err, new(*httpclient.Problem)) || len(s.got()) != 3 {
		t.Errorf("%v after %d attempts", err, len(s.got()))
	}
	c, s = serve(t, answer(200, "application/json", "[]"))
	if _, err := c.Search(t.Context(), httpclient.Request{Query: "q"}); err == nil || len(s.got()) != 1 {
		t.Errorf("no page: %v after %d attempts", err, len(s.got()))
	}
}

func TestLargeAnswersAreRefused(t *testing.T) {
	cfg := quick("127.0.0.1:1")
	cfg.MaxBody = int64(len(pageJSON)) - 1
	small := newClient(t, cfg, &http.Client{Transport: answers{body: pageJSON}.to(new([]time.Time))})
	if _, err := small.Search(t.Context(), httpclient.Request{Query: "q"}); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Error(err)
	}
}

// answers is a gateway without a network, so that time can be virtual: so many refusals
// with a header, then the page.
type answers struct {
	refusals   int
	retryAfter string
	body       string
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (a answers) to(times *[]time.Time) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		*times = append(*times, time.Now())
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}
		if len(*times) <= a.refusals {
			resp.StatusCode, resp.Body = http.StatusTooManyRequests, http.NoBody
			resp.Header.Set("Retry-After", a.retryAfter)
		}
		return resp, nil
	}
}

func TestWaitsAsLongAsItIsAskedTo(t *testing.T) {
	ask := func(t *testing.T, retryAfter string, within time.Duration) (times []time.Time, err error) {
		synctest.Test(t, func(t *testing.T) {
			cfg := httpclient.DefaultConfig()
			c := newClient(t, cfg, &http.Client{Transport: answers{2, retryAfter, pageJSON}.to(&times)})
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			_, err = c.Search(ctx, httpclient.Request{Query: "q"})
			if time.Since(times[0]) >= within {
				t.Error("waited longer than the context lasts")
			}
		})
		return times, err
	}
	times, err := ask(t, "3", time.Minute)
	if err != nil || len(times) != 3 || times[1].Sub(times[0]) < 3*time.Second || times[2].Sub(times[1]) > 4*time.Second {
		t.Errorf("%v, %v", times, err)
	}
	// Without a word of the gateway: 50 to 100 ms, then twice that.
	times, err = ask(t, "", time.Minute)
	if err != nil || len(times) != 3 || times[1].Sub(times[0]) < 50*time.Millisecond || times[2].Sub(times[1]) > 200*time.Millisecond {
		t.Errorf("%v, %v", times, err)
	}
	// A wait that cannot help is not begun.
	for retryAfter, within := range map[string]time.Duration{"3": 2 * time.Second, "3600": 2 * time.Hour} {
		times, err = ask(t, retryAfter, within)
		if p, ok := errors.AsType[*httpclient.Problem](err); !ok || p.RetryAfter == 0 || len(times) != 1 {
			t.Errorf("Retry-After %s within %v: %v after %d attempts", retryAfter, within, err, len(times))
		}
	}
}

func TestPagesAreAskedForOnce(t *testing.T) {
	tagged := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		page()(w, r)
	}
	c, s := serve(t, tagged)
	first, err := c.Page(t.Context(), id, nil)
	if err != nil || first.ETag != `"1"` || s.got()[0].path != "GET /v1/serps/"+id {
		t.Fatal(first.ETag, err)
	}
	again, err := c.Page(t.Context(), id, &first)
	if err != nil || string(again.JSON) != pageJSON || s.got()[1].header.Get("If-None-Match") != `"1"` {
		t.Error(err)
	}
	c, _ = serve(t, problem(404))
	if _, err := c.Page(t.Context(), "../x?y", &first); !errors.As(err, new(*httpclient.Problem)) {
		t.Error(err)
	}
}

func TestKeyGoesInTheHeader(t *testing.T) {
	var got http.Header
	cfg := quick("gateway.example:80")
	cfg.APIKey = "secret"
	c := newClient(t, cfg, &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		got = r.Header
		return nil, errors.New("no network")
	})})
	_, err := c.Search(t.Context(), httpclient.Request{Query: "q"})
	if err == nil || strings.Contains(err.Error(), "secret") || got.Get("Authorization") != "Bearer secret" {
		t.Errorf("%v, %v", err, got)
	}
}

func TestReadsWhatThereIs(t *testing.T) {
	c, s := serve(t,
		answer(200, "application/json", `{"suggestions":[{"query":"lady gaga","source":"popular"}]}`),
		answer(200, "application/json", `{"as_of":"2026-01-02T03:04:05Z","routes":{"search":{"searches":3,"clicks":1}}}`),
		answer(200, "application/json", `{"correlation_id":"`+id+`","query":null,"decision":null,"why":{"summary":"Sure."},"page":null,"waterfall":[{"name":"router","took_ms":1.5}]}`))
	suggestions, err := c.Suggest(t.Context(), "la gä", "SE", 5)
	if err != nil || len(suggestions) != 1 || suggestions[0].Query != "lady gaga" || s.got()[0].path != "GET /v1/suggest?limit=5&market=SE&q=la+g%C3%A4" {
		t.Error(suggestions, err, s.got()[0].path)
	}
	online, err := c.Online(t.Context())
	if err != nil || online.Routes["search"].Searches != 3 || online.AsOf.Year() != 2026 {
		t.Error(online, err)
	}
	why, err := c.Explain(t.Context(), id)
	if err != nil || why.Why.Summary != "Sure." || len(why.Waterfall) != 1 || why.Page != nil {
		t.Error(why, err)
	}
}

func TestConfigSaysEverythingThatIsWrong(t *testing.T) {
	_, err := httpclient.New(httpclient.Config{Addr: "ftp://x", APIKey: "a\nb"}, nil)
	for _, part := range []string{"address", "api key", "attempts", "backoff", "silence", "max body"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v: nothing on %s", err, part)
		}
	}
	if strings.Contains(err.Error(), "a\nb") {
		t.Error("the error quotes the key")
	}
	for addr, fine := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:1": true, "[::1]:80": true, "https://x.example/pfr/": true, "": false, "http://": false, "http://u:p@x": false, "x y": false,
	} {
		cfg := httpclient.DefaultConfig()
		cfg.Addr = addr
		if err := cfg.Validate(); (err == nil) != fine {
			t.Errorf("%q: %v", addr, err)
		}
	}
}
