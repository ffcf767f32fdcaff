package router

import (
	"context"
	"log/slog"
	"reflect"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// Comparisons takes what a candidate would have decided.
type Comparisons interface {
	Publish(ctx context.Context, d schemas.ShadowDecision) error
}

// Observer learns of fresh decisions off the path of the query. scope is what a decision
// must not cross, such as a market.
type Observer interface {
	Observe(text, scope string, d schemas.Decision)
}

// Shadow runs candidates of the roll-out on a sample of the queries, after their decisions
// are out and one at a time, and publishes both decisions side by side.
type Shadow struct {
	r     *Router
	out   Comparisons
	see   Observer // nil: nobody
	queue chan compared
	log   *slog.Logger

	agreement *prometheus.CounterVec
	dropped   prometheus.Counter
}

type compared struct {
	q      schemas.PublicQuery
	live   schemas.Decision
	arm    Arm
	sample bool // whether arm is to be compared
}

// NewShadow returns a Shadow of r. It compares nothing before [Shadow.Run]. see may be nil.
func NewShadow(r *Router, out Comparisons, see Observer, log *slog.Logger, reg prometheus.Registerer) *Shadow {
	f := telemetry.Metrics(reg, "shadow")
	return &Shadow{
		r: r, out: out, see: see, queue: make(chan compared, r.cfg.ShadowQueue), log: log,
		agreement: f.CounterVec("decisions_total", "Decisions of candidates, by what they have in common with those that were served.", "agreement"),
		dropped:   f.Counter("dropped_total", "Queries that were not compared because too many waited."),
	}
}

// Offer takes a query and its decision if they are in the sample. It never blocks: when
// too many wait, this one is not compared.
func (s *Shadow) Offer(q schemas.PublicQuery, live schemas.Decision) {
	arm, sample := s.r.rollout.Shadow(q)
	if q.Probe || !sample && s.see == nil {
		return
	}
	select {
	case s.queue <- compared{q, live, arm, sample}:
	default:
		s.dropped.Inc()
	}
}

// Run compares until ctx ends. What waits then is not compared.
func (s *Shadow) Run(ctx context.Context, ready func()) error {
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-s.queue:
			s.compare(ctx, c)
		}
	}
}

func (s *Shadow) compare(ctx context.Context, c compared) {
	if s.see != nil && (c.live.Source == schemas.SourceStudent || c.live.Source == schemas.SourceLLM) {
		s.see.Observe(Normalise(c.q.Text), c.q.Market+" "+c.live.Arm, c.live)
	}
	if !c.sample {
		return
	}
	c.q.Deadline = time.Time{}                       // the page is out: the candidate may take its time
	candidate := s.r.newPass(c.q, c.arm).decide(ctx) // in no metric of what is served
	d := schemas.ShadowDecision{
		SchemaVersion: schemas.Version, CorrelationID: c.q.CorrelationID, Query: c.q.Text, Market: c.q.Market,
		Live: c.live, Candidate: candidate, Agreement: agree(c.live, candidate), DecidedAt: time.Now().UTC(),
	}
	s.agreement.WithLabelValues(string(d.Agreement)).Inc()
	if err := s.out.Publish(ctx, d); err != nil {
		s.log.Warn("publish shadow decision", "correlation_id", c.q.CorrelationID, "err", err)
	}
}

func agree(a, b schemas.Decision) schemas.Agreement {
	switch {
	case a.Route != b.Route:
		return schemas.AgreeNone
	case reflect.DeepEqual(a.Params, b.Params) && (a.Route != composed || reflect.DeepEqual(a.Calls, b.Calls)):
		return schemas.AgreeParams
	}
	return schemas.AgreeRoute
}
