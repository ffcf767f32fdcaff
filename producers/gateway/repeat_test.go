package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// The same search twice at once is one search, by POST and by GET.
func TestRepeatInFlightJoins(t *testing.T) {
	b, release := held(t)
	g := b.open(t, nil)
	id := newID(t)
	repeat := func() *http.Request { return post(t, "/v1/search", `{"query":"x","correlation_id":"`+id+`"}`) }
	requests := []*http.Request{repeat(), repeat(), get(t, "/v1/search?q=x&correlation_id="+id), sse(t, "/v1/search?q=x&correlation_id="+id, "")}
	bodies := make([]string, len(requests))
	var all sync.WaitGroup
	for i, r := range requests {
		all.Go(func() { bodies[i] = serve(g, r).Body.String() })
	}
	eventually(t, func() bool { return len(b.queries()) == 1 })
	w := serve(g, post(t, "/v1/search", `{"query":"y","correlation_id":"`+id+`"}`))
	if problemOf(t, w); w.Code != http.StatusConflict {
		t.Errorf("another search in flight: status %d", w.Code)
	}
	release()
	all.Wait()
	if n := len(b.queries()); n != 1 {
		t.Errorf("%d queries", n)
	}
	events := parse(t, bodies[3])
	if bodies[0] != bodies[1] || bodies[0] != bodies[2] || bodies[0] != events[len(events)-1].data {
		t.Errorf("the answers differ:\n%s", strings.Join(bodies, "\n"))
	}
}

// Of a search that another gateway has in hand only the decision may be known. That is
// enough not to send it again.
func TestRepeatOfADecidedSearch(t *testing.T) {
	b := newBackend(t)
	id := newID(t)
	e := decided(fullDecision(), schemas.PreFusion)
	e.Query = queryOf(id, "x")
	b.decide(id, e)
	b.resume = func(_ context.Context, id string, _ func(schemas.Progress)) (schemas.SERP, error) {
		return pageOf(id, "x"), nil
	}
	g := b.open(t, nil)
	if w := serve(g, post(t, "/v1/search", `{"query":"y","correlation_id":"`+id+`"}`)); w.Code != http.StatusConflict {
		t.Errorf("another search: status %d", w.Code)
	}
	w := serve(g, post(t, "/v1/search", `{"query":"x","correlation_id":"`+id+`"}`))
	if w.Code != http.StatusOK || len(b.queries()) != 0 || len(b.resumed()) != 1 {
		t.Errorf("status %d, %d queries, resumed %v", w.Code, len(b.queries()), b.resumed())
	}
}

// A search without a page is not remembered: it can be sent again under its id.
func TestFailedSearchCanBeSentAgain(t *testing.T) {
	b := newBackend(t)
	fail := true
	b.follow = func(_ context.Context, q schemas.Query, _ func(schemas.Progress)) (schemas.SERP, error) {
		if fail {
			return schemas.SERP{}, fmt.Errorf("%w: %w", producers.ErrUnavailable, errBroker)
		}
		return samplePage(q), nil
	}
	g := b.open(t, nil)
	body := `{"query":"x","correlation_id":"` + newID(t) + `"}`
	if w := serve(g, post(t, "/v1/search", body)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
	fail = false
	if w := serve(g, post(t, "/v1/search", body)); w.Code != http.StatusOK || len(b.queries()) != 2 {
		t.Errorf("again: status %d, %d queries", w.Code, len(b.queries()))
	}
}

// Who comes back too late, when a search has been given up but has not ended yet, does not
// get its failure: the search is sent again.
func TestRepeatOfAnAbandonedSearch(t *testing.T) {
	b := newBackend(t)
	given, release := make(chan struct{}), make(chan struct{})
	first := true
	b.follow = func(ctx context.Context, q schemas.Query, _ func(schemas.Progress)) (schemas.SERP, error) {
		if !first {
			return samplePage(q), nil
		}
		first = false
		<-ctx.Done()
		close(given)
		<-release
		return schemas.SERP{}, ctx.Err()
	}
	g := b.open(t, func(c *gateway.Config) { c.Linger = time.Millisecond })
	request := func() *http.Request { return post(t, "/v1/search", `{"query":"x","correlation_id":"`+someID+`"}`) }
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	r := request().WithContext(ctx)
	go func() { defer close(gone); serve(g, r) }()
	eventually(t, func() bool { return len(b.queries()) == 1 })
	leave()
	<-gone
	<-given
	if w := serve(g, request()); w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	close(release)
	eventually(t, func() bool { return len(b.queries()) == 2 })
	if w := serve(g, request()); w.Code != http.StatusOK || len(b.queries()) != 2 {
		t.Errorf("and again: status %d, %d queries", w.Code, len(b.queries()))
	}
}

// The archive may be away. A search does without it.
func TestArchiveAway(t *testing.T) {
	b := newBackend(t)
	b.broken = errors.New("disk")
	g := b.open(t, nil)
	id := newID(t)
	if w := serve(g, post(t, "/v1/search", `{"query":"x","correlation_id":"`+id+`"}`)); w.Code != http.StatusOK {
		t.Errorf("search: status %d", w.Code)
	}
	for _, r := range []*http.Request{get(t, "/v1/serps/"+someID), sse(t, "/v1/serps/"+someID, "")} {
		w := serve(g, r)
		if problemOf(t, w); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "disk") {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	}
}

// Whatever a client sends as the last event, it is taken whole or refused, and it never
// starts a search.
func FuzzLastEventID(f *testing.F) {
	for _, s := range []string{someID + "/route", someID + "/", someID, "/", "", someID + "/a/b", someID + "/\u00e9", strings.ToUpper(someID) + "/serp"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, last string) {
		b := newBackend(t)
		b.put(pageOf(someID, "x"))
		r := sse(t, "/v1/search?q=x", "")
		r.Header["Last-Event-Id"] = []string{last}
		w := serve(b.open(t, func(c *gateway.Config) { c.ResumeWait = time.Millisecond }), r)
		switch ours := strings.HasPrefix(last, someID+"/"); {
		case last == "":
			return
		case len(b.queries()) > 0:
			t.Errorf("%q sent a query", last)
		case w.Code == http.StatusOK && !ours, w.Code == http.StatusNoContent && !strings.HasSuffix(last, "/serp") && !strings.HasSuffix(last, "/error"):
			t.Errorf("%q: status %d", last, w.Code)
		case w.Code >= http.StatusInternalServerError:
			t.Errorf("%q: status %d: %s", last, w.Code, w.Body)
		}
	})
}
