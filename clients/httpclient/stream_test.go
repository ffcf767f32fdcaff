package httpclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/clients/httpclient"
)

// watch reads a stream to its end and says what came.
func watch(ctx context.Context, c *httpclient.Client) (seen string, page httpclient.Page, err error) {
	var parts []string
	for e, streamErr := range c.Stream(ctx, httpclient.Request{Query: "q", CorrelationID: id}) {
		switch {
		case streamErr != nil:
			err = streamErr
		case e.Route != nil:
			parts = append(parts, "route "+e.Route.Layout)
		case e.Section != nil:
			parts = append(parts, e.Section.ID)
		case e.Page != nil:
			parts, page = append(parts, "page"), *e.Page
		}
	}
	return strings.Join(parts, ", "), page, err
}

const wholePage = "route top_hit, mix, results, page"

func TestStream(t *testing.T) {
	c, s := serve(t, events(": hello\n\n"+route()+event("section", mix)+event("news", "x")+event("section", results)+event("serp", pageJSON)))
	seen, page, err := watch(t.Context(), c)
	if err != nil || seen != wholePage || string(page.JSON) != pageJSON {
		t.Errorf("%s, %v", seen, err)
	}
	if a := s.got()[0]; a.path != "POST /v1/search" || a.header.Get("Accept") != "text/event-stream" {
		t.Errorf("%+v", a)
	}
}

func TestBrokenStreamsAreTakenUpAgain(t *testing.T) {
	c, s := serve(t,
		cut(route()+event("section", mix)+"event: section\ndata: {"),
		cut(route()+event("section", mix)+event("section", results)),
		events(route()+event("section", mix)+event("section", results)+event("serp", pageJSON)))
	seen, _, err := watch(t.Context(), c)
	if err != nil || seen != wholePage {
		t.Fatalf("%s, %v", seen, err)
	}
	got := s.got()
	if len(got) != 3 {
		t.Fatalf("%d connections", len(got))
	}
	for _, a := range got[1:] {
		if a.path != "GET /v1/serps/"+id || a.header.Get("Accept") != "text/event-stream" || a.header.Get("Last-Event-ID") != id+"/section" {
			t.Errorf("%s with %v", a.path, a.header)
		}
	}
}

func TestStreamEndsWhateverHappens(t *testing.T) {
	drained := event("error", `{"title":"Service Unavailable","status":503}`)
	for name, test := range map[string]struct {
		steps []http.HandlerFunc
		seen  string
		err   string
		asked string // methods
	}{
		"refused, then accepted":     {[]http.HandlerFunc{problem(503), events(route() + event("serp", pageJSON))}, "route top_hit, page", "", "POST POST"},
		"cut for ever":               {[]http.HandlerFunc{cut(route())}, "route top_hit", "EOF", "POST GET GET"},
		"forgotten by the gateway":   {[]http.HandlerFunc{cut(route()), problem(404), events(event("serp", pageJSON))}, "route top_hit, page", "", "POST GET POST"},
		"drained":                    {[]http.HandlerFunc{events(route() + drained), events(event("serp", pageJSON))}, "route top_hit, page", "", "POST GET"},
		"no page in time":            {[]http.HandlerFunc{events(route() + event("error", `{"title":"Gateway Timeout","status":504}`))}, "route top_hit", "504", "POST"},
		"refused":                    {[]http.HandlerFunc{problem(400)}, "", "400 Bad Request: Why.", "POST"},
		"not streamed":               {[]http.HandlerFunc{page()}, "page", "", "POST"},
		"nothing left to stream":     {[]http.HandlerFunc{cut(route()), answer(204, "", ""), page()}, "route top_hit, page", "", "POST GET GET"},
		"a page that is none":        {[]http.HandlerFunc{events(event("serp", "{"))}, "", "not what it should be", "POST"},
		"an event that is too long":  {[]http.HandlerFunc{events("data: " + strings.Repeat("x", 9<<20))}, "", "too long", "POST"},
		"a heap of lines":            {[]http.HandlerFunc{events(strings.Repeat("data: "+strings.Repeat("x", 1<<20)+"\n", 9))}, "", "too long", "POST"},
		"a section that is none":     {[]http.HandlerFunc{events(event("section", `{"items":1}`))}, "", "not what it should be", "POST"},
		"a problem that is not JSON": {[]http.HandlerFunc{events(event("error", `oops`))}, "", "not what it should be", "POST"},
	} {
		c, s := serve(t, test.steps...)
		seen, _, err := watch(t.Context(), c)
		if seen != test.seen || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %s, %v", name, seen, err)
		}
		var asked []string
		for _, a := range s.got() {
			method, _, _ := strings.Cut(a.path, " ")
			if method == "POST" && a.header.Get("Last-Event-ID") != "" {
				t.Errorf("%s: a search with the id of an event", name)
			}
			asked = append(asked, method)
		}
		if got := strings.Join(asked, " "); got != test.asked {
			t.Errorf("%s: asked %s", name, got)
		}
	}
}

func TestSilentStreamsAreBroken(t *testing.T) {
	gone := make(chan struct{})
	silent := func(w http.ResponseWriter, r *http.Request) {
		events(route())(w, r)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}
	s := &script{steps: []http.HandlerFunc{silent, events(event("serp", pageJSON))}}
	addr := start(t, s)
	cfg := quick(addr)
	cfg.Silence = 50 * time.Millisecond
	seen, _, err := watch(t.Context(), newClient(t, cfg, nil))
	if err != nil || seen != "route top_hit, page" {
		t.Errorf("%s, %v", seen, err)
	}
	<-gone
}

func TestWhoeverStopsReadingClosesTheStream(t *testing.T) {
	gone := make(chan struct{})
	c, s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		events(route())(w, r)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	for e, err := range c.Stream(t.Context(), httpclient.Request{Query: "q"}) {
		if err != nil || e.Route == nil || e.Route.Why.Summary != "Sure." {
			t.Fatal(e, err)
		}
		break
	}
	<-gone
	if len(s.got()) != 1 {
		t.Errorf("%d connections", len(s.got()))
	}
}

func TestStreamEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		events(route())(w, r)
		_ = http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	})
	if seen, _, err := watch(ctx, c); !errors.Is(err, context.Canceled) || len(s.got()) != 1 {
		t.Errorf("%s, %v", seen, err)
	}
}

func TestResumeAsksForNothingNew(t *testing.T) {
	c, s := serve(t, cut(route()), problem(404))
	var seen []string
	for e, err := range c.Resume(t.Context(), id) {
		seen = append(seen, fmt.Sprint(e.Route != nil, err != nil))
	}
	if len(seen) != 2 || len(s.got()) != 2 || s.got()[1].path != "GET /v1/serps/"+id {
		t.Errorf("%v, %+v", seen, s.got())
	}
}
