package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// newID is the id of a search that has just been sent.
func newID(t *testing.T) string {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

// sse asks for a stream. last is the last event that came; "" is none.
func sse(t *testing.T, target, last string) *http.Request {
	t.Helper()
	r := get(t, target)
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	return r
}

// put stores a page of a query.
func (b *backend) put(page schemas.SERP) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pages[page.CorrelationID] = page
}

func (b *backend) decide(id string, e gateway.Explained) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.why[id] = e
}

func (b *backend) resumed() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.again...)
}

func queryOf(id, text string) schemas.PublicQuery {
	now := time.Now().UTC()
	return schemas.PublicQuery{SchemaVersion: schemas.Version, CorrelationID: id, Text: text, Market: "US", Locale: "en-US", SubmittedAt: now, Deadline: now.Add(time.Second)}
}

func pageOf(id, text string) schemas.SERP {
	return samplePage(schemas.Query{PublicQuery: queryOf(id, text)})
}

// somePage is a page of any shape that is allowed.
func somePage(t *rapid.T, id string) schemas.SERP {
	page := pageOf(id, rapid.StringMatching(`[a-z<>&"é ]{1,20}x`).Draw(t, "text"))
	number := rapid.Float64Range(0, 1)
	page.Route.Confidence, page.Coverage, page.Cost = number.Draw(t, "confidence"), number.Draw(t, "coverage"), number.Draw(t, "cost")
	page.Timings = schemas.Timings{QueuedMS: number.Draw(t, "queued"), TotalMS: 1000 * number.Draw(t, "total")}
	page.Route.Params = schemas.Params{"artist": rapid.String().Draw(t, "artist"), "year": 1900 + rapid.IntRange(0, 200).Draw(t, "year"), "tags": []string{"a", "b"}}
	page.Notice = rapid.SampledFrom([]string{"", "a <b> & \u2028 c"}).Draw(t, "notice")
	page.Sections = page.Sections[:rapid.IntRange(0, len(page.Sections)).Draw(t, "sections")]
	for i := range page.Sections {
		s := &page.Sections[i]
		s.Items = s.Items[:rapid.IntRange(0, len(s.Items)).Draw(t, "items")]
		if len(s.Items) == 0 && rapid.Bool().Draw(t, "nil") {
			s.Items = nil
		}
		s.Text, s.TookMS = rapid.String().Draw(t, "words"), number.Draw(t, "took")
	}
	return page
}

// stored is a page as it comes back from a topic or the archive.
func stored(t *rapid.T, page schemas.SERP) (back schemas.SERP) {
	data, err := codec.Marshal(page)
	if err == nil {
		err = codec.Unmarshal(data, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// However a page is asked for, its bytes are the same: streamed, not streamed, asked again
// under its id, and from the archive.
func TestPageHasTheSameBytesEverywhere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBackend(t)
		page := somePage(rt, newID(t))
		b.follow = func(_ context.Context, _ schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
			onStep(schemas.Progress{Kind: schemas.ProgressRoute, Route: slots(page)})
			return page, nil
		}
		g := b.open(t, nil)
		body := fmt.Sprintf(`{"query":%q,"correlation_id":%q}`, page.Query, page.CorrelationID)
		stream := post(t, "/v1/search", body)
		stream.Header.Set("Accept", "text/event-stream")
		events := parse(t, serve(g, stream).Body.String())
		want := events[len(events)-1].data
		answers := map[string]string{"again": serve(g, post(t, "/v1/search", body)).Body.String()}
		b.put(stored(rt, page))
		other := b.open(t, nil) // that has never seen it
		answers["elsewhere"] = serve(other, post(t, "/v1/search", body)).Body.String()
		answers["archive"] = serve(other, get(t, "/v1/serps/"+page.CorrelationID)).Body.String()
		resumed := parse(t, serve(other, sse(t, "/v1/serps/"+page.CorrelationID, "")).Body.String())
		answers["resumed"] = resumed[len(resumed)-1].data
		for name, got := range answers {
			if got != want {
				rt.Errorf("%s:\n%s\nwant\n%s", name, got, want)
			}
		}
		if n := len(b.queries()); n != 1 {
			rt.Errorf("%d queries", n)
		}
	})
}

