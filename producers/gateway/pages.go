package gateway

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// lookup reads one thing by correlation id, and says what is wrong where there is none. A
// thing of a market that is not the client's is not there.
func lookup[T schemas.SERP | Explained](r *http.Request, get func(string) (T, error)) (v T, p *problem) {
	id := r.PathValue("id")
	if !schemas.IsCorrelationID(id) {
		return v, noSuchID()
	}
	found, err := get(id)
	switch {
	case errors.Is(err, ErrNotFound):
		return v, missing(id)
	case err != nil:
		return v, unreadable()
	case !visible(r.Context(), marketOf(found)):
		return v, missing(id)
	}
	return found, nil
}

// page returns a finished page: of the archive, or of a search that has just ended here and
// is still on its way there.
func (g *Gateway) page(id string) (schemas.SERP, error) {
	page, err := g.ports.Pages.Get(id)
	if errors.Is(err, ErrNotFound) {
		if fresh, ok := g.flights.page(id); ok {
			return fresh, nil
		}
	}
	return page, err
}

func marketOf(found any) string {
	switch v := found.(type) {
	case schemas.SERP:
		return v.Market
	case Explained:
		return v.Query.Market
	}
	return ""
}

// forever lets a client keep a page, which never changes, and nobody else.
const forever = "private, max-age=31536000, immutable"

func (g *Gateway) serp(w http.ResponseWriter, r *http.Request) *problem {
	if wantsStream(r.Header) {
		return g.serpStream(w, r)
	}
	page, p := lookup(r, g.page)
	if p != nil {
		return p
	}
	end := outcomeOf(page, nil)
	if end.err != nil {
		return searchProblem(page.CorrelationID, end.err)
	}
	w.Header().Set("Content-Type", mediaJSON)
	return writeTagged(w, r, forever, end.body)
}

// serpStream follows a search that was published before, from its beginning or from where
// a stream broke.
func (g *Gateway) serpStream(w http.ResponseWriter, r *http.Request) *problem {
	id := r.PathValue("id")
	if !schemas.IsCorrelationID(id) {
		return noSuchID()
	}
	last, resumes, p := lastEvent(r.Header)
	switch {
	case p != nil:
		return p
	case !resumes:
		last = eventID{id, idOpen}
	case last.correlationID != id:
		return badEventID()
	}
	return g.resume(w, r, last, nil)
}

func noSuchID() *problem {
	return newProblem(http.StatusNotFound, "There is nothing of this id: a correlation id is a UUIDv7 in lower case.")
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
	Mandatory bool                  `json:"mandatory,omitempty"`
	Cached    bool                  `json:"cached,omitempty"`   // the tool had answered an equal call
	Repeated  bool                  `json:"repeated,omitempty"` // the call to another worker answered first
}

func (g *Gateway) explain(w http.ResponseWriter, r *http.Request) *problem {
	why, p := lookup(r, g.ports.Decisions.Explain)
	if p != nil && p.Status != http.StatusNotFound {
		return p
	}
	page, pageProblem := lookup(r, g.page)
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
		e.Waterfall = waterfall(page, why.Decision)
	}
	return e.write(w, r)
}

// write answers with the explanation. Once it has both halves it stays as it is.
func (e explanation) write(w http.ResponseWriter, r *http.Request) *problem {
	if e.Decision == nil || e.Page == nil {
		return writeJSON(w, http.StatusOK, e)
	}
	body, err := codec.Marshal(e)
	if err != nil {
		return unwritable()
	}
	w.Header().Set("Content-Type", mediaJSON)
	return writeTagged(w, r, "private, no-cache", body)
}

// waterfall lays out where the time of a page went. Sections start together, when the calls
// are scattered, but for last resorts. The decision may be empty, if it is not known.
func waterfall(page schemas.SERP, d schemas.Decision) []span {
	t, waits := page.Timings, waited(page, d)
	decided := t.QueuedMS + t.RouterMS
	scatter := max(decided, t.TotalMS-t.ToolsMS)
	spans := []span{
		{Name: spanQueue, TookMS: t.QueuedMS},
		{Name: spanRouter, StartMS: t.QueuedMS, TookMS: t.RouterMS},
		{Name: spanHop, StartMS: decided, TookMS: scatter - decided},
	}
	for _, s := range slices.Concat(page.Sections, page.Omitted) {
		spans = append(spans, span{
			Name: s.ID, Tool: s.Tool, Status: s.Status, Reason: s.Reason,
			StartMS: scatter + waits[s.ID], TookMS: s.TookMS, ServiceMS: s.ServiceMS,
			Mandatory: s.Mandatory, Cached: s.Cached, Repeated: s.Repeated,
		})
	}
	for i := range spans {
		spans[i].StartMS, spans[i].TookMS = micros(spans[i].StartMS), micros(spans[i].TookMS)
	}
	return spans
}

// waited returns how long after the scatter the calls of a page's sections were made, in
// milliseconds, of those that were made later: last resorts wait for all others.
func waited(page schemas.SERP, d schemas.Decision) map[string]float64 {
	_, resorts := d.SetAside()
	waits := make(map[string]float64, len(resorts))
	for _, c := range resorts {
		waits[c.Section] = 0
	}
	longest := 0.0
	for _, s := range slices.Concat(page.Sections, page.Omitted) {
		if _, last := waits[s.ID]; !last {
			longest = max(longest, s.TookMS)
		}
	}
	for id := range waits {
		waits[id] = longest
	}
	return waits
}

// micros rounds milliseconds to whole microseconds.
func micros(ms float64) float64 { return math.Round(1000*ms) / 1000 }
