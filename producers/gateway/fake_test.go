package gateway_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend pretends to be everything behind a gateway. Its queries are made by the real
// client library. Change its fields before the first request.
type backend struct {
	*producers.Client // for Query
	// follow answers searches. It is set before a gateway runs, or by answers.
	follow func(ctx context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error)
	// resume answers searches that are followed again; nil knows of no page.
	resume func(ctx context.Context, id string, onStep func(schemas.Progress)) (schemas.SERP, error)
	// publish answers interactions.
	publish func(schemas.Interaction) error
	online  []schemas.OnlineMetrics
	broken  error // of the archive; nil: it works
	// operations, experiments and suggestions may be nil.
	operations  gateway.Operations
	experiments gateway.Experiments
	suggestions gateway.Suggestions

	mu     sync.Mutex
	pages  map[string]schemas.SERP
	why    map[string]gateway.Explained
	events []schemas.Interaction
	asked  []schemas.Query
	again  []string // ids that were resumed
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	c, err := producers.New(producers.DefaultConfig(), producers.Ports{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &backend{
		Client: c, follow: followAll, publish: func(schemas.Interaction) error { return nil },
		pages: map[string]schemas.SERP{}, why: map[string]gateway.Explained{},
	}
}

func (b *backend) Follow(ctx context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
	b.mu.Lock()
	b.asked = append(b.asked, q)
	follow := b.follow
	b.mu.Unlock()
	return follow(ctx, q, onStep)
}

// answers has searches answered by f from now on, also while a gateway runs.
func (b *backend) answers(f func(context.Context, schemas.Query, func(schemas.Progress)) (schemas.SERP, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.follow = f
}

func (b *backend) Resume(ctx context.Context, id string, deadline time.Time, onStep func(schemas.Progress)) (schemas.SERP, error) {
	b.mu.Lock()
	b.again = append(b.again, id)
	b.mu.Unlock()
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if b.resume != nil {
		return b.resume(ctx, id, onStep)
	}
	<-ctx.Done()
	return schemas.SERP{}, fmt.Errorf("%w: %w", producers.ErrNoPage, ctx.Err())
}

func (b *backend) Get(id string) (schemas.SERP, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return schemas.SERP{}, b.broken
	}
	if page, ok := b.pages[id]; ok {
		return page, nil
	}
	return schemas.SERP{}, fmt.Errorf("page %s: %w", id, gateway.ErrNotFound)
}

func (b *backend) Explain(id string) (gateway.Explained, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return gateway.Explained{}, b.broken
	}
	if e, ok := b.why[id]; ok {
		return e, nil
	}
	return gateway.Explained{}, fmt.Errorf("decision %s: %w", id, gateway.ErrNotFound)
}

func (b *backend) Publish(_ context.Context, i schemas.Interaction) error {
	if err := b.publish(i); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, i)
	return nil
}

func (b *backend) Snapshot() []schemas.OnlineMetrics { return b.series().Snapshot() }

func (b *backend) Select(q gateway.Selection) gateway.Selected { return b.series().Select(q) }

// series keeps what there is of online metrics.
func (b *backend) series() *gateway.Series {
	s, err := gateway.NewSeries(gateway.DefaultSeriesConfig(), nil)
	if err != nil {
		panic(err) // the default is valid
	}
	for _, m := range b.online {
		m.Window = cmp.Or(m.Window, schemas.WindowAll)
		s.Put(m, m.AsOf)
	}
	return s
}

func (b *backend) published() []schemas.Interaction {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]schemas.Interaction(nil), b.events...)
}

func (b *backend) queries() []schemas.Query {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]schemas.Query(nil), b.asked...)
}

// open returns a gateway in front of b. change may be nil.
func (b *backend) open(t *testing.T, change func(*gateway.Config)) *gateway.Gateway {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.Addr = "127.0.0.1:0"
	if change != nil {
		change(&cfg)
	}
	reg := prometheus.NewRegistry()
	g, err := gateway.New(cfg, gateway.Ports{
		Searches: b, Pages: b, Decisions: b, Interactions: b, Online: b, Gatherer: reg,
		Operations: b.operations, Experiments: b.experiments, Suggestions: b.suggestions,
		Details: func() map[string]any { return map[string]any{"router": map[string]any{"arm": "default"}} },
		About: gateway.About{
			AsOf: "2025-06-28", Note: "Facts compiled by hand; episodes, listeners and play counts are synthetic.",
			Examples: []string{"latest albums by lady gaga", "artists similar to Khruangbin", "sad songs for a rainy day", "true crime podcasts", "new indie rock releases", "what is the weather in berlin"},
			Routes: []gateway.Legend{
				{Name: "search", For: "a named thing (an artist, album, track, playlist or show), a bare name or title, anything unclear"},
				{Name: "new_releases", For: "the newest work of a named artist, or whether and when it comes out"},
			},
		},
	}, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// serve answers one request without a connection.
func serve(g *gateway.Gateway, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	return w
}

func get(t *testing.T, target string) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
}

func post(t *testing.T, target, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// eventually waits until something holds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		if holds() {
			return
		}
	}
	t.Fatal("waited in vain")
}