// held is a backend whose searches stop after the route and their first section until they
// are released.
func held(t *testing.T) (b *backend, release func()) {
	t.Helper()
	b = newBackend(t)
	let := make(chan struct{})
	b.follow = func(ctx context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
		page := samplePage(q)
		if q.Probe {
			return page, nil
		}
		onStep(schemas.Progress{Kind: schemas.ProgressRoute, Route: slots(page)})
		onStep(schemas.Progress{Kind: schemas.ProgressSection, Section: &page.Sections[0]})
		select {
		case <-let:
			for i := range page.Sections {
				onStep(schemas.Progress{Kind: schemas.ProgressSection, Section: &page.Sections[i]})
			}
			return page, nil
		case <-ctx.Done():
			return schemas.SERP{}, ctx.Err()
		}
	}
	return b, sync.OnceFunc(func() { close(let) })
}

// cutAfter reads a stream until a line, and then breaks it.
func cutAfter(t *testing.T, url, line string) (lines []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	for l := range streamLines(t, client(t), req) {
		lines = append(lines, l)
		if l == line {
			return lines
		}
	}
	t.Fatalf("no line %q in\n%s", line, strings.Join(lines, "\n"))
	return nil
}

// A browser whose stream broke comes back to the same address with the last event that it
// got. It gets the rest of the same search, once, and no second query is sent.
func TestBrokenStreamGoesOn(t *testing.T) {
	b, release := held(t)
	g := run(t, b.open(t, nil))
	cutAfter(t, g.url+"/v1/search?q=x", "event: section")
	id := ""
	for _, q := range b.queries() {
		if !q.Probe {
			id = q.CorrelationID
		}
	}
	release()
	for last, want := range map[string]string{
		"open":            "route section:latest_releases section:release_date section:recent_tracks section:tour serp",
		"route":           "section:latest_releases section:release_date section:recent_tracks section:tour serp",
		"latest_releases": "section:release_date section:recent_tracks section:tour serp",
		"tour":            "serp",
		"unheard-of":      "route section:latest_releases section:release_date section:recent_tracks section:tour serp",
	} {
		for _, path := range []string{"/v1/search?q=x", "/v1/serps/" + id} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header = sse(t, "/", id+"/"+last).Header
			resp, err := client(t).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := readAll(resp)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(t, parse(t, body)); got != want {
				t.Errorf("%s after %s:\ngot  %s\nwant %s", path, last, got, want)
			}
		}
	}
	n := 0
	for _, q := range b.queries() {
		if !q.Probe {
			n++
		}
	}
	if n != 1 || len(b.resumed()) != 0 {
		t.Errorf("%d queries, resumed %v", n, b.resumed())
	}
}

// After the end of a stream there is nothing more, and a browser that asks is told to stop.
func TestEndedStreamIsNotResumed(t *testing.T) {
	b := newBackend(t)
	b.put(pageOf(someID, "x"))
	g := b.open(t, nil)
	for _, name := range []string{"serp", "error"} {
		for _, path := range []string{"/v1/search?q=x", "/v1/serps/" + someID} {
			if w := serve(g, sse(t, path, someID+"/"+name)); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
				t.Errorf("%s after %s: %d %s", path, name, w.Code, w.Body)
			}
		}
	}
	if n := len(b.queries()); n > 0 {
		t.Errorf("%d queries", n)
	}
}

