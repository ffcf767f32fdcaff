package gateway

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
)

// searchBody is the body of POST /v1/search. Query is required.
type searchBody struct {
	Query         string            `json:"query"`
	CorrelationID string            `json:"correlation_id"` // UUIDv7; the same id again is the same search
	Market        string            `json:"market"`
	Locale        string            `json:"locale"`
	Platform      string            `json:"platform"`
	ClientID      string            `json:"client_id"`
	SessionID     string            `json:"session_id"`
	Mode          schemas.Mode      `json:"mode"`
	DeadlineMS    *int64            `json:"deadline_ms"`
	Experiments   map[string]string `json:"experiments"`
	User          *schemas.User     `json:"user"`
}

func (g *Gateway) searchByBody(w http.ResponseWriter, r *http.Request) *problem {
	body, p := readBody(w, r, maxSearchBody)
	if p != nil {
		return p
	}
	var s searchBody
	if p := decodeStrict(body, &s); p != nil {
		return p
	}
	return g.search(w, r, s, "query")
}

func (g *Gateway) searchByURL(w http.ResponseWriter, r *http.Request) *problem {
	s, p := fromURL(r.URL.RawQuery)
	if p != nil {
		return p
	}
	return g.search(w, r, s, "q")
}

// fromURL reads a search from the parameters of a URL.
func fromURL(raw string) (s searchBody, p *problem) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return s, newProblem(http.StatusBadRequest, "The parameters are not URL-encoded.")
	}
	set := map[string]func(string) *problem{
		"q":              func(v string) *problem { s.Query = v; return nil },
		"correlation_id": func(v string) *problem { s.CorrelationID = v; return nil },
		"market":         func(v string) *problem { s.Market = v; return nil },
		"locale":         func(v string) *problem { s.Locale = v; return nil },
		"platform":       func(v string) *problem { s.Platform = v; return nil },
		"client_id":      func(v string) *problem { s.ClientID = v; return nil },
		"session_id":     func(v string) *problem { s.SessionID = v; return nil },
		"mode":           func(v string) *problem { s.Mode = schemas.Mode(v); return nil },
		"user":           func(v string) *problem { s.User = &schemas.User{ID: v}; return nil },
		"deadline_ms":    s.setDeadline,
	}
	for name, v := range values {
		put, ok := set[name]
		if !ok {
			return s, newProblem(http.StatusBadRequest, fmt.Sprintf("%s: there is no such parameter. There are %s.",
				name, strings.Join(slices.Sorted(maps.Keys(set)), ", ")))
		}
		if len(v) > 1 {
			return s, newProblem(http.StatusBadRequest, name+": must be given once.")
		}
		if p := put(v[0]); p != nil {
			return s, p
		}
	}
	return s, nil
}

func (s *searchBody) setDeadline(v string) *problem {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return newProblem(http.StatusBadRequest, "deadline_ms: must be an integer.")
	}
	s.DeadlineMS = &n
	return nil
}

// maxDeadlineMS keeps a deadline within the range of a duration. What the pipeline allows
// is much less.
const maxDeadlineMS = 24 * 60 * 60 * 1000

// request returns the search as the client library wants it. textField is what the caller
// calls the query text.
func (s searchBody) request(textField string) (producers.Request, *problem) {
	if err := schemas.CheckText(s.Query); err != nil {
		return producers.Request{}, newProblem(http.StatusBadRequest, textField+": "+err.Error())
	}
	req := producers.Request{
		CorrelationID: s.CorrelationID, Text: s.Query, Market: s.Market, Locale: s.Locale, Platform: s.Platform,
		ClientID: s.ClientID, SessionID: s.SessionID, Mode: s.Mode, Experiments: s.Experiments, User: s.User,
	}
	if s.DeadlineMS != nil {
		if *s.DeadlineMS <= 0 || *s.DeadlineMS > maxDeadlineMS {
			return req, newProblem(http.StatusBadRequest, "deadline_ms: must be a positive number of milliseconds, such as 450")
		}
		req.Deadline = time.Duration(*s.DeadlineMS) * time.Millisecond
	}
	return req, nil
}

