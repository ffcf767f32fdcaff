package fusion

import (
	"context"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// shows reports whether a section has something to show.
func shows(s schemas.Section) bool { return s.Status == schemas.SectionOK }

// lastResort makes the calls that are kept for a page with nothing to show, in the time that
// is left, and adds the sections that have something, with their calls, below the others. They
// are not sent ahead: the page is out as soon as they are there.
func (a *Aggregator) lastResort(ctx context.Context, d *schemas.RouteDecision, resorts []schemas.Call, sections []schemas.Section) []schemas.Section {
	if !time.Now().Before(d.Query.Deadline.Add(-a.cfg.Reserve)) {
		return sections
	}
	last := *d
	last.Decision.Calls = resorts
	calls := slices.Clip(d.Decision.Calls)
	for i, s := range a.scatter(ctx, &last, true) {
		if shows(s) {
			calls, sections = append(calls, resorts[i]), append(sections, s)
		}
	}
	d.Decision.Calls = calls
	return sections
}
