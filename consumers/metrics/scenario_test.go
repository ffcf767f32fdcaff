package metrics_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// delivery is a record of one of the two topics.
type delivery struct {
	page  *schemas.SERP
	event *schemas.Interaction
	at    outcome.Record
}

// noon is when the scenarios begin.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

const partitions = 3

// scenario makes random pages and events, in the order of their arrival. Arrival is up to
// 24 h late, sometimes more; some records come twice; clocks are wrong by up to an hour.
func scenario(r *rand.Rand, searches, events int) []delivery {
	var all []delivery
	pages := make([]schemas.SERP, searches)
	for i := range pages {
		pages[i] = randomPage(r, i, max(3, searches/8))
		at := pages[i].Asked.At.Add(time.Duration(r.IntN(2000)) * time.Millisecond)
		all = append(all, delivery{page: &pages[i], at: outcome.Record{Time: at}})
	}
	for i := range events {
		e, at := randomEvent(r, i, pages[r.IntN(len(pages))])
		all = append(all, delivery{event: &e, at: outcome.Record{Time: at}})
	}
	for range len(all) / 5 {
		again := all[r.IntN(len(all))]
		again.at.Time = again.at.Time.Add(time.Duration(r.IntN(3600)) * time.Second)
		if again.event != nil && !again.event.SentAt.IsZero() && r.IntN(2) == 0 { // sent again, and received later
			e := *again.event
			e.ReceivedAt, e.SentAt = e.ReceivedAt.Add(time.Minute), e.SentAt.Add(time.Minute-time.Duration(r.IntN(900))*time.Millisecond)
			again.event = &e
		}
		all = append(all, again)
	}
	number(all)
	return all
}

// number orders deliveries by time and gives them their places in the topics.
func number(all []delivery) {
	slices.SortStableFunc(all, func(a, b delivery) int { return a.at.Time.Compare(b.at.Time) })
	next := map[string]int64{}
	for i := range all {
		at := &all[i].at
		at.Topic = schemas.TopicInteractions
		key := ""
		if all[i].page != nil {
			at.Topic, key = schemas.TopicSERPs, all[i].page.CorrelationID
		} else {
			key = all[i].event.QueryID
		}
		at.Partition = int(key[len(key)-1]) % partitions
		place := fmt.Sprint(at.Topic, at.Partition)
		at.Offset = next[place]
		next[place]++
	}
}

func queryID(i int) string { return fmt.Sprintf("01890a5d-ac96-774b-bcce-b3020990%04x", i) }

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func randomPage(r *rand.Rand, i, clients int) schemas.SERP {
	client := fmt.Sprintf("%016x", 1+r.IntN(clients))
	if r.IntN(6) == 0 {
		client = ""
	}
	asked := noon.Add(time.Duration(r.IntN(4))*time.Hour + time.Duration(r.IntN(120))*time.Second + time.Duration(r.IntN(6000))*time.Millisecond)
	page := schemas.SERP{
		SchemaVersion: schemas.Version, CorrelationID: queryID(i), Market: pick(r, "SE", "US", "GB"),
		Query:  pick(r, "lady", "lady g", "Lady  Gaga", "lady gaga albums", "new indie rock", "indie rock new releases", "jazz", "ÉTUDE", "étude op 10"),
		Status: pick(r, schemas.SERPComplete, schemas.SERPComplete, schemas.SERPPartial, schemas.SERPDegraded, schemas.SERPExpired),
		Route: schemas.RouteSummary{
			Name: pick(r, "search", "new_releases"), Source: pick(r, schemas.SourceCache, schemas.SourcePrecomputed, schemas.SourceStudent, schemas.SourceLLM, schemas.SourceFallback),
			Arm: pick(r, "", "ranking/control", "ranking/new"),
		},
		Timings:   schemas.Timings{QueuedMS: r.Float64() * 3, RouterMS: r.Float64() * 200, ToolsMS: r.Float64() * 150, TotalMS: r.Float64() * 600},
		Cost:      pick(r, 0, 0.00042, 0.000123456),
		CreatedAt: asked.Add(time.Second), Probe: r.IntN(12) == 0,
		Asked: &schemas.Asked{At: asked, Locale: "en", Platform: pick(r, "", "web", "ios"), Client: client},
	}
	if r.IntN(3) == 0 {
		page.Route.Tiers = []schemas.Tier{{Source: schemas.SourceLLM, Outcome: pick(r, schemas.OutcomeInvalid, schemas.OutcomeTimeout, schemas.OutcomeOff)}}
	}
	for s := range 1 + r.IntN(3) {
		page.Sections = append(page.Sections, schemas.Section{
			ID: fmt.Sprintf("s%d", s), Tool: pick(r, "search", "recs"), Component: pick(r, "list", "answer"),
			Status: pick(r, schemas.SectionOK, schemas.SectionOK, schemas.SectionEmpty, schemas.SectionTimeout),
		})
	}
	if r.IntN(3) == 0 {
		page.Omitted = []schemas.Section{{ID: "s9", Tool: "recs", Component: "list", Status: schemas.SectionEmpty}}
	}
	return page
}

