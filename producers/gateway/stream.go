package gateway

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// The events of a stream. A route comes first, then each section once, then the page. An
// error takes the place of the page.
const (
	eventRoute   = "route"
	eventSection = "section"
	eventSERP    = "serp"
	eventError   = "error"
)

// routeEvent is the data of a route event.
type routeEvent struct {
	CorrelationID string `json:"correlation_id"`
	schemas.Slots
	Why reasons `json:"why"`
}

// serpEvent is the data of a serp event.
type serpEvent struct {
	schemas.SERP
	Why reasons `json:"why"`
}

// outcome is how a search ended.
type outcome struct {
	page schemas.SERP
	err  error
}

// stream answers with the progress of a search as server-sent events.
func (g *Gateway) stream(w http.ResponseWriter, r *http.Request, q schemas.Query, follow followFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	steps := make(chan schemas.Progress, schemas.MaxCalls+1)
	ended := make(chan outcome, 1)
	go func() {
		defer close(ended)
		defer func() {
			if v := recover(); v != nil {
				g.m.panics.Inc()
				ended <- outcome{err: errors.New("following the search panicked")}
			}
		}()
		page, err := follow(ctx, q, func(s schemas.Progress) {
			select {
			case steps <- s:
			case <-ctx.Done():
			}
		})
		ended <- outcome{page, err}
	}()
	defer func() {
		cancel()
		for range ended { // until the search has returned
		}
	}()
	g.relay(ctx, newEvents(w, q, g.m), steps, ended)
}

// relay writes events until the search has ended or the client is gone.
func (g *Gateway) relay(ctx context.Context, ev *events, steps <-chan schemas.Progress, ended <-chan outcome) {
	beat := time.NewTicker(g.cfg.Heartbeat)
	defer beat.Stop()
	ev.open()
	for ev.err == nil {
		select {
		case s := <-steps:
			ev.step(s)
		case end := <-ended:
			ev.rest(steps)
			if end.err != nil {
				ev.problem(g.searchFailed(ctx, ev.id, end.err))
			} else {
				ev.finish(end.page, g.reasonsOfPage(end.page, ev.mode))
			}
			return
		case <-beat.C:
			ev.comment("still working")
		case <-ctx.Done():
			return
		}
	}
}

// events writes one stream in the right order, whatever got lost on the way.
type events struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	m     *metrics
	id    string
	mode  schemas.Mode
	route bool            // sent
	sent  map[string]bool // sections
	early []schemas.Section
	buf   bytes.Buffer
	err   error // of the first write that failed; nothing is written after it
}

func newEvents(w http.ResponseWriter, q schemas.Query, m *metrics) *events {
	return &events{w: w, rc: http.NewResponseController(w), m: m, id: q.CorrelationID, mode: q.Mode, sent: map[string]bool{}}
}

func (e *events) open() {
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy must not hold events back
	e.w.WriteHeader(http.StatusOK)
	e.comment("the page of " + e.id)
}

// step writes a step. Sections that come before the route wait for it.
func (e *events) step(s schemas.Progress) {
	switch {
	case s.Route != nil:
		e.slots(*s.Route)
	case s.Section != nil && !e.route:
		e.early = append(e.early, *s.Section)
	case s.Section != nil:
		e.section(*s.Section)
	}
}

// rest writes the steps that came with the end of the search.
func (e *events) rest(steps <-chan schemas.Progress) {
	for {
		select {
		case s := <-steps:
			e.step(s)
		default:
			return
		}
	}
}

func (e *events) slots(s schemas.Slots) {
	if e.route {
		return
	}
	e.route = true
	e.event(eventRoute, routeEvent{e.id, s, reasonsOf(s.Route, e.mode)})
	for _, sec := range e.early {
		e.section(sec)
	}
	e.early = nil
}

func (e *events) section(s schemas.Section) {
	if !e.sent[s.ID] {
		e.sent[s.ID] = true
		e.event(eventSection, s)
	}
}

// finish writes what was lost, made from the page, and then the page.
func (e *events) finish(page schemas.SERP, why reasons) {
	if !e.route {
		e.m.repaired.Inc()
		e.slots(slotsOf(page))
	}
	for _, s := range page.Sections {
		if !e.sent[s.ID] {
			e.m.repaired.Inc()
			e.section(s)
		}
	}
	e.event(eventSERP, serpEvent{page, why})
}

func slotsOf(page schemas.SERP) schemas.Slots {
	s := schemas.Slots{Route: page.Route, Layout: page.Layout, Notice: page.Notice, Slots: make([]schemas.Slot, len(page.Sections))}
	for i, sec := range page.Sections {
		s.Slots[i] = schemas.Slot{ID: sec.ID, Title: sec.Title, Component: sec.Component, Tool: sec.Tool}
	}
	return s
}

func (e *events) problem(p *problem) { e.write(eventError, p.body()) }

// comment is a sign of life that clients ignore.
func (e *events) comment(text string) {
	e.buf.Reset()
	e.buf.WriteString(": " + text + "\n\n")
	e.flush()
}

func (e *events) event(name string, v any) {
	data, err := codec.Marshal(v)
	if err != nil {
		e.err = err
		return
	}
	e.write(name, data)
}

// write sends one event. JSON has no raw line breaks, so one data line is enough.
func (e *events) write(name string, data []byte) {
	e.buf.Reset()
	e.buf.WriteString("event: " + name + "\nid: " + e.id + "\ndata: ")
	e.buf.Write(data)
	e.buf.WriteString("\n\n")
	e.flush()
}

func (e *events) flush() {
	if e.err != nil {
		return
	}
	if _, e.err = e.w.Write(e.buf.Bytes()); e.err == nil {
		e.err = e.rc.Flush()
	}
}
