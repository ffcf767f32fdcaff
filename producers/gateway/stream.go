package gateway

import (
	"bytes"
	"context"
	"net/http"
	"strings"
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

// What event ids say after the correlation id and a slash, beside route, serp, error and
// the ids of sections.
const (
	idOpen     = "open"     // nothing has been sent yet
	idStopping = "stopping" // the stream was cut and can be resumed
)

// reconnectMS is how long a browser waits before it resumes a stream that broke.
const reconnectMS = "1000"

// routeEvent is the data of a route event.
type routeEvent struct {
	CorrelationID string `json:"correlation_id"`
	schemas.Slots
	Why reasons `json:"why"`
}

// relay writes the events of a flight until it has ended, the client is gone or the
// gateway stops.
func (g *Gateway) relay(ctx context.Context, ev *events, f *flight) {
	beat := time.NewTicker(g.cfg.Heartbeat)
	defer beat.Stop()
	ev.open()
	for n := 0; ev.err == nil; {
		steps, end, changed := f.since(n)
		n += len(steps)
		for _, s := range steps {
			ev.step(s)
		}
		switch {
		case end != nil && end.err != nil:
			ev.problem(idError, g.searchFailed(ctx, ev.id, end.err))
			return
		case end != nil:
			ev.finish(*end)
			return
		}
		select {
		case <-changed:
		case <-beat.C:
			ev.comment("still working")
		case <-g.stopping:
			ev.problem(idStopping, stoppingProblem(ev.id))
			return
		case <-ctx.Done():
			return
		}
	}
}

// idError and idSERP end a stream for good.
const (
	idError = eventError
	idSERP  = eventSERP
)

// events writes one stream in the right order, whatever got lost on the way.
type events struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	m     *metrics
	id    string
	mode  schemas.Mode
	skip  string          // nothing is written up to the event of this id; "" writes all
	route bool            // sent
	sent  map[string]bool // sections
	early []schemas.Section
	buf   bytes.Buffer
	err   error // of the first write that failed; nothing is written after it
}

func newEvents(w http.ResponseWriter, id string, mode schemas.Mode, m *metrics) *events {
	return &events{w: w, rc: http.NewResponseController(w), m: m, id: id, mode: mode, sent: map[string]bool{}}
}

// open begins the stream. The id that it sends has no data, so that a browser shows
// nothing and yet knows by which id to resume.
func (e *events) open() {
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy must not hold events back
	e.w.WriteHeader(http.StatusOK)
	e.buf.Reset()
	e.buf.WriteString(": the page of " + e.id + "\nretry: " + reconnectMS + "\n")
	if e.skip == "" {
		e.buf.WriteString("id: " + e.id + "/" + idOpen + "\n")
	}
	e.buf.WriteString("\n")
	e.flush()
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

func (e *events) slots(s schemas.Slots) {
	if e.route {
		return
	}
	e.route = true
	e.event(eventRoute, eventRoute, routeEvent{e.id, s, reasonsOf(s.Route, e.mode)})
	for _, sec := range e.early {
		e.section(sec)
	}
	e.early = nil
}

func (e *events) section(s schemas.Section) {
	if !e.sent[s.ID] {
		e.sent[s.ID] = true
		e.event(eventSection, s.ID, s)
	}
}

// finish writes what was lost, made from the page, and then the page: the same bytes as an
// answer that is not streamed.
func (e *events) finish(end outcome) {
	if !e.route {
		e.m.repaired.Inc()
		e.slots(slotsOf(end.page))
	}
	for _, s := range end.page.Sections {
		if !e.sent[s.ID] {
			e.m.repaired.Inc()
			e.section(s)
		}
	}
	e.write(eventSERP, idSERP, end.body)
}

func slotsOf(page schemas.SERP) schemas.Slots {
	s := schemas.Slots{Route: page.Route, Layout: page.Layout, Notice: page.Notice, Slots: make([]schemas.Slot, len(page.Sections))}
	for i, sec := range page.Sections {
		s.Slots[i] = schemas.Slot{ID: sec.ID, Title: sec.Title, Component: sec.Component, Tool: sec.Tool, Display: sec.Display}
	}
	return s
}

// slotsOfDecision are the slots as they were announced at first.
func slotsOfDecision(d schemas.Decision) schemas.Slots {
	calls, _ := d.SetAside()
	s := schemas.Slots{Layout: d.Layout, Notice: d.Notice, Slots: make([]schemas.Slot, len(calls)), Route: schemas.RouteSummary{
		Name: d.Route, Params: d.Params, Source: d.Source, Degraded: d.Degraded, Confidence: d.Confidence,
		ManifestVersion: d.ManifestVersion, ModelVersion: d.ModelVersion,
		Arm: d.Arm, Alternatives: d.Alternatives, Tiers: d.Tiers,
	}}
	for i, c := range calls {
		s.Slots[i] = schemas.Slot{ID: c.Section, Title: c.Title, Component: c.Component, Tool: c.Tool, Display: c.Display}
	}
	return s
}

func (e *events) problem(id string, p *problem) { e.write(eventError, id, p.body()) }

// comment is a sign of life that clients ignore.
func (e *events) comment(text string) {
	e.buf.Reset()
	e.buf.WriteString(": " + text + "\n\n")
	e.flush()
}

// event writes an event, unless the client has it already.
func (e *events) event(name, id string, v any) {
	if e.skip != "" {
		if e.skip == id {
			e.skip = ""
		}
		return
	}
	data, err := codec.Marshal(v)
	if err != nil {
		e.err = err
		return
	}
	e.write(name, id, data)
}

// write sends one event. JSON has no raw line breaks, so one data line is enough.
func (e *events) write(name, id string, data []byte) {
	e.buf.Reset()
	e.buf.WriteString("event: " + name + "\nid: " + e.id + "/" + oneLine(id) + "\ndata: ")
	e.buf.Write(data)
	e.buf.WriteString("\n\n")
	e.flush()
}

// oneLine keeps the id of a section from ending the line it stands in.
func oneLine(id string) string {
	if !strings.ContainsAny(id, "\r\n\x00") {
		return id
	}
	return strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(id)
}

func (e *events) flush() {
	if e.err != nil {
		return
	}
	if _, e.err = e.w.Write(e.buf.Bytes()); e.err == nil {
		e.err = e.rc.Flush()
	}
}
