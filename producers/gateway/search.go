package gateway

import (
	"context"
	"errors"
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
	leave, p := g.enter()
	if p != nil {
		return p
	}
	defer leave()
	known, p := g.known(s.CorrelationID, q.Text)
	if p != nil {
		return p
	}
	follow := g.ports.Searches.Follow
	if known != nil {
		follow = func(context.Context, schemas.Query, func(schemas.Progress)) (schemas.SERP, error) { return *known, nil }
	}
	if wantsStream(r.Header) {
		g.stream(w, r, q, follow)
		return nil
	}
	page, err := follow(r.Context(), q, func(schemas.Progress) {})
	if err != nil {
		return g.searchFailed(r.Context(), q.CorrelationID, err)
	}
	return writeJSON(w, http.StatusOK, page)
}

// followFunc is the Follow of a [Searcher].
type followFunc func(context.Context, schemas.Query, func(schemas.Progress)) (schemas.SERP, error)

// enter takes the slot of one search, or sheds it.
func (g *Gateway) enter() (leave func(), p *problem) {
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots }, nil
	default:
		g.m.shed.Inc()
		return nil, newProblem(http.StatusServiceUnavailable, "Too many searches are in hand. Send it again in a second.").retry(1)
	}
}

// known returns the page of a search that is sent again under the id its client gave it,
// or nil.
func (g *Gateway) known(id, text string) (*schemas.SERP, *problem) {
	if id == "" {
		return nil, nil
	}
	page, err := g.ports.Pages.Get(id)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		g.log.Warn("looking for an earlier page", "correlation_id", id, "err", err)
		return nil, nil
	case page.Query != text:
		return nil, newProblem(http.StatusConflict, "correlation_id: belongs to another search. Make a new one, or leave it out.")
	}
	return &page, nil
}

// searchFailed returns the problem to answer with, and logs what an operator must know.
func (g *Gateway) searchFailed(ctx context.Context, id string, err error) *problem {
	p := searchProblem(id, err)
	if ctx.Err() == nil && p.Status >= http.StatusInternalServerError {
		g.log.Warn("search without a page", "correlation_id", id, "status", p.Status, "err", err)
	}
	return p
}

// wantsStream says whether the client takes server-sent events.
func wantsStream(h http.Header) bool {
	for _, accept := range h.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			media, _, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(media), "text/event-stream") {
				return true
			}
		}
	}
	return false
}
