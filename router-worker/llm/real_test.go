package llm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/llm"
	"github.com/parallel-fusion/pfr/schemas"
)

// labelled are queries of every route, with the route that a person would choose.
var labelled = map[string][]string{
	"search":            {"nina simone", "paranoid android", "the dark side of the moon", "rumours fleetwood mac"},
	"similar_artists":   {"artists similar to bonobo", "bands like the national", "who sounds like sade", "more like mogwai"},
	"new_releases":      {"newest album by bjork", "is there a new gorillaz record", "latest single by rosalia", "when does the next cure album come out"},
	"personalized_recs": {"rainy sunday jazz", "90s trip hop", "upbeat songs for cleaning the house", "new shoegaze releases"},
	"podcast_recs":      {"podcasts about gardening", "history podcasts for kids", "learn italian podcast", "something about chess to listen to"},
	"podcast_episodes":  {"newest episode of this american life", "yesterday's episode of the news quiz", "latest economics podcast episodes", "last week's episode of radiolab"},
	"out_of_scope":      {"will it rain tomorrow", "set an alarm for six", "skip this song", "pizza near the station"},
}

// realServer returns the address and the model of a real server, as test/llm/llm.sh
// starts one.
func realServer(t *testing.T) (address, model string) {
	t.Helper()
	if address = os.Getenv("PFR_TEST_LLM_URL"); address == "" {
		t.Skip("PFR_TEST_LLM_URL is not set: run this under test/llm/llm.sh with")
	}
	return address, os.Getenv("PFR_TEST_LLM_MODEL")
}

// realConfig leaves out what a short test cannot wait for.
func realConfig(address string) llm.Config {
	cfg := llm.DefaultConfig()
	cfg.URL, cfg.Timeout, cfg.ProbeTimeout = address, 90*time.Second, 120*time.Second
	return cfg
}

// A real model behind a real server: every answer is a valid decision, because the server
// enforces the schema; the prefix cache is used; what it costs is measured. How good the
// answers are is printed: a small model that was not trained on the routes is poor.
func TestRealModel(t *testing.T) {
	address, model := realServer(t)
	m := music(t)
	c := connect(t, realConfig(address), m)
	if err := c.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	status := c.Status()
	t.Logf("%s on %s, schema enforced: %v", status.Model, status.Profile, *status.Enforced)
	if status.Profile != chat.LlamaCPP || model == "" {
		t.Errorf("%+v, named %q by its script", status, model)
	}
	routeRun := run(t, c.Route, everyQuery(1)...)
	routeRun.report(t, "route, prefix cached")
	right := 0
	for query, a := range routeRun.answers {
		valid(t, m, a)
		if slices.Contains(labelled[a.Route], query) {
			right++
		}
	}
	t.Logf("route accuracy, untrained model: %d of %d", right, len(routeRun.answers))
	if routeRun.invalid > 0 || len(routeRun.answers) < 24 {
		t.Errorf("%d of %d answers are no decision", routeRun.invalid, routeRun.n())
	}
	if routeRun.tokens.Cached < routeRun.tokens.Prompt/2 {
		t.Errorf("%d of %d prompt tokens came from the cache", routeRun.tokens.Cached, routeRun.tokens.Prompt)
	}

	cold := run(t, connect(t, realConfig(withoutCache(t, address)), m).Route, everyQuery(11)...)
	cold.report(t, "route, no prefix cache")
	if cold.tokens.Cached != 0 {
		t.Errorf("%d tokens came from a cache that is off", cold.tokens.Cached)
	}

	first := run(t, c.Compose, everyQuery(28)...) // fills the cache with the other prompt
	composed := run(t, c.Compose, everyQuery(8)...)
	composed.report(t, "compose, prefix cached")
	for query, a := range composed.answers {
		if d, ok := m.Composed(a.Calls, query); !ok || len(d.Calls) > m.Compose.MaxCalls {
			t.Errorf("%q: %+v", query, a.Calls)
		}
	}
	if len(composed.answers) == 0 { // a small model may run on to the token cap, at times
		t.Error("no answer is a composition")
	}
	t.Logf("post-fusion to pre-fusion: completion tokens ×%.1f, latency ×%.1f; first %v",
		composed.perAnswer(composed.tokens.Completion)/routeRun.perAnswer(routeRun.tokens.Completion),
		composed.quantile(.5).Seconds()/routeRun.quantile(.5).Seconds(), first.quantile(.5).Round(time.Millisecond))
}

// everyQuery returns every n-th of the labelled queries.
func everyQuery(n int) []string {
	var all, some []string
	for _, route := range []string{"search", "similar_artists", "new_releases", "personalized_recs", "podcast_recs", "podcast_episodes", "out_of_scope"} {
		all = append(all, labelled[route]...)
	}
	for i := 0; i < len(all); i += n {
		some = append(some, all[i])
	}
	return some
}

// measured is what came of some queries.
type measured struct {
	answers map[string]router.Answer
	invalid int
	tokens  schemas.Tokens
	took    []time.Duration // sorted
}

func run(t *testing.T, ask func(context.Context, string) (router.Answer, error), queries ...string) measured {
	t.Helper()
	out := measured{answers: map[string]router.Answer{}}
	for _, q := range queries {
		start := time.Now()
		a, err := ask(t.Context(), q)
		out.took = append(out.took, time.Since(start))
		if took := time.Since(start); took > 5*time.Second {
			t.Logf("%q took %v: %+v", q, took.Round(time.Millisecond), a.Tokens)
		}
		out.tokens.Prompt += a.Tokens.Prompt
		out.tokens.Cached += a.Tokens.Cached
		out.tokens.Completion += a.Tokens.Completion
		switch {
		case err == nil:
			out.answers[q] = a
		case errors.Is(err, router.ErrOutput):
			t.Logf("%q: %v", q, err)
			out.invalid++
		default:
			t.Fatalf("%q: %v", q, err)
		}
	}
	slices.Sort(out.took)
	return out
}

func (m measured) n() int                           { return len(m.took) }
func (m measured) quantile(q float64) time.Duration { return m.took[int(q*float64(len(m.took)-1)+.5)] }
func (m measured) perAnswer(n int) float64          { return float64(n) / float64(m.n()) }

func (m measured) report(t *testing.T, what string) {
	t.Helper()
	t.Logf("%s: n %d, invalid %d, p50 %v, p95 %v, tokens a query: prompt %.0f, cached %.0f, completion %.1f", what, m.n(), m.invalid,
		m.quantile(.5).Round(time.Millisecond), m.quantile(.95).Round(time.Millisecond),
		m.perAnswer(m.tokens.Prompt), m.perAnswer(m.tokens.Cached), m.perAnswer(m.tokens.Completion))
}

// withoutCache returns the address of a proxy that switches the prefix cache off.
func withoutCache(t *testing.T, address string) string {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		if r.In.Method != http.MethodPost {
			return
		}
		body, _ := io.ReadAll(r.In.Body)
		body = bytes.Replace(body, []byte(`"cache_prompt":true`), []byte(`"cache_prompt":false`), 1)
		r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Out.Header.Set("Content-Length", fmt.Sprint(len(body)))
	}}
	server := httptest.NewServer(proxy)
	t.Cleanup(func() {
		server.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return server.URL
}
