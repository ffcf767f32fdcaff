package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

func decodeInto[T any](t *testing.T, body io.Reader) (v T) {
	t.Helper()
	if err := json.NewDecoder(body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// stored puts the sample page and its decision into the archive.
func (b *backend) stored(t *testing.T) schemas.SERP {
	t.Helper()
	now := time.Date(2025, 6, 28, 10, 0, 0, 0, time.UTC)
	q := schemas.PublicQuery{SchemaVersion: schemas.Version, CorrelationID: someID, Text: "lady gaga", Market: "US", Locale: "en-US", SubmittedAt: now, Deadline: now.Add(time.Second)}
	page := samplePage(schemas.Query{PublicQuery: q})
	b.pages[someID] = page
	b.why[someID] = gateway.Explained{Query: q, DecidedAt: now.Add(5 * time.Millisecond), Decision: schemas.Decision{
		Route: page.Route.Name, Params: page.Route.Params, Layout: page.Layout, Source: page.Route.Source, Confidence: .94, ManifestVersion: "m1",
		Calls: []schemas.Call{{Tool: "search", Section: "results", Title: "Results", Component: "list", Limit: 10, DeadlineMS: 300}},
	}}
	return page
}

func TestStoredPage(t *testing.T) {
	b := newBackend(t)
	want := b.stored(t)
	g := b.open(t, nil)
	w := serve(g, get(t, "/v1/serps/"+someID))
	if page := decodeInto[schemas.SERP](t, w.Body); w.Code != http.StatusOK || page.Query != want.Query || len(page.Sections) != len(want.Sections) {
		t.Errorf("status %d, %+v", w.Code, page)
	}
	for _, path := range []string{"/v1/serps/01890a5d-ac96-774b-bcce-b302099a8058", "/v1/serps/nonsense", "/v1/explain/01890a5d-ac96-774b-bcce-b302099a8058", "/v1/explain/x"} {
		w := serve(g, get(t, path))
		if problemOf(t, w); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

func TestExplain(t *testing.T) {
	type explained struct {
		Query     *schemas.PublicQuery
		Decision  *schemas.Decision
		Page      *struct{ Status string }
		Waterfall []struct {
			Name    string
			StartMS float64 `json:"start_ms"`
			TookMS  float64 `json:"took_ms"`
		}
		Links map[string]string
	}
	b := newBackend(t)
	b.stored(t)
	g := b.open(t, nil)
	e := decodeInto[explained](t, serve(g, get(t, "/v1/explain/"+someID)).Body)
	if e.Query.Text != "lady gaga" || e.Decision.Route != "new_releases" || e.Page.Status != "partial" || e.Links["page"] != "/v1/serps/"+someID {
		t.Errorf("%+v", e)
	}
	if len(e.Waterfall) != 7 {
		t.Fatalf("waterfall %+v", e.Waterfall)
	}
	router, tours := e.Waterfall[1], e.Waterfall[6]
	if router.Name != "router" || router.StartMS != 3.4 || router.TookMS != 1.2 {
		t.Errorf("router: %+v", router)
	}
	if tours.Name != "tour" || tours.StartMS != 11 || tours.TookMS != 300 { // total 312 less tools 301
		t.Errorf("tour: %+v", tours)
	}

	why := b.why[someID] // the last section was asked for once the others had ended
	why.Decision.Calls = append(why.Decision.Calls, schemas.Call{Tool: "search", Section: "tour", LastResort: true})
	b.why[someID] = why
	e = decodeInto[explained](t, serve(g, get(t, "/v1/explain/"+someID)).Body)
	longest := max(e.Waterfall[3].TookMS, e.Waterfall[4].TookMS, e.Waterfall[5].TookMS)
	if longest == 0 || e.Waterfall[6].Name != "tour" || e.Waterfall[6].StartMS != 11+longest {
		t.Errorf("a last resort: %+v", e.Waterfall)
	}

	delete(b.pages, someID) // decided, and on its way
	if e := decodeInto[explained](t, serve(g, get(t, "/v1/explain/"+someID)).Body); e.Decision == nil || e.Page != nil {
		t.Errorf("without its page: %+v", e)
	}
	b.stored(t)
	delete(b.why, someID)
	if e := decodeInto[explained](t, serve(g, get(t, "/v1/explain/"+someID)).Body); e.Decision != nil || e.Query != nil || e.Page == nil {
		t.Errorf("without its decision: %+v", e)
	}
}

func TestOnlineMetrics(t *testing.T) {
	type metrics struct {
		AsOf   time.Time `json:"as_of"`
		Routes map[string]map[string]float64
	}
	b := newBackend(t)
	g := b.open(t, nil)
	if m := decodeInto[metrics](t, serve(g, get(t, "/v1/metrics/online")).Body); m.AsOf.IsZero() || m.Routes == nil {
		t.Errorf("nothing counted: %+v", m)
	}
	now := time.Date(2025, 6, 28, 10, 0, 0, 0, time.UTC)
	b.online = []schemas.OnlineMetrics{
		{Cut: schemas.Cut{Route: "search"}, AsOf: now, Counts: schemas.SearchCounts{Searches: 4, Clicks: 3, Streams: 1, Successes: 2, SuccessRate: .5}},
		{Cut: schemas.Cut{Route: "new_releases"}, AsOf: now.Add(-time.Hour)},
	}
	m := decodeInto[metrics](t, serve(g, get(t, "/v1/metrics/online")).Body)
	s := m.Routes["search"]
	if !m.AsOf.Equal(now) || len(m.Routes) != 2 || s["searches"] != 4 || s["clicks"] != 3 || s["streams"] != 1 || s["successes"] != 2 || s["success_rate"] != .5 {
		t.Errorf("%+v", m)
	}
}

func TestMethodsAndPaths(t *testing.T) {
	g := newBackend(t).open(t, nil)
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", "/v1/search", "GET, HEAD, POST"},
		{"GET", "/v1/interactions", "POST"},
		{"POST", "/v1/serps/" + someID, "GET, HEAD"},
		{"PUT", "/", "GET, HEAD"},
		{"POST", "/readyz", "GET, HEAD"},
	} {
		r := get(t, c.path)
		r.Method = c.method
		w := serve(g, r)
		if problemOf(t, w); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: status %d, Allow %q; want %q", c.method, c.path, w.Code, w.Header().Get("Allow"), c.allow)
		}
	}
	for _, path := range []string{"/v2/search", "/static/none.js", "/static/index.html", "/v1/serps/", "/index.html"} {
		w := serve(g, get(t, path))
		if problemOf(t, w); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

func TestPanicBecomesAProblem(t *testing.T) {
	b := newBackend(t)
	b.follow = func(context.Context, schemas.Query, func(schemas.Progress)) (schemas.SERP, error) { panic("boom") }
	g := b.open(t, nil)
	w := serve(g, get(t, "/v1/search?q=x"))
	if problemOf(t, w); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	text := serve(g, get(t, "/metrics")).Body.String()
	for _, line := range []string{
		"pfr_gateway_panics_total 1\n", `pfr_gateway_requests_total{class="5xx",pattern="/v1/search"} 1` + "\n", "pfr_gateway_open_requests 1\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}

// Readiness follows the canary: not before the first passes, no more after several failed.
func TestReadiness(t *testing.T) {
	b := newBackend(t)
	outcome := make(chan error)
	b.follow = func(ctx context.Context, q schemas.Query, _ func(schemas.Progress)) (schemas.SERP, error) {
		if q.ClientID != "pfr-canary" || !q.Probe {
			t.Errorf("canary %+v", q.PublicQuery)
		}
		select {
		case err := <-outcome:
			page := samplePage(q)
			if errors.Is(err, io.EOF) {
				page.Coverage = 0
				return page, nil
			}
			return page, err
		case <-ctx.Done():
			return schemas.SERP{}, ctx.Err()
		}
	}
	gw := b.open(t, func(c *gateway.Config) {
		c.CanaryEvery, c.CanaryRetry, c.CanaryFailures = time.Microsecond, time.Microsecond, 2
	})
	g := run(t, gw)
	expect(t, g.url+"/readyz", http.StatusServiceUnavailable, "No canary search has passed yet")
	outcome <- io.EOF // no tool answered
	expect(t, g.url+"/readyz", http.StatusServiceUnavailable, "no tool answered")
	outcome <- nil
	within(t, gw.Ready(), "the first canary to pass")
	expect(t, g.url+"/readyz", http.StatusOK, `"status":"ready"`)
	outcome <- errBroker
	expect(t, g.url+"/readyz", http.StatusOK, `"failures":1`)
	outcome <- errBroker
	expect(t, g.url+"/readyz", http.StatusServiceUnavailable, "The last canary search failed")
	outcome <- fmt.Errorf("%w: %w: %w", producers.ErrUnavailable, producers.ErrKafka, errBroker)
	expect(t, g.url+"/readyz", http.StatusServiceUnavailable, `"part":"kafka"`)
	outcome <- nil
	expect(t, g.url+"/readyz", http.StatusOK, `"failures":0`)
	expect(t, g.url+"/healthz", http.StatusOK, "alive")
}

// expect polls an address until it answers as wanted.
func expect(t *testing.T, url string, status int, says string) {
	t.Helper()
	c := client(t)
	var got string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = readAll(resp); err == nil && resp.StatusCode == status && strings.Contains(got, says) {
			return
		}
	}
	t.Fatalf("%s answers %q, want %d and %q", url, got, status, says)
}

// A body without end and a body that does not come are refused, and cost little.
func TestHostileBodies(t *testing.T) {
	g := run(t, newBackend(t).open(t, func(c *gateway.Config) { c.ReadTimeout = 200 * time.Millisecond }))
	slow := run(t, newBackend(t).open(t, func(c *gateway.Config) { c.ReadHeaderTimeout = 200 * time.Millisecond }))
	t.Run("a gigabyte", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.url+"/v1/search", io.LimitReader(zeros{}, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = 1 << 30
		req.Header.Set("Content-Type", "application/json")
		resp, err := client(t).Do(req)
		if err != nil {
			return // the connection was cut while sending
		}
		if body, _ := readAll(resp); resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d: %s", resp.StatusCode, body)
		}
	})
	t.Run("slow header", func(t *testing.T) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(slow.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		// A header line each tenth of the time that all have: the connection ends all the same.
		for i := 0; err == nil; i++ {
			_, err = fmt.Fprintf(conn, "%s", []string{"GET / HTTP/1.1\r\n", "X-A: b\r\n"}[min(i, 1)])
			<-time.After(20 * time.Millisecond)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection stayed open")
		}
	})
	t.Run("slow body", func(t *testing.T) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
			t.Errorf("%q, %v", answer, err)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
