package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// client returns an HTTP client whose connections end with the test.
func client(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 30 * time.Second}
}

func readAll(resp *http.Response) (string, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// within waits for something that must happen soon.
func within(t *testing.T, happened <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(10 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
}

// event is one server-sent event.
type event struct{ name, id, data string }

// parse reads a stream as a browser does.
func parse(t *testing.T, body string) (events []event) {
	t.Helper()
	for block := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		var ev event
		for line := range strings.SplitSeq(block, "\n") {
			switch name, value, _ := strings.Cut(line, ": "); name {
			case "event":
				ev.name = value
			case "id":
				ev.id = value
			case "data":
				ev.data = value
			case "", "retry":
			default:
				t.Fatalf("line %q", line)
			}
		}
		if ev.name != "" {
			events = append(events, ev)
		}
	}
	return events
}

// names tells a stream as "route section:a section:b serp".
func names(t *testing.T, events []event) string {
	t.Helper()
	var out []string
	for _, ev := range events {
		name := ev.name
		if name == "section" {
			var s schemas.Section
			if err := json.Unmarshal([]byte(ev.data), &s); err != nil {
				t.Fatal(err)
			}
			name += ":" + s.ID
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func streamed(t *testing.T, b *backend) *httptest.ResponseRecorder {
	t.Helper()
	r := get(t, "/v1/search?q=x")
	r.Header.Set("Accept", "text/html;q=0.1, text/event-stream")
	return serve(b.open(t, nil), r)
}

// Whatever is lost, doubled or out of order on the way: the route comes first, each section
// of the page once, and the page last.
func TestStreamIsWhole(t *testing.T) {
	for name, sent := range map[string]struct {
		steps string // r: route, digits: sections
		want  string // order of the sections
	}{
		"all":            {"r0123", "0123"},
		"out of order":   {"r3102", "3102"},
		"nothing":        {"", "0123"},
		"route lost":     {"21", "2103"},
		"route late":     {"2r1", "2103"},
		"sections lost":  {"r2", "2013"},
		"sections twice": {"rr01102", "0123"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			var page schemas.SERP
			b.follow = func(_ context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
				page = samplePage(q)
				for _, s := range sent.steps {
					if s == 'r' {
						onStep(schemas.Progress{Kind: schemas.ProgressRoute, Route: slots(page)})
					} else {
						onStep(schemas.Progress{Kind: schemas.ProgressSection, Section: &page.Sections[s-'0']})
					}
				}
				return page, nil
			}
			w := streamed(t, b)
			events := parse(t, w.Body.String())
			want := "route"
			for _, s := range sent.want {
				want += " section:" + page.Sections[s-'0'].ID
			}
			if got := names(t, events); got != want+" serp" || w.Header().Get("Content-Type") != "text/event-stream" {
				t.Fatalf("got  %s\nwant %s serp", got, want)
			}
			for i, ev := range events {
				name := ev.name
				if name == "section" {
					name = page.Sections[sent.want[i-1]-'0'].ID
				}
				if ev.id != page.CorrelationID+"/"+name {
					t.Errorf("%s has id %q", ev.name, ev.id)
				}
			}
			var last schemas.SERP
			if err := json.Unmarshal([]byte(events[len(events)-1].data), &last); err != nil || len(last.Sections) != 4 || last.CorrelationID != page.CorrelationID {
				t.Errorf("page %s with %d sections, %v", last.CorrelationID, len(last.Sections), err)
			}
		})
	}
}

func TestRouteEventAnnouncesTheSlots(t *testing.T) {
	var route struct {
		CorrelationID string               `json:"correlation_id"`
		Route         schemas.RouteSummary `json:"route"`
		Slots         []schemas.Slot       `json:"slots"`
	}
	b := newBackend(t)
	events := parse(t, streamed(t, b).Body.String())
	if err := json.Unmarshal([]byte(events[0].data), &route); err != nil {
		t.Fatal(err)
	}
	if route.CorrelationID != b.queries()[0].CorrelationID || route.Route.Name != "new_releases" || len(route.Slots) != 4 || route.Slots[1].Component != "answer" {
		t.Errorf("%+v", route)
	}
}

func TestStreamEndsWithAnError(t *testing.T) {
	b := newBackend(t)
	b.follow = func(_ context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
		page := samplePage(q)
		onStep(schemas.Progress{Kind: schemas.ProgressRoute, Route: slots(page)})
		return schemas.SERP{}, fmt.Errorf("%w: %w", producers.ErrNoPage, context.DeadlineExceeded)
	}
	events := parse(t, streamed(t, b).Body.String())
	if got := names(t, events); got != "route error" {
		t.Fatal(got)
	}
	var p map[string]any
	if err := json.Unmarshal([]byte(events[1].data), &p); err != nil || p["status"] != 504.0 || p["correlation_id"] != b.queries()[0].CorrelationID {
		t.Errorf("%v, %v", p, err)
	}
}

func TestStreamOutlivesAPanic(t *testing.T) {
	b := newBackend(t)
	b.follow = func(context.Context, schemas.Query, func(schemas.Progress)) (schemas.SERP, error) { panic("boom") }
	if got := names(t, parse(t, streamed(t, b).Body.String())); got != "error" {
		t.Error(got)
	}
}

// A stream may be quiet for longer than a request may be read or written.
func TestQuietStreamStaysOpen(t *testing.T) {
	b := newBackend(t)
	const quiet = 400 * time.Millisecond
	b.follow = func(ctx context.Context, q schemas.Query, _ func(schemas.Progress)) (schemas.SERP, error) {
		if !q.Probe {
			select {
			case <-time.After(quiet):
			case <-ctx.Done():
				return schemas.SERP{}, ctx.Err()
			}
		}
		return samplePage(q), nil
	}
	g := run(t, b.open(t, func(c *gateway.Config) {
		c.ReadTimeout, c.WriteTimeout, c.Heartbeat = quiet/8, quiet/8, quiet/8
	}))
	for accept, method := range map[string]string{"text/event-stream": http.MethodGet, "application/json": http.MethodPost} {
		target, body := g.url+"/v1/search", io.Reader(strings.NewReader(`{"query":"x"}`))
		if method == http.MethodGet {
			target, body = target+"?q=x", nil
		}
		req, err := http.NewRequestWithContext(t.Context(), method, target, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		req.Header.Set("Content-Type", "application/json")
		resp, err := client(t).Do(req)
		if err != nil {
			t.Fatalf("%s: %v", accept, err)
		}
		text, err := readAll(resp)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s %v", accept, resp.StatusCode, text, err)
		}
		if accept == "text/event-stream" && strings.Count(text, ": still working\n") < 2 {
			t.Errorf("too few signs of life:\n%s", text)
		}
	}
}

// openStream returns the lines of an open stream, from the first on.
func openStream(t *testing.T, url string) (lines <-chan string, ended <-chan struct{}) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/search?q=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	out, done := make(chan string, 256), make(chan struct{})
	in := streamLines(t, client(t), req)
	go func() {
		defer close(done)
		defer close(out)
		for l := range in {
			out <- l
		}
	}()
	return out, done
}

// streamLines sends a request and returns the lines of its answer. The connection is closed
// when the caller has had enough.
func streamLines(t *testing.T, c *http.Client, req *http.Request) iter.Seq[string] {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(string) bool) {
		defer resp.Body.Close()
		for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
			if !yield(sc.Text()) {
				return
			}
		}
	}
}

