package day

import (
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// idOf returns a correlation id, spread over all last bytes.
func idOf(n int64) string {
	return fmt.Sprintf("01890a5d-ac96-774b-bcce-%012x", uint64(n)*0x5deece66d&(1<<48-1))
}

// clientName is as the aggregator names clients: a pseudonym.
func clientName(n int32) string { return fmt.Sprintf("%016x", mixed(uint64(n), 11)) }

func (w *world) page(i int32) schemas.SERP {
	s := w.searches[i]
	r := w.routes[s.route]
	pick := func(shift, n uint64) uint64 { return mixed(s.luck, shift) % n }
	p := schemas.SERP{
		SchemaVersion: schemas.Version, CorrelationID: idOf(int64(i)), Query: s.text(), Market: []string{"US", "GB", "DE", "SE", "BR"}[s.client%5],
		Route: schemas.RouteSummary{
			Name: r.name, Params: schemas.Params{}, Source: []schemas.Source{schemas.SourceCache, schemas.SourceStudent, schemas.SourceLLM, schemas.SourceFallback}[pick(1, 4)],
			ManifestVersion: "m", Arm: trial + "/" + s.arm(), Exposed: true,
		},
		Layout: "list", Status: schemas.SERPComplete, Coverage: 1, CreatedAt: moment(s.at + 150),
		Timings: schemas.Timings{QueuedMS: float64(pick(2, 5)), RouterMS: float64(pick(3, 80)), ToolsMS: float64(20 + pick(4, 300)), TotalMS: float64(40 + pick(5, 600))},
		Asked:   &schemas.Asked{At: moment(s.at), Locale: "en-US", Platform: []string{"ios", "web"}[s.client%2], Client: clientName(s.client)},
	}
	if p.Route.Source == schemas.SourceLLM {
		p.Cost = float64(pick(6, 900)) * 1e-6
	}
	if pick(7, 50) == 0 {
		p.Status = schemas.SERPPartial
	}
	for n, sec := range r.sections {
		one := schemas.Section{ID: sec.id, Title: sec.id, Component: sec.component, Tool: sec.tool, Status: schemas.SectionOK, Items: []schemas.Item{}}
		switch pick(uint64(20+n), 60) {
		case 0:
			one.Status, one.Reason = schemas.SectionTimeout, "late"
		case 1:
			one.Status = schemas.SectionEmpty
			p.Omitted = append(p.Omitted, one)
			continue
		default:
			one.Items = append(one.Items, schemas.Item{ID: "track:1", Type: "track", Title: "one"})
		}
		p.Sections = append(p.Sections, one)
	}
	if p.Sections == nil {
		p.Sections = []schemas.Section{}
	}
	return p
}

func (w *world) interaction(n int32) schemas.Interaction {
	e := w.events[n]
	query := idOf(int64(e.search))
	if e.search == nobodys {
		query = idOf(1<<40 + int64(n))
	}
	i := schemas.Interaction{
		SchemaVersion: schemas.Version, EventID: fmt.Sprintf("e%x", e.id), ActionName: e.action.String(), QueryID: query, ClientID: "c",
		Timestamp: moment(e.stamp), SentAt: moment(e.sent), ReceivedAt: moment(e.taken), SectionID: w.sectionOf(e), MSPlayed: int(e.played),
	}
	if e.action == clicked || e.action == streamed {
		i.EventAttributes.Object.ObjectID = "track:1"
	}
	i.EventAttributes.Position.Ordinal = int(e.ordinal)
	return i
}

func (w *world) sectionOf(e delivery) string {
	switch e.section {
	case noSection:
		return ""
	case elsewhere:
		return "elsewhere"
	default:
		return w.routes[w.searches[e.search].route].sections[e.section].id
	}
}
