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
// is left, and adds the sections that have something, with their calls, below the others. Only
// these are sent ahead: what would not be on the page is not seen coming.
func (a *Aggregator) lastResort(ctx context.Context, d *schemas.RouteDecision, resorts []schemas.Call, sections []schemas.Section) []schemas.Section {
	if !time.Now().Before(d.Query.Deadline.Add(-a.cfg.Reserve)) {
		return sections
	}
	last := *d
	last.Decision.Calls = resorts
	calls := slices.Clip(d.Decision.Calls)
	before := len(sections)
	for i, s := range a.scatter(ctx, &last, true) {
		if shows(s) {
			calls, sections = append(calls, resorts[i]), append(sections, s)
		}
	}
	d.Decision.Calls = calls
	fused := slices.Clone(sections)
	a.fuse(d, fused)
	for _, s := range fused[before:] {
		a.send(ctx, d, s)
	}
	return sections
}