// A stream goes on at another gateway, which knows of the search what the archive does. The
// slots are those of the decision; what was missed comes from the page.
func TestResumeElsewhere(t *testing.T) {
	b := newBackend(t)
	id := newID(t)
	e := decided(fullDecision(), schemas.PreFusion)
	e.Query = queryOf(id, "x")
	b.decide(id, e)
	b.resume = func(_ context.Context, id string, onStep func(schemas.Progress)) (schemas.SERP, error) {
		page := pageOf(id, "x")
		onStep(schemas.Progress{Kind: schemas.ProgressSection, Section: &page.Sections[2]})
		return page, nil
	}
	events := parse(t, serve(b.open(t, nil), sse(t, "/v1/search?q=x", id+"/open")).Body.String())
	if got, want := names(t, events), "route section:recent_tracks section:latest_releases section:release_date section:tour serp"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if route := events[0].data; !strings.Contains(route, `"name":"similar_artists"`) || !strings.Contains(route, `"slots":[{"id":"results"`) {
		t.Errorf("route event %s", route)
	}
	if n := len(b.queries()); n > 0 {
		t.Errorf("%d queries", n)
	}
}

// The decision of a search may come to the archive after its stream broke: it is waited for.
func TestResumeWaitsForASign(t *testing.T) {
	id := newID(t)
	for name, sign := range map[string]func(b *backend){
		"decision": func(b *backend) {
			e := decided(fullDecision(), schemas.PreFusion)
			e.Query = queryOf(id, "x")
			b.decide(id, e)
		},
		"nothing": func(*backend) {},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			asked := make(chan struct{}, 8)
			b.resume = func(ctx context.Context, id string, _ func(schemas.Progress)) (schemas.SERP, error) {
				asked <- struct{}{}
				b.mu.Lock()
				_, known := b.why[id]
				b.mu.Unlock()
				if known {
					return pageOf(id, "x"), nil
				}
				<-ctx.Done()
				return schemas.SERP{}, fmt.Errorf("%w: %w", producers.ErrNoPage, ctx.Err())
			}
			g := b.open(t, func(c *gateway.Config) { c.ResumeWait = 300 * time.Millisecond })
			answer := make(chan *httptest.ResponseRecorder, 1)
			r := sse(t, "/v1/serps/"+id, "")
			go func() { answer <- serve(g, r) }()
			<-asked
			sign(b)
			w := <-answer
			if name == "nothing" {
				if problemOf(t, w); w.Code != http.StatusNotFound {
					t.Errorf("status %d", w.Code)
				}
			} else if got := names(t, parse(t, w.Body.String())); !strings.HasSuffix(got, " serp") {
				t.Errorf("%d %s", w.Code, got)
			}
		})
	}
}

func TestBadResumes(t *testing.T) {
	b := newBackend(t)
	b.put(pageOf(someID, "x"))
	g := b.open(t, nil)
	old := someID[:35] + "8" // of 2023, and unknown
	for name, c := range map[string]struct {
		request *http.Request
		status  int
	}{
		"another text":     {sse(t, "/v1/search?q=y", someID+"/route"), 409},
		"another market":   {sse(t, "/v1/search?q=x&market=DE", someID+"/route"), 409},
		"another id":       {sse(t, "/v1/search?q=x&correlation_id="+old, someID+"/route"), 400},
		"another page":     {sse(t, "/v1/serps/"+old, someID+"/route"), 400},
		"no correlation":   {sse(t, "/v1/search?q=x", "1/route"), 400},
		"no name":          {sse(t, "/v1/search?q=x", someID+"/"), 400},
		"no event id":      {sse(t, "/v1/search?q=x", "7"), 400},
		"long ago":         {sse(t, "/v1/search?q=x", old+"/route"), 404},
		"never":            {sse(t, "/v1/serps/"+old, ""), 404},
		"not even an id":   {sse(t, "/v1/serps/nonsense", ""), 404},
		"no text to check": {sse(t, "/v1/search", someID+"/route"), 400},
	} {
		if w := serve(g, c.request); w.Code != c.status {
			t.Errorf("%s: status %d, want %d: %s", name, w.Code, c.status, w.Body)
		} else {
			problemOf(t, w)
		}
	}
	if n := len(b.queries()) + len(b.resumed()); n > 0 {
		t.Errorf("%d queries or resumes", n)
	}
}
