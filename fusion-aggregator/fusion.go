// Package fusion is the aggregator: it turns a route decision into a page.
//
// It scatters the calls of the decision to the tools, gathers the answers by deadline, and
// fuses them into one SERP: each call fills one section, and each section has a status. One
// slow, dead or lying tool costs its own section and no more.
//
// A call is mandatory or optional. Mandatory ones hold the page until they are due; once
// they have landed and enough others have, the page has a quorum and the rest a last
// patience. A hedge is a call that is repeated to another worker because the first is slow.
//
// A last resort is a call that is made once all others have ended and nothing is there to be
// shown.
//
// A work is a song or an album, whatever recording or edition of it: the live version and
// the remaster of a song are versions of one work. A page shows a work once; the item that
// is shown stands for the others. A [Refiner] may have the last word on the order of items.
//
// The page is final once it is on the SERP topic; the copies sent to the feed on the way
// only make it faster.
package fusion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/schemas"
)

// Errors by which a [Caller] says why there is no answer. Any other error is a failure of
// the tool, and a context deadline is a timeout.
var (
	ErrNoResponder = errors.New("no worker of this tool is running")
	ErrShed        = errors.New("the tool is overloaded")
	ErrInvalid     = errors.New("the answer broke its schema")
	// ErrElsewhere refuses a call that another worker should have: the one that got it is
	// slow, or has the call in hand already, of which this is the repeat.
	ErrElsewhere = errors.New("another worker should have this call")
)

// Caller asks one tool. It must return soon after ctx ends.
type Caller interface {
	Call(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error)
}

// Pages takes finished pages.
type Pages interface {
	// Publish returns nil once the page is durable.
	Publish(ctx context.Context, page schemas.SERP) error
}

// Feed takes the steps of a page for whoever waits for it. It may lose them.
type Feed interface {
	Send(ctx context.Context, step schemas.Progress)
}

// Ports is what an [Aggregator] works with.
type Ports struct {
	Tools   Caller
	Pages   Pages
	Feed    Feed
	Refiner Refiner // nil: pages stay as the rules made them
	// Pseudonyms may be nil: then pages do not say who asked.
	Pseudonyms Pseudonyms
}

// Aggregator makes pages. It is safe for concurrent use; decisions of one correlation id
// must come one after the other.
type Aggregator struct {
	cfg    Config
	ports  Ports
	log    *slog.Logger
	m      *metrics
	seen   *lru.Cache[string, struct{}]
	hedges *hedges
	fusers sync.Pool // of *fuser
	late   sync.WaitGroup
}

// New returns an Aggregator. Close it when its last Handle has returned.
func New(cfg Config, ports Ports, log *slog.Logger, reg prometheus.Registerer) (*Aggregator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("fusion config: %w", err)
	}
	seen, err := lru.New[string, struct{}](cfg.Remember)
	if err != nil {
		return nil, fmt.Errorf("fusion: %w", err)
	}
	return &Aggregator{
		cfg: cfg, ports: ports, log: log, m: newMetrics(reg), seen: seen, hedges: newHedges(cfg.Hedge),
		fusers: sync.Pool{New: func() any { return &fuser{} }},
	}, nil
}

// Remember notes that a page is out already. A process that takes over a partition calls
// it for the tail of the SERP topic before it handles decisions.
func (a *Aggregator) Remember(correlationID string) { a.seen.Add(correlationID, struct{}{}) }

// Close waits for calls whose section was closed before they returned.
func (a *Aggregator) Close() { a.late.Wait() }

// Handle makes the page of one decision and publishes it, unless it is out already. An
// error means that the page is not durable and the decision must be handled again.
func (a *Aggregator) Handle(ctx context.Context, d schemas.RouteDecision) error {
	if a.seen.Contains(d.Query.CorrelationID) {
		a.m.duplicates.Inc()
		return nil
	}
	page := a.page(ctx, d)
	pctx, cancel := context.WithTimeout(ctx, a.cfg.PublishTimeout)
	defer cancel()
	if err := a.ports.Pages.Publish(pctx, page); err != nil {
		return fmt.Errorf("publish page %s: %w", page.CorrelationID, err)
	}
	a.Remember(page.CorrelationID)
	a.m.observe(page)
	a.ports.Feed.Send(ctx, schemas.Progress{
		SchemaVersion: schemas.Version, CorrelationID: page.CorrelationID, Kind: schemas.ProgressSERP, SERP: &page,
	})
	return nil
}

func (a *Aggregator) page(ctx context.Context, d schemas.RouteDecision) schemas.SERP {
	start := time.Now()
	if !start.Before(d.Query.Deadline.Add(-a.cfg.Reserve)) { // no tool could answer in time
		page := expired(d, start)
		page.Asked = a.asked(&d)
		return page
	}
	calls, resorts := d.Decision.SetAside()
	d.Decision.Calls = calls
	d.Decision.Calls = inPageOrder(d.Decision)
	a.announce(ctx, d)
	sections := a.gather(ctx, &d)
	if len(resorts) > 0 && !slices.ContainsFunc(sections, shows) {
		sections = a.lastResort(ctx, &d, resorts, sections)
	}
	page := a.assemble(&d, sections, start)
	page.Asked = a.asked(&d)
	a.refine(ctx, d, &page)
	page.Timings.TotalMS, page.CreatedAt = total(d, time.Now()), time.Now().UTC()
	return page
}

// announce tells whoever waits which sections will come.
func (a *Aggregator) announce(ctx context.Context, d schemas.RouteDecision) {
	slots := make([]schemas.Slot, len(d.Decision.Calls))
	for i, c := range d.Decision.Calls {
		slots[i] = schemas.Slot{ID: c.Section, Title: c.Title, Component: c.Component, Tool: c.Tool, Display: c.Display}
	}
	a.ports.Feed.Send(ctx, schemas.Progress{
		SchemaVersion: schemas.Version, CorrelationID: d.Query.CorrelationID, Kind: schemas.ProgressRoute,
		Route: &schemas.Slots{Route: summary(d.Decision), Layout: d.Decision.Layout, Notice: d.Decision.Notice, Slots: slots},
	})
}
