package analytics

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// world is what the topics hold, in the order in which it was written.
type world struct {
	pages  []schemas.SERP
	events []schemas.Interaction
}

// span is the time over which the searches of a world are spread.
const span = 3 * time.Hour

// newWorld makes n pages from begin on, and their events. The same seed makes the same
// world, shifted to begin.
func newWorld(seed uint64, n int, begin time.Time) world {
	m := &maker{r: rand.New(rand.NewPCG(seed, 1)), begin: begin}
	for i := range n {
		m.search(begin.Add(time.Duration(i) * span / time.Duration(n)).Add(m.upTo(time.Second)))
	}
	m.orphans(n / 50)
	slices.SortStableFunc(m.w.pages, func(a, b schemas.SERP) int { return a.CreatedAt.Compare(b.CreatedAt) })
	slices.SortStableFunc(m.w.events, func(a, b schemas.Interaction) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	return m.w
}

type maker struct {
	r     *rand.Rand
	begin time.Time
	w     world
	ids   int
}

func (m *maker) upTo(d time.Duration) time.Duration {
	return time.Duration(m.r.Int64N(int64(d))).Truncate(time.Millisecond)
}

func (m *maker) chance(percent int) bool { return m.r.IntN(100) < percent }

func pick[T any](m *maker, from ...T) T { return from[m.r.IntN(len(from))] }

// zone is that of somebody's clock. Times on the topics may have any offset.
func (m *maker) zone() *time.Location {
	return pick(m, time.UTC, time.UTC, time.FixedZone("", 2*3600), time.FixedZone("", 19800), time.FixedZone("", -12600))
}

// id returns a UUIDv7 that only depends on the seed.
func (m *maker) id() string {
	m.ids++
	return fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", m.r.Uint32(), m.r.IntN(1<<16), m.r.IntN(1<<12), m.r.IntN(1<<12), m.ids)
}

// search makes a page with its events; now and then the texts that were typed before it.
func (m *maker) search(at time.Time) {
	client := fmt.Sprintf("client%04d", m.r.IntN(600))
	text := pick(m, "jazz piano", "new indie rock", "rock", "lady gaga albums", "sleep", "bbc news podcast")
	if m.chance(6) { // with a pause that is just short enough, and one that is not
		m.page(at.Add(-pick(m, 300*time.Millisecond, 2*time.Second, 2001*time.Millisecond)), client, text[:3])
	}
	page := m.page(at, client, text)
	m.react(page)
	if m.chance(8) {
		later := pick(m, text+" 2020", "best "+text, "weather tomorrow", text)
		m.react(m.page(at.Add(pick(m, 20*time.Second, 5*time.Minute, 5*time.Minute+time.Millisecond)), client, later))
	}
}

func (m *maker) page(at time.Time, client, text string) schemas.SERP {
	total := float64(20 + m.r.IntN(700))
	page := schemas.SERP{
		SchemaVersion: schemas.Version, CorrelationID: m.id(), Query: text,
		Market: pick(m, "US", "SE", "BR"), Layout: "list", Coverage: 1,
		Status: pick(m, schemas.SERPComplete, schemas.SERPComplete, schemas.SERPPartial, schemas.SERPDegraded),
		Route: schemas.RouteSummary{
			Name:   pick(m, "search", "personalized_recs", "new_releases"),
			Source: pick(m, schemas.SourceCache, schemas.SourceStudent, schemas.SourceLLM, schemas.SourceFallback),
			Arm:    pick(m, "", "", "ranker/control", "ranker/bold"), ManifestVersion: "m1", Params: schemas.Params{},
		},
		Sections:  m.sections(),
		Timings:   schemas.Timings{TotalMS: total},
		Cost:      pick(m, 0, 0, 0.000123456, 0.0021),
		CreatedAt: at.Add(time.Duration(total) * time.Millisecond),
		Asked:     &schemas.Asked{At: at.In(m.zone()), Locale: "en-US", Platform: "web", Client: client},
		Probe:     m.chance(1),
	}
	if m.chance(2) { // as earlier versions made them
		page.Asked = nil
	}
	m.w.pages = append(m.w.pages, page)
	if m.chance(3) {
		m.w.pages = append(m.w.pages, page) // a replay after a crash
	}
	return page
}

func (m *maker) sections() []schemas.Section {
	out := []schemas.Section{}
	for i := range m.r.IntN(4) {
		out = append(out, schemas.Section{
			ID: fmt.Sprintf("s%d", i+1), Title: "Results", Tool: pick(m, "search", "dj"), Items: []schemas.Item{},
			Component: pick(m, "list", "list", "answer"),
			Status:    pick(m, schemas.SectionOK, schemas.SectionOK, schemas.SectionEmpty, schemas.SectionTimeout),
		})
	}
	return out
}

// react makes the events of a page.
func (m *maker) react(page schemas.SERP) {
	n := pick(m, 0, 0, 1, 2, 3)
	switch {
	case m.chance(1):
		n = 64 // just not a flood
	case m.chance(1):
		n = 65
	}
	for range n {
		event := m.event(page)
		m.w.events = append(m.w.events, event)
		if m.chance(8) { // another success in the same millisecond
			other := event
			other.EventID, other.ActionName, other.SectionID = m.id(), schemas.ActionClick, pick(m, "", "s1", "s2", "s3")
			m.w.events = append(m.w.events, other)
		}
		if m.chance(8) {
			m.w.events = append(m.w.events, m.again(event))
		}
	}
}

// event happens around the attribution window, and at its very edges.
func (m *maker) event(page schemas.SERP) schemas.Interaction {
	offset := m.upTo(35*time.Minute) - 2*time.Minute
	if m.chance(10) {
		offset = pick(m, -time.Minute, -time.Minute-time.Millisecond, 30*time.Minute, 30*time.Minute+time.Millisecond)
	}
	if m.chance(50) {
		offset = m.upTo(20 * time.Second)
	}
	happened := page.AskedAt().Add(offset)
	held := pick(m, 0, m.upTo(3*time.Second), m.upTo(time.Hour))
	if m.chance(3) { // at the edge of what is too old, and beyond
		held = pick(m, 24*time.Hour, 24*time.Hour+time.Millisecond, 30*time.Hour)
	}
	skew := pick(m, 0, 0, m.upTo(3*time.Hour), -m.upTo(3*time.Hour))
	e := schemas.Interaction{
		SchemaVersion: schemas.Version, EventID: m.id(), QueryID: page.CorrelationID, ClientID: "somebody",
		ActionName: pick(m, schemas.ActionClick, schemas.ActionClick, schemas.ActionStream, schemas.ActionStream, schemas.ActionImpression, "share"),
		Timestamp:  happened.Add(skew).In(m.zone()), SentAt: happened.Add(held).Add(skew).In(m.zone()), ReceivedAt: happened.Add(held),
		SectionID: pick(m, "", "s1", "s2", "s3", "nowhere"),
		MSPlayed:  pick(m, 29_999, 30_000, 200_000),
		EventAttributes: schemas.EventAttributes{
			Object: schemas.Object{ObjectID: "track:a/b/c", ObjectIDType: "track"},
		},
	}
	if m.chance(10) {
		e.SentAt = time.Time{} // the client's clock is all there is
	}
	return e
}

// again is the same event, sent a little later because the answer was lost.
func (m *maker) again(e schemas.Interaction) schemas.Interaction {
	if e.SentAt.IsZero() {
		return e
	}
	pause := m.upTo(10 * time.Second)
	e.SentAt, e.ReceivedAt = e.SentAt.Add(pause), e.ReceivedAt.Add(pause)
	return e
}

// orphans are events of searches that have no page.
func (m *maker) orphans(n int) {
	for range n {
		m.w.events = append(m.w.events, m.event(schemas.SERP{
			CorrelationID: m.id(), CreatedAt: m.begin.Add(m.upTo(span)),
		}))
	}
}
