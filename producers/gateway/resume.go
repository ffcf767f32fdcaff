package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parallel-fusion/pfr/schemas"
)

// eventID is the id of an event of a stream, as a browser sends it back in Last-Event-ID.
type eventID struct {
	correlationID string
	name          string
}

// maxEventName bounds the second part of an event id.
const maxEventName = 256

// parseEventID reads "<correlation id>/<name>".
func parseEventID(s string) (id eventID, ok bool) {
	id.correlationID, id.name, ok = strings.Cut(s, "/")
	ok = ok && schemas.IsCorrelationID(id.correlationID) &&
		id.name != "" && len(id.name) <= maxEventName && utf8.ValidString(id.name)
	return id, ok
}

// lastEvent returns the event after which a client wants a stream to go on. resumes is
// false if it wants a new one.
func lastEvent(h http.Header) (id eventID, resumes bool, p *problem) {
	values := h.Values("Last-Event-ID")
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return id, false, nil
	}
	id, ok := parseEventID(values[0])
	if !ok || len(values) > 1 {
		return id, false, badEventID()
	}
	return id, true, nil
}

func badEventID() *problem {
	return newProblem(http.StatusBadRequest, "Last-Event-ID: must be the id of an event of this search's stream.")
}

// resume goes on with a stream that broke, and publishes nothing. After the end of the
// stream it says that there is nothing more, so that a browser stops asking. of is what the
// search must be for; nil takes any.
func (g *Gateway) resume(w http.ResponseWriter, r *http.Request, last eventID, of *subject) *problem {
	if last.name == idSERP || last.name == idError {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	f, p := g.sight(r.Context(), last.correlationID)
	if p != nil {
		return p
	}
	defer f.leave(g.cfg.Linger)
	switch {
	case !visible(r.Context(), f.of.market):
		return missing(f.id)
	case of != nil && f.of != *of:
		return conflict()
	}
	ev := newEvents(w, f.id, f.mode, g.m)
	if f.sent(last.name) {
		ev.skip = last.name
		if f.begun {
			ev.skip = eventRoute // which always comes first
		}
	}
	g.m.resumed.Inc()
	g.relay(r.Context(), ev, f)
	return nil
}

// sent reports whether every stream of f so far had an event of this id.
func (f *flight) sent(id string) bool {
	steps, end, _ := f.since(0)
	route, section := false, false
	for _, s := range steps {
		route = route || s.Route != nil
		section = section || s.Section != nil && s.Section.ID == id
	}
	if end != nil && !section {
		for _, s := range end.page.Sections {
			section = section || s.ID == id
		}
	}
	return id == eventRoute && route || section && (route || end != nil)
}

// sighting is what is known here of a search.
type sighting struct {
	of      subject
	flight  *flight    // watched: the search is in hand or finished
	decided *Explained // without a flight: it is on its way elsewhere
}

// leave ends the watch, if there is one.
func (s *sighting) leave(linger time.Duration) {
	if s.flight != nil {
		s.flight.leave(linger)
	}
}

// find looks for a search in hand, then among finished pages, then among decisions. It
// returns nil if there is no trace of it.
func (g *Gateway) find(id string) (*sighting, error) {
	if f := g.flights.join(id); f != nil {
		return &sighting{of: f.of, flight: f}, nil
	}
	page, err := g.ports.Pages.Get(id)
	if err == nil {
		f := landed(page)
		if why, err := g.ports.Decisions.Explain(id); err == nil {
			f.mode = why.Query.Mode
		}
		return &sighting{of: f.of, flight: f}, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	why, err := g.ports.Decisions.Explain(id)
	if err == nil {
		return &sighting{of: subjectOf(why.Query), decided: &why}, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	return nil, nil // nothing is known, and nothing is wrong
}

// sight returns the watched flight of a search that was published before. Of a young
// search of which there is no trace yet it waits for one.
func (g *Gateway) sight(ctx context.Context, id string) (*flight, *problem) {
	found, err := g.find(id)
	switch {
	case err != nil:
		g.log.Warn("looking for a search to resume", "correlation_id", id, "err", err)
		return nil, unreadable()
	case found != nil && found.flight != nil:
		return found.flight, nil
	case found != nil:
		return g.rejoin(ctx, id, found.decided)
	case !young(id, time.Now()):
		return nil, missing(id)
	}
	return g.await(ctx, id)
}

// rejoin follows a search of which the decision is known.
func (g *Gateway) rejoin(ctx context.Context, id string, why *Explained) (*flight, *problem) {
	f := &flight{id: id, of: subjectOf(why.Query), mode: why.Query.Mode, begun: true}
	return g.flights.start(ctx, f, g.resuming(id, why))
}

// resuming follows a search that was published before, for as long as its page may come.
// Its route is known from the decision.
func (g *Gateway) resuming(id string, why *Explained) followFunc {
	return func(ctx context.Context, onStep func(schemas.Progress)) (schemas.SERP, error) {
		slots := slotsOfDecision(why.Decision)
		onStep(schemas.Progress{Kind: schemas.ProgressRoute, CorrelationID: id, Route: &slots})
		until := time.Now()
		if why.Query.Deadline.After(until) {
			until = why.Query.Deadline
		}
		return g.ports.Searches.Resume(ctx, id, until.Add(g.cfg.ResumeWait), onStep)
	}
}

// lookEvery is how often the archive is looked at for the decision of a young search.
const lookEvery = 25 * time.Millisecond

// await waits for a sign of a search that may just have been published elsewhere: its page
// or its decision.
func (g *Gateway) await(ctx context.Context, id string) (*flight, *problem) {
	select {
	case g.flights.waits <- struct{}{}:
		defer func() { <-g.flights.waits }()
	default:
		g.m.shed.Inc()
		return nil, shedProblem()
	}
	until := time.Now().Add(g.cfg.ResumeWait)
	f, p := g.flights.start(ctx, &flight{id: id, hidden: true}, func(ctx context.Context, onStep func(schemas.Progress)) (schemas.SERP, error) {
		return g.ports.Searches.Resume(ctx, id, until, onStep)
	})
	if p != nil {
		return nil, p
	}
	defer f.leave(0)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		_, end, changed := f.since(0)
		switch {
		case end != nil && end.err != nil:
			return nil, missing(id)
		case end != nil:
			return landed(end.page), nil
		}
		if why, err := g.ports.Decisions.Explain(id); err == nil {
			return g.rejoin(ctx, id, &why)
		}
		select {
		case <-look.C:
		case <-changed:
		case <-g.stopping:
			return nil, stoppingProblem(id)
		case <-ctx.Done():
			return nil, missing(id)
		}
	}
}

// youth is how old a search may be, by the clock of whoever made its id, to be still on
// its way without a trace.
const youth = 2 * time.Minute

// young reports whether the time in a UUIDv7 (RFC 9562 §5.7) is about now.
func young(id string, now time.Time) bool {
	ms, err := strconv.ParseInt(id[:8]+id[9:13], 16, 64)
	return err == nil && now.Sub(time.UnixMilli(ms)).Abs() < youth
}
