package gateway

import (
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// lookup reads one thing by correlation id, and says what is wrong where there is none.
func lookup[T any](r *http.Request, get func(string) (T, error)) (v T, p *problem) {
	id := r.PathValue("id")
	if !schemas.IsCorrelationID(id) {
		return v, newProblem(http.StatusNotFound, "There is nothing of this id: a correlation id is a UUIDv7 in lower case.")
	}
	v, err := get(id)
	switch {
	case errors.Is(err, ErrNotFound):
		p = newProblem(http.StatusNotFound, "There is nothing of this correlation id: not yet, or no longer.")
		p.CorrelationID = id
	case err != nil:
		p = newProblem(http.StatusInternalServerError, "The archive could not be read.")
	}
	return v, p
}

func (g *Gateway) serp(w http.ResponseWriter, r *http.Request) *problem {
	page, p := lookup(r, g.ports.Pages.Get)
	if p != nil {
		return p
	}
	return writeJSON(w, http.StatusOK, page)
}

// explanation is the trace of one query. Decision and Page are nil while they are not
// there, but not both.
type explanation struct {
	CorrelationID string               `json:"correlation_id"`
	Query         *schemas.PublicQuery `json:"query"`
	Decision      *schemas.Decision    `json:"decision"`
	DecidedAt     time.Time            `json:"decided_at,omitzero"`
	Why           reasons              `json:"why"`
	Page          *pageSummary         `json:"page"`
	Waterfall     []span               `json:"waterfall"`
	Links         map[string]string    `json:"links"`
}

type pageSummary struct {
	Status    schemas.SERPStatus `json:"status"`
	Coverage  float64            `json:"coverage"`
	Timings   schemas.Timings    `json:"timings"`
	CostUSD   float64            `json:"cost_usd"`
	CreatedAt time.Time          `json:"created_at"`
}

// Names of the spans that are not sections.
const (
	spanQueue  = "queue"          // submitted until the router had it
	spanRouter = "router"         // deciding
	spanHop    = "decision topic" // decided until the calls were scattered
)

// span is one bar of a waterfall, in milliseconds since the query was submitted.
type span struct {
	Name      string                `json:"name"` // or the id of a section
	Tool      string                `json:"tool,omitempty"`
	Status    schemas.SectionStatus `json:"status,omitempty"`
	Reason    string                `json:"reason,omitempty"`
	StartMS   float64               `json:"start_ms"`
	TookMS    float64               `json:"took_ms"`
	ServiceMS float64               `json:"service_ms,omitempty"` // of TookMS, in the tool itself
}

func (g *Gateway) explain(w http.ResponseWriter, r *http.Request) *problem {
	why, p := lookup(r, g.ports.Decisions.Explain)
	if p != nil && p.Status != http.StatusNotFound {
		return p
	}
	page, pageProblem := lookup(r, g.ports.Pages.Get)
	if p != nil && pageProblem != nil {
		return pageProblem
	}
	id := r.PathValue("id")
	e := explanation{
		CorrelationID: id, Waterfall: []span{},
		Links: map[string]string{"self": explainPath(id), "page": serpPath(id)},
	}
	if p == nil {
		e.Query, e.Decision, e.DecidedAt = &why.Query, &why.Decision, why.DecidedAt
		e.Why = reasonsOfDecision(why.Decision, why.Query.Mode)
	}
	if pageProblem == nil {
		if p != nil {
			e.Why = reasonsOfSERP(page, "")
		}
		e.Page = &pageSummary{page.Status, page.Coverage, page.Timings, page.Cost, page.CreatedAt}
		e.Waterfall = waterfall(page)
	}
	return writeJSON(w, http.StatusOK, e)
}

// waterfall lays out where the time of a page went. All sections start together, when the
// calls are scattered.
func waterfall(page schemas.SERP) []span {
	t := page.Timings
	decided := t.QueuedMS + t.RouterMS
	scatter := max(decided, t.TotalMS-t.ToolsMS)
	spans := []span{
		{Name: spanQueue, TookMS: t.QueuedMS},
		{Name: spanRouter, StartMS: t.QueuedMS, TookMS: t.RouterMS},
		{Name: spanHop, StartMS: decided, TookMS: scatter - decided},
	}
	for _, s := range page.Sections {
		spans = append(spans, span{
			Name: s.ID, Tool: s.Tool, Status: s.Status, Reason: s.Reason,
			StartMS: scatter, TookMS: s.TookMS, ServiceMS: s.ServiceMS,
		})
	}
	for i := range spans {
		spans[i].StartMS, spans[i].TookMS = micros(spans[i].StartMS), micros(spans[i].TookMS)
	}
	return spans
}

// micros rounds milliseconds to whole microseconds.
func micros(ms float64) float64 { return math.Round(1000*ms) / 1000 }

// onlineMetrics is what came of the searches of each route.
type onlineMetrics struct {
	AsOf   time.Time                       `json:"as_of"`
	Routes map[string]schemas.SearchCounts `json:"routes"`
}

func (g *Gateway) online(w http.ResponseWriter, _ *http.Request) *problem {
	out := onlineMetrics{Routes: map[string]schemas.SearchCounts{}}
	for _, m := range g.ports.Online.Snapshot() {
		out.Routes[m.Cut.Route] = m.Counts
		if m.AsOf.After(out.AsOf) {
			out.AsOf = m.AsOf
		}
	}
	if out.AsOf.IsZero() {
		out.AsOf = time.Now().UTC() // there was nothing to count so far
	}
	return writeJSON(w, http.StatusOK, out)
}