// An open stream is finished before Run returns; one that lasts too long is cut.
func TestDrain(t *testing.T) {
	for name, finishes := range map[string]bool{"finishes": true, "lasts too long": false} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			entered, release := make(chan struct{}), make(chan struct{})
			var left atomic.Bool
			b.follow = func(ctx context.Context, q schemas.Query, _ func(schemas.Progress)) (schemas.SERP, error) {
				if q.Probe {
					return samplePage(q), nil
				}
				if q.Text == "late" {
					return samplePage(q), nil
				}
				close(entered)
				select {
				case <-release:
					return samplePage(q), nil
				case <-ctx.Done():
					<-time.After(50 * time.Millisecond) // it takes a while to leave
					left.Store(true)
					return schemas.SERP{}, ctx.Err()
				}
			}
			g := run(t, b.open(t, func(c *gateway.Config) {
				if !finishes {
					c.DrainTimeout = 50 * time.Millisecond
				}
			}))
			lines, ended := openStream(t, g.url)
			within(t, entered, "the search")
			stopped := make(chan struct{})
			go func() { defer close(stopped); g.stop() }()
			if finishes {
				refused(t, g.url)
				close(release)
			}
			within(t, stopped, "Run to return")
			if left.Load() == finishes {
				t.Errorf("the search was cancelled and left: %v", left.Load())
			}
			within(t, ended, "the stream to end")
			var all []string
			for l := range lines {
				all = append(all, l)
			}
			text := strings.Join(all, "\n")
			if got := slices.Contains(all, "event: serp"); got != finishes {
				t.Errorf("page sent: %v\n%s", got, text)
			}
			if told := strings.Contains(text, "event: error\nid: ") && strings.Contains(text, "resume at /v1/serps/"); told == finishes {
				t.Errorf("told where to go on: %v\n%s", told, text)
			}
		})
	}
}

// refused waits until new requests are turned away.
func refused(t *testing.T, url string) {
	t.Helper()
	c := client(t)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/search?q=late", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := readAll(resp)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusServiceUnavailable {
			continue
		}
		if !resp.Close || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, "stopping") {
			t.Errorf("turned away with %v: %s", resp.Header, body)
		}
		return
	}
	t.Fatal("requests are still taken")
}

// Who waits for a page as one answer is told the same as who reads a stream.
func TestDrainTellsWhereThePageWillBe(t *testing.T) {
	b, release := held(t)
	defer release()
	g := run(t, b.open(t, func(c *gateway.Config) { c.DrainTimeout = 50 * time.Millisecond }))
	type answer struct {
		resp *http.Response
		body string
		err  error
	}
	got := make(chan answer, 1)
	id := newID(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/v1/search?q=x&correlation_id="+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := client(t)
	go func() {
		resp, err := c.Do(req)
		if err != nil {
			got <- answer{err: err}
			return
		}
		body, err := readAll(resp)
		got <- answer{resp, body, err}
	}()
	eventually(t, func() bool { return slices.ContainsFunc(b.queries(), func(q schemas.Query) bool { return !q.Probe }) })
	g.stop()
	a := <-got
	if a.err != nil || a.resp.StatusCode != http.StatusServiceUnavailable || a.resp.Header.Get("Retry-After") == "" ||
		!strings.Contains(a.body, `"page":"/v1/serps/`+id+`"`) {
		t.Errorf("%+v", a)
	}
}