// running is a gateway that listens.
type running struct {
	url  string
	stop func() // ends Run and waits for it; Run must return nil
}

// run starts g on a free port until the test ends.
func run(t *testing.T, g *gateway.Gateway) running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	addr, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- g.Run(ctx, func(a string) { addr <- a }) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case a := <-addr:
		return running{"http://" + a, stop}
	case err := <-ended:
		t.Fatalf("Run: %v", err)
		return running{}
	}
}

// followAll delivers every step of the sample page, and the page.
func followAll(_ context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
	page := samplePage(q)
	onStep(schemas.Progress{Kind: schemas.ProgressRoute, Route: slots(page)})
	for i := range page.Sections {
		onStep(schemas.Progress{Kind: schemas.ProgressSection, Section: &page.Sections[i]})
	}
	return page, nil
}

func slots(page schemas.SERP) *schemas.Slots {
	s := &schemas.Slots{Route: page.Route, Layout: page.Layout, Notice: page.Notice}
	for _, sec := range page.Sections {
		s.Slots = append(s.Slots, schemas.Slot{ID: sec.ID, Title: sec.Title, Component: sec.Component, Tool: sec.Tool, Display: sec.Display})
	}
	return s
}

func item(kind schemas.ItemType, id, title, subtitle, date string) schemas.Item {
	return schemas.Item{ID: string(kind) + ":" + id, Type: kind, Title: title, Subtitle: subtitle, ReleaseDate: date, Score: 1}
}

// samplePage is a page of the new_releases route with a section of each fate.
func samplePage(q schemas.Query) schemas.SERP {
	albums := []schemas.Item{
		item("album", "lady-gaga/mayhem", "MAYHEM", "Lady Gaga", "2025-03-07"), item("album", "lady-gaga/harlequin", "Harlequin", "Lady Gaga", "2024-09-27"),
		item("album", "lady-gaga/chromatica", "Chromatica", "Lady Gaga", "2020-05-29"), item("album", "lady-gaga/joanne", "Joanne", "Lady Gaga", "2016-10-21"),
		item("album", "lady-gaga/artpop", "ARTPOP", "Lady Gaga", "2013-11-06"), item("album", "lady-gaga/born-this-way", "Born This Way", "Lady Gaga", "2011-05-23"),
		item("album", "lady-gaga/the-fame", "The Fame", "Lady Gaga", "2008-08-19"),
	}
	for i := range albums {
		albums[i].Artists, albums[i].Genres = []string{"Lady Gaga"}, []string{"pop", "dance pop"}
	}
	tracks := []schemas.Item{
		item("track", "abracadabra", "Abracadabra", "Lady Gaga · MAYHEM", "2025-02-03"), item("track", "disease", "Disease", "Lady Gaga · MAYHEM", "2024-10-25"),
		item("track", "die-with-a-smile", "Die With A Smile", "Lady Gaga, Bruno Mars", "2024-08-16"),
		item("episode", "pop-talk-12", "What MAYHEM says about pop", "Pop Talk", "2025-03-10"),
	}
	tracks[3].Synthetic = true
	artist := item("artist", "lady-gaga", "Lady Gaga", "", "")
	artist.Genres, artist.Why = []string{"pop"}, "the artist you asked for"
	return schemas.SERP{
		SchemaVersion: schemas.Version, CorrelationID: q.CorrelationID, Query: q.Text, Market: q.Market,
		Route: schemas.RouteSummary{
			Name: "new_releases", Params: schemas.Params{"artist": "Lady Gaga", "entity_types": []string{"album"}},
			Source: schemas.SourceStudent, Confidence: .94, ManifestVersion: "m1", ModelVersion: "linear-3f9a",
			Alternatives: []schemas.Alternative{{Route: "search", Confidence: .04}, {Route: "personalized_recs", Confidence: .01}},
			Tiers:        []schemas.Tier{{Source: schemas.SourceStudent, Outcome: schemas.OutcomeAnswered, Route: "new_releases", Confidence: .94, TookMS: .06}},
		},
		Layout: "release_watch", Status: schemas.SERPPartial, Coverage: .75,
		Sections: []schemas.Section{
			{ID: "latest_releases", Title: "Latest albums", Component: "carousel", Tool: "new_releases", Status: schemas.SectionOK, TookMS: 6.2, ServiceMS: 3, Items: albums},
			{ID: "release_date", Title: "Release date", Component: "answer", Tool: "release_info", Status: schemas.SectionOK, TookMS: 4.1, Text: "The newest album by Lady Gaga is MAYHEM. It came out on 7 March 2025, 16 weeks ago.", Items: []schemas.Item{artist}},
			{ID: "recent_tracks", Title: "Recent singles and tracks", Component: "list", Tool: "search", Status: schemas.SectionOK, TookMS: 11, Items: tracks},
			{ID: "tour", Title: "On tour", Component: "cards", Tool: "tours", Status: schemas.SectionTimeout, Reason: "no answer within 300 ms", TookMS: 300, Items: []schemas.Item{}},
		},
		Timings:   schemas.Timings{QueuedMS: 3.4, RouterMS: 1.2, ToolsMS: 301, TotalMS: 312},
		CreatedAt: q.SubmittedAt.Add(312 * time.Millisecond), Probe: q.Probe,
	}
}

