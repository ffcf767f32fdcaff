package httpclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Event is one step of a search. Exactly one of Route, Section and Page is set.
type Event struct {
	Route   *Route           // first, once: what was decided, and the empty page
	Section *schemas.Section // each section once, in the order they land
	Page    *Page            // last, once
}

// Route announces a page.
type Route struct {
	CorrelationID string `json:"correlation_id"`
	schemas.Slots
	Why Why `json:"why"`
}

// Stream follows one search. The sequence ends after the page, or with an error. A stream
// that breaks is taken up again where it was, without a new search; what was seen is not
// seen twice. Ranging over the sequence again is the same search again.
func (c *Client) Stream(ctx context.Context, r Request) iter.Seq2[Event, error] {
	search, err := r.prepare()
	return func(yield func(Event, error) bool) {
		if err != nil {
			yield(Event{}, err)
			return
		}
		f := &follower{c: c, id: r.CorrelationID, search: search, seen: map[string]bool{}, yield: yield}
		f.run(ctx)
	}
}

// Resume follows a search that is in hand, or was, under its correlation id. It asks for
// nothing new: a search that the gateway does not know is a *[Problem] of status 404.
func (c *Client) Resume(ctx context.Context, correlationID string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := &follower{c: c, id: correlationID, accepted: true, seen: map[string]bool{}, yield: yield}
		f.run(ctx)
	}
}

// errStopped says that the consumer of a stream wants no more.
var errStopped = errors.New("the stream is not read any more")

// follower brings one stream to its end over as many connections as it needs.
type follower struct {
	c        *Client
	id       string // correlation id
	search   call   // that asks for it; its path is "" where there is none
	accepted bool   // by the gateway, so that it can be followed
	last     string // id of the last event
	route    bool   // seen
	seen     map[string]bool
	yield    func(Event, error) bool
}

func (f *follower) run(ctx context.Context) {
	err := f.c.persist(ctx, func() error { return f.connect(ctx) })
	if err != nil && !errors.Is(err, errStopped) {
		f.yield(Event{}, fmt.Errorf("search %s: %w", f.id, err))
	}
}

const typeEvents = "text/event-stream"

// connect reads one connection. It returns nil when the page has come.
func (f *follower) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(f.c.cfg.Silence, func() {
		cancel(&brokenError{fmt.Errorf("nothing came for %v", f.c.cfg.Silence)})
	})
	defer silent.Stop()
	err := f.read(ctx, silent)
	if _, broken := errors.AsType[*brokenError](context.Cause(ctx)); broken && passing(err) {
		return context.Cause(ctx) // which says more than that the context was cancelled
	}
	return err
}

// call is what the next connection asks for.
func (f *follower) call() call {
	q := f.search
	q.header = http.Header{"Accept": {typeEvents}}
	if !f.accepted {
		return q
	}
	q.method, q.path, q.body = http.MethodGet, "/v1/serps/"+url.PathEscape(f.id), nil
	if f.last != "" {
		q.header.Set("Last-Event-ID", f.last)
	}
	return q
}

func (f *follower) read(ctx context.Context, silent *time.Timer) error {
	resp, err := f.c.send(ctx, f.call())
	if err != nil {
		return f.lost(err)
	}
	defer resp.Body.Close()
	f.accepted = true
	if resp.StatusCode == http.StatusNoContent {
		return f.whole(ctx)
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media != typeEvents { // a gateway, or something before it, that does not stream
		page, err := f.c.readPage(resp)
		if err != nil {
			return err
		}
		return f.finish(page)
	}
	alive := func() { silent.Reset(f.c.cfg.Silence) }
	events := newDecoder(resp.Body, f.c.cfg.MaxBody, alive)
	for {
		alive()
		m, err := events.next()
		silent.Stop() // whoever takes the event may take long
		if errors.Is(err, errTooLong) {
			return err
		}
		if err != nil {
			return &brokenError{err}
		}
		f.last = m.id
		if done, err := f.event(m); done || err != nil {
			return err
		}
	}
}

// lost handles a connection that was not accepted. A search that the gateway does not know,
// although it once did, is asked for again.
func (f *follower) lost(err error) error {
	p, ok := errors.AsType[*Problem](err)
	if ok && p.Status == http.StatusNotFound && f.accepted && f.search.path != "" {
		f.accepted = false
		return &brokenError{err}
	}
	return err
}

// event passes an event on. Events of unknown names are for later versions.
func (f *follower) event(m message) (done bool, err error) {
	switch m.name {
	case "route":
		return false, f.onRoute(m.data)
	case "section":
		return false, f.onSection(m.data)
	case "serp":
		page, err := parsePage(append([]byte(nil), m.data...))
		if err != nil {
			return true, err
		}
		return true, f.finish(page)
	case "error":
		p := &Problem{}
		if err := json.Unmarshal(m.data, p); err != nil {
			return true, fmt.Errorf("the problem is not what it should be: %w", err)
		}
		return true, p
	}
	return false, nil
}

func (f *follower) onRoute(data []byte) error {
	if f.route {
		return nil
	}
	var r Route
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("the route is not what it should be: %w", err)
	}
	f.route = true
	return f.pass(Event{Route: &r})
}

func (f *follower) onSection(data []byte) error {
	var s schemas.Section
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("the section is not what it should be: %w", err)
	}
	if f.seen[s.ID] {
		return nil
	}
	f.seen[s.ID] = true
	return f.pass(Event{Section: &s})
}

// whole fetches a page of which there is nothing left to follow.
func (f *follower) whole(ctx context.Context) error {
	page, err := f.c.page(ctx, call{method: http.MethodGet, path: "/v1/serps/" + url.PathEscape(f.id)})
	if err != nil {
		return err
	}
	return f.finish(page)
}

func (f *follower) finish(page Page) error { return f.pass(Event{Page: &page}) }

func (f *follower) pass(e Event) error {
	if !f.yield(e, nil) {
		return errStopped
	}
	return nil
}
