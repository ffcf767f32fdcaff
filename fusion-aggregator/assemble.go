package fusion

import (
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// assemble fuses the sections of a decision into its page. Given equal sections it
// returns equal pages, timings aside.
func (a *Aggregator) assemble(d *schemas.RouteDecision, sections []schemas.Section, start time.Time) schemas.SERP {
	a.fuse(d, sections)
	page := blank(*d)
	page.Sections = sections
	page.Status, page.Coverage = pageStatus(d.Decision, sections)
	omit(d.Decision.Calls, &page)
	page.Timings = timings(*d, start)
	page.CreatedAt = time.Now().UTC()
	return page
}

// fuse leaves each section the items that it shows, and changes nothing that they shared.
func (a *Aggregator) fuse(d *schemas.RouteDecision, sections []schemas.Section) {
	f, _ := a.fusers.Get().(*fuser) // New makes no other
	defer a.fusers.Put(f)
	f.fuse(d.Query.Text, &d.Decision, sections)
	for i := range sections {
		settle(&sections[i])
	}
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
		Arm: d.Arm, Exposed: d.Exposed, Alternatives: d.Alternatives, Tiers: d.Tiers,
	}
}

// settle says of a section that lost all its items to others why it is empty.
func settle(s *schemas.Section) {
	if s.Status == schemas.SectionOK && len(s.Items) == 0 && s.Text == "" {
		s.Status, s.Reason = schemas.SectionEmpty, "everything found is in the sections above"
	}
}

// omit takes the empty sections that the manifest does not want explained off the page. A
// page of which nothing would be left keeps all.
func omit(calls []schemas.Call, page *schemas.SERP) {
	n := 0
	for i, s := range page.Sections {
		n += count(omitted(&calls[i], &s))
	}
	if n == 0 || n == len(page.Sections) {
		return
	}
	kept := make([]schemas.Section, 0, len(page.Sections)-n)
	page.Omitted = make([]schemas.Section, 0, n)
	for i, s := range page.Sections {
		if omitted(&calls[i], &s) {
			page.Omitted = append(page.Omitted, s)
		} else {
			kept = append(kept, s)
		}
	}
	page.Sections = kept
}

func omitted(c *schemas.Call, s *schemas.Section) bool {
	return c.Empty == schemas.EmptyOmit && s.Status == schemas.SectionEmpty
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