var errBroker = errors.New("connection refused")

// followPage delivers every step of the sample page after a change, and the page.
func followPage(change func(*schemas.SERP)) func(context.Context, schemas.Query, func(schemas.Progress)) (schemas.SERP, error) {
	return func(_ context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
		page := samplePage(q)
		change(&page)
		onStep(schemas.Progress{Kind: schemas.ProgressRoute, Route: slots(page)})
		for i := range page.Sections {
			onStep(schemas.Progress{Kind: schemas.ProgressSection, Section: &page.Sections[i]})
		}
		return page, nil
	}
}

// degradedPage makes a page that of a router whose language model was too slow.
func degradedPage(page *schemas.SERP) {
	page.Status = schemas.SERPDegraded
	r := &page.Route
	r.Source, r.Degraded, r.Confidence, r.Arm = schemas.SourceFallback, true, .41, "candidate-b"
	r.Alternatives = []schemas.Alternative{{Route: "search", Confidence: .33}, {Route: "personalized_recs", Confidence: .12}}
	r.Tiers = []schemas.Tier{
		{Source: schemas.SourceStudent, Outcome: schemas.OutcomeUnsure, Route: r.Name, Confidence: .41, TookMS: .07},
		{Source: schemas.SourceLLM, Outcome: schemas.OutcomeTimeout, TookMS: 250},
		{Source: schemas.SourceFallback, Outcome: schemas.OutcomeAnswered, Route: r.Name, Confidence: .41, TookMS: .01},
	}
}

// composedPage makes a page one that a language model put together.
func composedPage(page *schemas.SERP) {
	page.Status, page.Coverage, page.Layout, page.Cost = schemas.SERPComplete, 1, "exploration", .0011
	page.Route = schemas.RouteSummary{
		Name: "composed", Params: schemas.Params{}, Source: schemas.SourceLLM, Confidence: 1,
		ManifestVersion: "m1", ModelVersion: "some-model",
		Tiers: []schemas.Tier{
			{Source: schemas.SourceStudent, Outcome: schemas.OutcomeUnsure, Route: "search", Confidence: .86, TookMS: .05},
			{Source: schemas.SourceLLM, Outcome: schemas.OutcomeAnswered, Route: "composed", Confidence: 1, TookMS: 312, Cost: .0011},
		},
	}
	similar := schemas.Section{ID: "similar_artists", Title: "Similar artists: pixies", Component: "cards", Tool: "similar_artists", Status: schemas.SectionOK, TookMS: 3}
	for _, name := range []string{"The Breeders", "Dinosaur Jr.", "Sonic Youth", "Throwing Muses"} {
		similar.Items = append(similar.Items, item("artist", strings.ToLower(name), name, "alternative rock", ""))
	}
	found := page.Sections[2]
	found.ID, found.Title = "found", "Found: pixies"
	page.Sections = []schemas.Section{found, similar, page.Sections[0]}
}
