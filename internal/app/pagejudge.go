package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	posttraining "github.com/parallel-fusion/pfr/post-training"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// pageJudge judges a decision by the page that it leads to: the decision is served by a
// pipeline as if a router had made it. It implements [posttraining.Judge].
type pageJudge struct {
	client   *producers.Client
	handed   *handed
	manifest *routes.Manifest
	pages    judge.Absolute
	cases    map[string]testset.Case // by query
	today    string
	known    sync.Map // posttraining.Verdict of decisions that were judged before
}

// pageDeadline is the time for a page whose quality is judged, not its speed.
const pageDeadline = 5 * time.Second

// withPageJudge calls fn with a judge of the decisions for the cases of the product, over a
// pipeline that is started for it.
func withPageJudge(ctx context.Context, cfg Config, log *slog.Logger, fn func(context.Context, posttraining.Judge) error) error {
	cases, err := testset.Own()
	if err != nil {
		return err
	}
	manifest, err := routes.Music()
	if err != nil {
		return err
	}
	cfg.Embedded.Enabled = true
	return WithPipeline(ctx, cfg, log, func(ctx context.Context, client *Client) error {
		j, err := newPageJudge(client, cfg, manifest, cases)
		if err != nil {
			return err
		}
		return fn(ctx, j)
	})
}

// newPageJudge returns a judge of the decisions for cases, over the pipeline of a client.
func newPageJudge(c *Client, cfg Config, manifest *routes.Manifest, cases []testset.Case) (*pageJudge, error) {
	rules, err := RuleJudge()
	if err != nil {
		return nil, err
	}
	j := &pageJudge{
		handed: &handed{next: publish(c.in, decisions)}, manifest: manifest, pages: rules,
		cases: map[string]testset.Case{},
	}
	for _, one := range cases {
		j.cases[one.Query] = one
	}
	if j.today, err = CatalogueDay(cfg.Tools.Catalog); err != nil {
		return nil, err
	}
	j.client, err = producers.New(cfg.Producers, producers.Ports{
		Queries: j.handed, Steps: steps{c.in.conn}, Archive: c.archive, Interactions: publish(c.in, interactions),
	}, c.in.log, nil)
	return j, err
}

// ID implements [posttraining.Judge].
func (j *pageJudge) ID() string { return "pages by " + j.pages.ID() }

// Judge implements [posttraining.Judge].
func (j *pageJudge) Judge(ctx context.Context, q posttraining.Query, d posttraining.Decision) (posttraining.Verdict, error) {
	one, ok := j.cases[q.Text]
	route, there := j.manifest.Route(d.Route)
	if !ok || !there {
		return posttraining.Verdict{}, fmt.Errorf("case %q or route %q: is not known", q.Text, d.Route)
	}
	decision := j.manifest.Decide(route, d.Params, q.Text)
	key := fmt.Sprintf("%s\x00%s\x00%q", q.Text, d.Route, decision.Params) // maps print in key order
	if v, ok := j.known.Load(key); ok {
		known, _ := v.(posttraining.Verdict) // nothing else is in it
		return known, nil
	}
	decision.Source, decision.Confidence = schemas.SourceStudent, 1
	page, err := j.page(ctx, one, decision)
	if err != nil {
		return posttraining.Verdict{}, err
	}
	today := one.AsOf
	if today == "" {
		today = j.today
	}
	said, err := j.pages.Judge(ctx, judge.Subject{Case: one, Today: today, Page: judge.PageOf(page, 10)})
	if err != nil {
		return posttraining.Verdict{}, err
	}
	overall := said.Verdicts[judge.Overall]
	v := posttraining.Verdict{Pass: overall.Pass, Reason: overall.Reason, CostUSD: said.CostUSD}
	j.known.Store(key, v)
	return v, nil
}

// page has a decision served.
func (j *pageJudge) page(ctx context.Context, c testset.Case, d schemas.Decision) (schemas.SERP, error) {
	r := producers.Request{Text: c.Query, Market: c.Market, Locale: "en", Platform: "evaluation", Deadline: pageDeadline, Probe: true}
	if c.Profile != nil {
		r.User = &schemas.User{ID: c.Profile.ID, Features: c.Profile.Features}
	}
	return whole(ctx, func() (schemas.SERP, error) {
		q, err := j.client.Query(r)
		if err != nil {
			return schemas.SERP{}, err
		}
		j.handed.give(q.CorrelationID, d)
		return j.client.Follow(ctx, q, func(schemas.Progress) {})
	})
}

// handed publishes queries as if a router had decided them: with the decision that was
// handed in for each.
type handed struct {
	next      publisher[schemas.RouteDecision]
	decisions sync.Map // correlation id → schemas.Decision
}

func (h *handed) give(id string, d schemas.Decision) { h.decisions.Store(id, d) }

// Publish implements the port of [producers.Client].
func (h *handed) Publish(ctx context.Context, q schemas.Query) error {
	v, ok := h.decisions.LoadAndDelete(q.CorrelationID)
	d, isDecision := v.(schemas.Decision)
	if !ok || !isDecision {
		return errors.New("publish decision: none was handed in")
	}
	return h.next.Publish(ctx, schemas.RouteDecision{
		SchemaVersion: schemas.Version, Query: q.PublicQuery, User: q.User, Decision: d, DecidedAt: time.Now().UTC(),
	})
}
