package fusion

import (
	"context"
	"errors"
	"time"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// ErrNotRefined is the error of a [Refiner] that did not try, because it is over its
// budget or out of time.
var ErrNotRefined = errors.New("the page was not looked at")

// Refiner proposes another order for the items of a page, for relevance and diversity.
type Refiner interface {
	// Refine returns an order for the open sections of the page. It must not change the
	// page, and must return soon after ctx ends. The order need not be sound: one that is
	// not is dropped as a whole.
	Refine(ctx context.Context, page OpenPage) (Order, error)
}

// OpenPage is what may be put in order: the query as typed and the sections that are open.
// Sections that are one whole, that are answers, or that have fewer than two items are not.
type OpenPage struct {
	Query    string
	Sections []OpenSection
}

// OpenSection is a section whose items may be put in order.
type OpenSection struct {
	Title   string
	Items   []schemas.Item
	KeepTop bool // the first item stays where it is
	at      int  // its place on the page
}

// Order holds, for each section of an [OpenPage], the places of the items that it keeps,
// from 0, best first.
type Order [][]int

// keepsEnough reports whether a section of n items may be cut down to kept of them: at
// least half, and at least three if it has them. A page is put in order, not emptied.
func keepsEnough(kept, n int) bool {
	const least = 3
	return kept >= min(n, least) && 2*kept >= n
}

// refine puts the items of the page in the order that the refiner proposes, within its
// budget and the deadline of the query. On any trouble the page stays as it is.
func (a *Aggregator) refine(ctx context.Context, d schemas.RouteDecision, page *schemas.SERP) {
	if a.ports.Refiner == nil || d.Decision.Refine == nil {
		return
	}
	open := openPage(d.Decision, *page)
	deadline := time.Now().Add(time.Duration(d.Decision.Refine.BudgetMS) * time.Millisecond)
	if last := d.Query.Deadline.Add(-a.cfg.Reserve); last.Before(deadline) {
		deadline = last
	}
	if len(open.Sections) == 0 || !time.Now().Before(deadline) {
		a.m.refined.WithLabelValues("skipped").Inc()
		return
	}
	start := time.Now()
	ctx, end := telemetry.Start(ctx, "refine", telemetry.Internal)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	order, err := a.ports.Refiner.Refine(ctx, open)
	end(err)
	if err != nil {
		a.log.Debug("page is not refined", "correlation_id", page.CorrelationID, "err", err)
	}
	page.Timings.RefineMS = millis(time.Since(start))
	a.m.refined.WithLabelValues(reorder(page, open, order, err)).Inc()
}

// openPage returns the sections of a page that may be put in order.
func openPage(d schemas.Decision, page schemas.SERP) OpenPage {
	const answer, mix = "answer", "mix" // components that are one thing
	open := OpenPage{Query: page.Query}
	for i, s := range page.Sections {
		c := callOf(d.Calls, s.ID)
		if c.Whole || s.Component == answer || s.Component == mix || s.Text != "" || s.Status != schemas.SectionOK || len(s.Items) < 2 {
			continue
		}
		open.Sections = append(open.Sections, OpenSection{Title: s.Title, Items: s.Items, KeepTop: keepsTop(&d, c), at: i})
	}
	return open
}

// callOf returns the call that fills a section of the page.
func callOf(calls []schemas.Call, section string) *schemas.Call {
	i := 0
	for calls[i].Section != section {
		i++
	}
	return &calls[i]
}

// reorder applies an order that is sound, and says what became of it, for metrics.
func reorder(page *schemas.SERP, open OpenPage, order Order, err error) string {
	switch {
	case errors.Is(err, ErrNotRefined):
		return "skipped"
	case errors.Is(err, ErrInvalid):
		return "invalid"
	case err != nil:
		return "failed"
	case !open.sound(order):
		return "invalid"
	}
	for i, s := range open.Sections {
		items := make([]schemas.Item, len(order[i]))
		for j, place := range order[i] {
			items[j] = s.Items[place]
		}
		page.Sections[s.at].Items = items
	}
	page.Refined = true
	return "refined"
}

// sound reports whether an order keeps items of its own sections only, each once, and
// enough of them.
func (p OpenPage) sound(order Order) bool {
	if len(order) != len(p.Sections) {
		return false
	}
	for i, s := range p.Sections {
		if !keepsEnough(len(order[i]), len(s.Items)) || s.KeepTop && order[i][0] != 0 {
			return false
		}
		seen := make([]bool, len(s.Items))
		for _, place := range order[i] {
			if place < 0 || place >= len(s.Items) || seen[place] {
				return false
			}
			seen[place] = true
		}
	}
	return true
}