func randomEvent(r *rand.Rand, i int, page schemas.SERP) (schemas.Interaction, time.Time) {
	after := time.Duration(r.IntN(40*60)) * time.Second // of which 30 min count
	switch r.IntN(6) {
	case 0:
		after = -time.Duration(r.IntN(120)) * time.Second
	case 1:
		after = time.Duration(r.IntN(20)) * time.Second
	}
	happened := page.Asked.At.Add(after)
	late := time.Duration(r.IntN(3000)) * time.Millisecond
	if r.IntN(4) == 0 {
		late = time.Duration(r.IntN(26)) * time.Hour
	}
	clock := time.Duration(r.IntN(7200)-3600) * time.Second // of the client
	received := happened.Add(late)
	e := schemas.Interaction{
		SchemaVersion: schemas.Version, EventID: fmt.Sprintf("e%d", i), QueryID: page.CorrelationID, ClientID: "c",
		ActionName: pick(r, "click", "stream", "impression", "view", "like"), MSPlayed: pick(r, 0, 29_999, 30_000, 90_000),
		Timestamp: happened.Add(clock), SentAt: happened.Add(clock + late), ReceivedAt: received,
		SectionID: pick(r, "", "s0", "s0", "s1", "s2", "s9", "unknown"),
	}
	e.EventAttributes.Position.Ordinal = r.IntN(5)
	switch r.IntN(10) {
	case 0:
		e.QueryID = queryID(9999)
	case 1: // an old client
		e.SentAt, e.Timestamp = time.Time{}, happened
	}
	return e, received.Add(time.Duration(r.IntN(500)) * time.Millisecond)
}

// pipeline is a join with its windows.
type pipeline struct {
	*outcome.Join
	windows *metrics.Windows
	reg     *prometheus.Registry // of the join
}

func newPipeline(t testing.TB, cfg outcome.Config, m metrics.Config) pipeline {
	t.Helper()
	reg := prometheus.NewRegistry()
	j, err := outcome.New(cfg, reg)
	if err != nil {
		t.Fatal(err)
	}
	w, err := metrics.New(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	j.Subscribe(w)
	for _, topic := range []string{schemas.TopicSERPs, schemas.TopicInteractions} {
		j.Expect(topic, partitions)
	}
	return pipeline{j, w, reg}
}

func (p pipeline) take(d delivery) {
	if d.page != nil {
		p.Page(*d.page, d.at)
		return
	}
	p.Interaction(*d.event, d.at)
}

// numbers returns what was counted in every window, by key. Cells of zeros, as of a search
// that turned out to be typed, are as good as none.
func (p pipeline) numbers() map[string]schemas.SearchCounts {
	out := map[string]schemas.SearchCounts{}
	list := func(kind string, start time.Time) {
		for _, m := range p.windows.List(kind, start, noon) {
			if m.Counts.Searches+m.Counts.Typed > 0 {
				out[m.Key()] = m.Counts
			}
		}
	}
	for _, kind := range []string{schemas.WindowMinute, schemas.WindowHour, schemas.WindowDay} {
		for _, start := range p.windows.Starts(kind) {
			list(kind, start)
		}
	}
	list(schemas.WindowAll, time.Time{})
	return out
}

// became returns how many events came to an end, by which.
func (p pipeline) became(t testing.TB, what string) (n int) {
	t.Helper()
	families, err := p.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "pfr_outcome_events_total" && m.GetLabel()[0].GetValue() == what {
				n = int(m.GetCounter().GetValue())
			}
		}
	}
	return n
}
