package fusion

import (
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// assemble fuses the sections of a decision into its page. Given equal sections it
// returns equal pages, timings aside.
func assemble(d schemas.RouteDecision, sections []schemas.Section, start time.Time) schemas.SERP {
	dedupe(d.Decision.Calls, sections)
	page := blank(d)
	page.Sections = sections
	page.Status, page.Coverage = pageStatus(d.Decision, sections)
	page.Timings = timings(d, start)
	page.CreatedAt = time.Now().UTC()
	return page
}

// expired is the page of a query that waited past its deadline. No tool was called.
func expired(d schemas.RouteDecision, now time.Time) schemas.SERP {
	page := blank(d)
	page.Sections = []schemas.Section{}
	page.Status = schemas.SERPExpired
	page.Notice = "This search waited too long and was not answered. Please try again."
	page.Timings = timings(d, now)
	page.CreatedAt = now.UTC()
	return page
}

func blank(d schemas.RouteDecision) schemas.SERP {
	return schemas.SERP{
		SchemaVersion: schemas.Version, CorrelationID: d.Query.CorrelationID,
		Query: d.Query.Text, Market: d.Query.Market,
		Route: summary(d.Decision), Layout: d.Decision.Layout, Notice: d.Decision.Notice, Cost: d.Decision.Cost,
		Probe: d.Query.Probe,
	}
}

func summary(d schemas.Decision) schemas.RouteSummary {
	return schemas.RouteSummary{
		Name: d.Route, Params: d.Params, Source: d.Source, Degraded: d.Degraded, Confidence: d.Confidence,
		ManifestVersion: d.ManifestVersion, ModelVersion: d.ModelVersion,
		Arm: d.Arm, Alternatives: d.Alternatives, Tiers: d.Tiers,
	}
}

// dedupe keeps each item in the first section that has it, in layout order, and cuts each
// section to its limit. A section that is whole is one thing made of items, as a mix is:
// it keeps them all, and what it has may stand elsewhere too.
func dedupe(calls []schemas.Call, sections []schemas.Section) {
	taken := map[string]bool{}
	for i := range sections {
		if calls[i].Whole {
			claim(map[string]bool{}, calls[i].Limit, &sections[i])
		} else {
			claim(taken, calls[i].Limit, &sections[i])
		}
	}
}

// claim leaves a section the items that are not taken, up to its limit, and takes them.
func claim(taken map[string]bool, limit int, s *schemas.Section) {
	kept := make([]schemas.Item, 0, min(len(s.Items), limit))
	for _, it := range s.Items {
		if !taken[it.ID] && len(kept) < limit {
			taken[it.ID] = true
			kept = append(kept, it)
		}
	}
	s.Items = kept
	if s.Status == schemas.SectionOK && len(kept) == 0 && s.Text == "" {
		s.Status, s.Reason = schemas.SectionEmpty, "everything found is in the sections above"
	}
}

// pageStatus says how much came out. Coverage is the share of calls that were answered.
func pageStatus(d schemas.Decision, sections []schemas.Section) (schemas.SERPStatus, float64) {
	answered, mandatory, mandatoryAnswered := 0, 0, 0
	for i, s := range sections {
		ok := s.Status.Answered()
		answered += count(ok)
		mandatory += count(d.Calls[i].Mandatory)
		mandatoryAnswered += count(d.Calls[i].Mandatory && ok)
	}
	coverage := float64(answered) / float64(len(sections))
	switch {
	case d.Degraded, mandatory > 0 && mandatoryAnswered == 0:
		return schemas.SERPDegraded, coverage
	case answered < len(sections):
		return schemas.SERPPartial, coverage
	default:
		return schemas.SERPComplete, coverage
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func timings(d schemas.RouteDecision, start time.Time) schemas.Timings {
	now := time.Now()
	router := d.Decision.TookMS
	return schemas.Timings{
		QueuedMS: max(0, millis(start.Sub(d.Query.SubmittedAt))-router),
		RouterMS: router,
		ToolsMS:  millis(now.Sub(start)),
		TotalMS:  total(d, now),
	}
}

// total is the time of a page from the submission of its query, in milliseconds.
func total(d schemas.RouteDecision, now time.Time) float64 {
	return max(0, millis(now.Sub(d.Query.SubmittedAt)))
}