// search answers with a page, or with a stream where that is wanted.
func (g *Gateway) search(w http.ResponseWriter, r *http.Request, s searchBody, textField string) *problem {
	req, p := s.request(textField)
	if p != nil {
		return p
	}
	q, err := g.ports.Searches.Query(req)
	if err != nil {
		return searchProblem("", err)
	}
	if p := inMarket(r.Context(), q.Market); p != nil {
		return p
	}
	if p := choosesArm(r.Context(), q.Experiments); p != nil {
		return p
	}
	stream := wantsStream(r.Header)
	last, resumes, p := lastEvent(r.Header)
	switch {
	case !stream:
	case p != nil:
		return p
	case resumes && s.CorrelationID != "" && s.CorrelationID != last.correlationID:
		return badEventID()
	case resumes:
		of := subjectOf(q.PublicQuery)
		return g.resume(w, r, last, &of)
	}
	open := g.begin
	if s.CorrelationID != "" {
		open = g.repeat
	}
	f, p := open(r.Context(), q)
	if p != nil {
		return p
	}
	defer f.leave(g.cfg.Linger)
	if stream {
		g.relay(r.Context(), newEvents(w, f.id, q.Mode, g.m), f)
		return nil
	}
	end := f.wait(r.Context(), g.stopping)
	if end.err != nil {
		return g.searchFailed(r.Context(), q.CorrelationID, end.err)
	}
	return writeBody(w, http.StatusOK, end.body)
}

// begin returns the watched flight of a new query.
func (g *Gateway) begin(ctx context.Context, q schemas.Query) (*flight, *problem) {
	return g.launch(ctx, q, func(ctx context.Context, onStep func(schemas.Progress)) (schemas.SERP, error) {
		return g.ports.Searches.Follow(ctx, q, onStep)
	})
}

// repeat is begin for a query whose client gave it its correlation id: the search may be in
// hand or finished, and is then not sent again.
func (g *Gateway) repeat(ctx context.Context, q schemas.Query) (*flight, *problem) {
	found, err := g.find(q.CorrelationID)
	switch {
	case err != nil: // the archive is no help; the pipeline makes one page all the same
		g.log.Warn("looking for an earlier page", "correlation_id", q.CorrelationID, "err", err)
		return g.begin(ctx, q)
	case found == nil:
		return g.begin(ctx, q)
	case found.of != subjectOf(q.PublicQuery):
		found.leave(g.cfg.Linger)
		return nil, conflict()
	case found.flight != nil:
		return found.flight, nil
	}
	return g.launch(ctx, q, g.resuming(q.CorrelationID, found.decided))
}

// launch returns the watched flight of a query: one that follow brings to its end, or one
// that was there first.
func (g *Gateway) launch(ctx context.Context, q schemas.Query, follow followFunc) (*flight, *problem) {
	of := subjectOf(q.PublicQuery)
	f, p := g.flights.start(ctx, &flight{id: q.CorrelationID, of: of, mode: q.Mode}, follow)
	if p == nil && f.of != of {
		f.leave(g.cfg.Linger)
		return nil, conflict()
	}
	return f, p
}

func conflict() *problem {
	return newProblem(http.StatusConflict, "correlation_id: belongs to another search. Make a new one, or leave it out.")
}

// enter takes the slot of one search, or sheds it.
func (g *Gateway) enter() (leave func(), p *problem) {
	select {
	case g.flights.slots <- struct{}{}:
		return func() { <-g.flights.slots }, nil
	default:
		g.m.shed.Inc()
		return nil, shedProblem()
	}
}

func shedProblem() *problem {
	return newProblem(http.StatusServiceUnavailable, "Too many searches are in hand. Send it again in a second.").retry(1)
}

// searchFailed returns the problem to answer with, and logs what an operator must know.
func (g *Gateway) searchFailed(ctx context.Context, id string, err error) *problem {
	p := searchProblem(id, err)
	if ctx.Err() == nil && p.Status >= http.StatusInternalServerError {
		g.log.Warn("search without a page", "correlation_id", id, "status", p.Status, "err", err)
	}
	return p
}
