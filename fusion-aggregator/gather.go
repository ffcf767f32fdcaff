package fusion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// answer is what became of call i.
type answer struct {
	i    int
	resp schemas.ToolResponse
	err  error
	took time.Duration
}

// gather asks every tool of the decision at once and returns a section for each call, in
// the order of the calls. It returns when all have answered, or at the deadline.
func (a *Aggregator) gather(ctx context.Context, d schemas.RouteDecision) []schemas.Section {
	calls := d.Decision.Calls
	start := time.Now()
	limits := make([]time.Time, len(calls)) // when each section is due; it stays open until the last is
	answers := make(chan answer, len(calls))
	for i, c := range calls {
		limits[i] = a.limit(d.Query, c, start)
		a.late.Go(func() { answers <- a.call(ctx, d, i, limits[i]) })
	}

	sections := make([]schemas.Section, len(calls))
	deadline := time.NewTimer(time.Until(lastOpen(sections, limits)))
	defer deadline.Stop()
	for open := len(calls); open > 0; open-- {
		select {
		case ans := <-answers:
			sections[ans.i] = a.land(ctx, d, ans)
			deadline.Reset(time.Until(lastOpen(sections, limits)))
		case <-deadline.C:
			a.closeOpen(d, sections, start)
			a.late.Go(func() { a.countLate(answers, open, d) })
			return sections
		}
	}
	return sections
}

// lastOpen returns the latest limit of the sections that have not landed.
func lastOpen(sections []schemas.Section, limits []time.Time) time.Time {
	var last time.Time
	for i, limit := range limits {
		if sections[i].ID == "" && limit.After(last) {
			last = limit
		}
	}
	return last
}

// limit is when the section of c is closed: by the call's own deadline or by the query's,
// whichever is nearer.
func (a *Aggregator) limit(q schemas.PublicQuery, c schemas.Call, start time.Time) time.Time {
	own := start.Add(time.Duration(c.DeadlineMS) * time.Millisecond)
	if page := q.Deadline.Add(-a.cfg.Reserve); page.Before(own) {
		return page
	}
	return own
}

// call asks one tool. It waits a little longer than limit, so that late answers are seen.
func (a *Aggregator) call(ctx context.Context, d schemas.RouteDecision, i int, limit time.Time) answer {
	c := d.Decision.Calls[i]
	start := time.Now()
	ctx, end := telemetry.Start(ctx, "call "+c.Tool, telemetry.Internal)
	ctx, cancel := context.WithDeadline(ctx, limit.Add(a.cfg.LateGrace))
	defer cancel()
	req := request(d, c, limit)
	resp, err := a.ports.Tools.Call(ctx, req)
	if err == nil {
		err = verify(req, resp)
	}
	end(err)
	return answer{i: i, resp: resp, err: err, took: time.Since(start)}
}

func request(d schemas.RouteDecision, c schemas.Call, limit time.Time) schemas.ToolRequest {
	return schemas.ToolRequest{
		SchemaVersion: schemas.Version, CorrelationID: d.Query.CorrelationID,
		Tool: c.Tool, Section: c.Section, Query: d.Query.Text, Params: c.Params, Limit: c.Limit + c.Spare,
		Market: d.Query.Market, Locale: d.Query.Locale, User: d.User, Deadline: limit, Late: c.Late,
	}
}

// verify refuses an answer that is not to this request or that breaks the schema.
func verify(req schemas.ToolRequest, resp schemas.ToolResponse) error {
	if err := resp.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if !resp.Answers(req) {
		return fmt.Errorf("%w: it answers another request", ErrInvalid)
	}
	return nil
}

// land turns an answer into its section and sends it ahead of the page.
func (a *Aggregator) land(ctx context.Context, d schemas.RouteDecision, ans answer) schemas.Section {
	c := d.Decision.Calls[ans.i]
	s := section(c, ans)
	a.m.section(c.Tool, s.Status, ans.took)
	if ans.err != nil {
		a.log.Debug("section has no answer", "tool", c.Tool, "status", s.Status, "correlation_id", d.Query.CorrelationID, "err", ans.err)
	}
	shown := s
	shown.Items = s.Items[:min(len(s.Items), c.Limit)]
	a.ports.Feed.Send(ctx, schemas.Progress{
		SchemaVersion: schemas.Version, CorrelationID: d.Query.CorrelationID, Kind: schemas.ProgressSection, Section: &shown,
	})
	return s
}

// closeOpen gives every section that is still open the status of a timeout.
func (a *Aggregator) closeOpen(d schemas.RouteDecision, sections []schemas.Section, start time.Time) {
	for i, c := range d.Decision.Calls {
		if sections[i].ID == "" {
			took := time.Since(start)
			sections[i] = section(c, answer{err: context.DeadlineExceeded, took: took})
			a.m.section(c.Tool, schemas.SectionTimeout, took)
		}
	}
}

// countLate waits for the answers that missed the page and counts the good ones.
func (a *Aggregator) countLate(answers <-chan answer, open int, d schemas.RouteDecision) {
	for range open {
		if ans := <-answers; ans.err == nil {
			a.m.late.WithLabelValues(d.Decision.Calls[ans.i].Tool).Inc()
		}
	}
}

func section(c schemas.Call, ans answer) schemas.Section {
	s := schemas.Section{
		ID: c.Section, Title: c.Title, Component: c.Component, Tool: c.Tool,
		Items: []schemas.Item{}, TookMS: millis(ans.took),
	}
	s.Status, s.Reason = status(ans)
	if s.Status == schemas.SectionOK {
		s.Items, s.Text, s.ServiceMS = ans.resp.Items, ans.resp.Text, ans.resp.TookMS // with the spare ones
	}
	return s
}

// status says what an answer means for its section, and why, for a person.
func status(ans answer) (schemas.SectionStatus, string) {
	switch err := ans.err; {
	case err == nil && len(ans.resp.Items) == 0 && ans.resp.Text == "":
		return schemas.SectionEmpty, "nothing was found"
	case err == nil:
		return schemas.SectionOK, ""
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return schemas.SectionTimeout, "no answer by the deadline"
	case errors.Is(err, ErrNoResponder):
		return schemas.SectionNoResponder, ErrNoResponder.Error()
	case errors.Is(err, ErrShed):
		return schemas.SectionShed, ErrShed.Error()
	case errors.Is(err, ErrInvalid):
		return schemas.SectionInvalid, ErrInvalid.Error()
	default:
		return schemas.SectionError, "the tool failed"
	}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
