package pages_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/newreleases"
	"github.com/parallel-fusion/pfr/tool-workers/podcasts"
	"github.com/parallel-fusion/pfr/tool-workers/recs"
	"github.com/parallel-fusion/pfr/tool-workers/releaseinfo"
	"github.com/parallel-fusion/pfr/tool-workers/search"
	"github.com/parallel-fusion/pfr/tool-workers/similarartists"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// kitchen makes pages of a catalogue, and the lists of single tools.
type kitchen struct {
	c        *catalog.Catalog
	finder   *taste.Finder
	manifest *routes.Manifest
	tools    map[string]tools.Tool
	page     schemas.SERP              // the last one
	wholes   map[string][]schemas.Item // what sections that are one thing are made of, by its id
}

func newKitchen(t *testing.T, f *taste.Finder) *kitchen {
	t.Helper()
	k := &kitchen{c: f.Catalog(), finder: f, tools: map[string]tools.Tool{}, wholes: map[string][]schemas.Item{}}
	var err error
	if k.manifest, err = routes.Music(); err != nil {
		t.Fatal(err)
	}
	for _, build := range []func(*taste.Finder) (tools.Tool, error){
		search.New, similarartists.New, recs.New, newreleases.New, releaseinfo.New, podcasts.New,
		func(f *taste.Finder) (tools.Tool, error) { return dj.New(f, nil) },
	} {
		tool, err := build(f)
		if err != nil {
			t.Fatal(err)
		}
		k.tools[tool.Name()] = tool
	}
	return k
}

// Call implements [fusion.Caller].
func (k *kitchen) Call(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
	r, err := k.tools[req.Tool].Run(ctx, req)
	if err != nil {
		return schemas.ToolResponse{}, err
	}
	items := append([]schemas.Item{}, r.Items...)
	return schemas.ToolResponse{
		SchemaVersion: schemas.Version, CorrelationID: req.CorrelationID, Section: req.Section, Text: r.Text, Items: items[:min(len(items), req.Limit)],
	}, nil
}

func (k *kitchen) Publish(_ context.Context, page schemas.SERP) error {
	k.page = page
	return nil
}

func (*kitchen) Send(context.Context, schemas.Progress) {}

// query is what somebody asks, with the route and parameters that a router without fault
// would find, and what the person means by it.
type query struct {
	text   string
	route  string
	params schemas.Params
	user   string
	fits   func(facts) bool
}

func (q query) decision(k *kitchen, id int) schemas.RouteDecision {
	route, _ := k.manifest.Route(q.route)
	now := time.Now()
	d := schemas.RouteDecision{
		SchemaVersion: schemas.Version, Decision: k.manifest.Decide(route, q.params, q.text),
		Query: schemas.PublicQuery{
			SchemaVersion: schemas.Version, CorrelationID: fmt.Sprintf("01890a5d-ac96-774b-bcce-%012d", id), Text: q.text, Market: "US", Locale: "en-US",
			SubmittedAt: now, Deadline: now.Add(time.Minute),
		},
	}
	d.Decision.Source, d.Decision.Confidence = schemas.SourceStudent, 1
	if q.user != "" {
		d.User = &schemas.User{ID: q.user}
	}
	return d
}

// Kinds of sections that are one thing made of items, or about an item.
const (
	kindMix    = "mix"
	kindAnswer = "answer"
)

// shows returns what a section shows at first. A mix counts as one item, and so does the
// item that an answer is about.
func (k *kitchen) shows(s schemas.Section, correlationID string) []schemas.Item {
	if s.Component != kindMix || len(s.Items) == 0 {
		return k.answers(s.Items[:min(len(s.Items), s.Display.Room)], s.Component, correlationID)
	}
	return []schemas.Item{k.whole(kindMix, correlationID, s.Items)}
}

// answers makes the first item an answer, if that is what the section is.
func (k *kitchen) answers(items []schemas.Item, component, correlationID string) []schemas.Item {
	if component != kindAnswer || len(items) == 0 {
		return items
	}
	return append([]schemas.Item{k.whole(kindAnswer, correlationID, items[:1])}, items[1:]...)
}

func (k *kitchen) whole(kind, correlationID string, parts []schemas.Item) schemas.Item {
	id := kind + ":" + correlationID
	k.wholes[id] = parts
	return schemas.Item{ID: id, Type: schemas.ItemType(kind)}
}

// unfused names the list of what the tools gave, section by section, as it came.
const unfused = "its sections as the tools gave them"

// serve returns what the page of a query shows at first, from its top, and for each of its
// calls the list that its tool gives alone, as long as that; and the sections unfused.
func (k *kitchen) serve(t *testing.T, a *fusion.Aggregator, q query, id int) (page []schemas.Item, lists map[string][]schemas.Item) {
	t.Helper()
	d := q.decision(k, id)
	if err := a.Handle(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for _, s := range k.page.Sections {
		if s.Status != schemas.SectionOK && s.Status != schemas.SectionEmpty {
			t.Fatalf("%s: section %s: %s %s", q.text, s.ID, s.Status, s.Reason)
		}
		page = append(page, k.shows(s, d.Query.CorrelationID)...)
	}
	lists = map[string][]schemas.Item{}
	calls, _ := d.Decision.SetAside() // a page with something on it asks no last resort
	for _, c := range calls {
		lists[c.Section+" ("+c.Tool+")"] = k.answers(k.ask(t, d, c, max(len(page), 1)), c.Component, d.Query.CorrelationID)
		s := schemas.Section{Component: c.Component, Display: c.Display, Items: k.ask(t, d, c, c.Limit)}
		lists[unfused] = append(lists[unfused], k.shows(s, d.Query.CorrelationID)...)
	}
	lists[unfused] = lists[unfused][:min(len(page), len(lists[unfused]))]
	return page, lists
}

// ask makes one call of a decision with another limit.
func (k *kitchen) ask(t *testing.T, d schemas.RouteDecision, c schemas.Call, limit int) []schemas.Item {
	t.Helper()
	r, err := k.Call(t.Context(), schemas.ToolRequest{
		SchemaVersion: schemas.Version, CorrelationID: d.Query.CorrelationID, Tool: c.Tool, Section: c.Section, Query: d.Query.Text, Params: c.Params,
		Limit: limit, Market: "US", User: d.User, Deadline: d.Query.Deadline,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Items
}

func newAggregator(t *testing.T, k *kitchen) *fusion.Aggregator {
	t.Helper()
	a, err := fusion.New(fusion.DefaultConfig(), fusion.Ports{Tools: k, Pages: k, Feed: k}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// facts is what the catalogue says of an item.
type facts struct {
	item    schemas.Item
	ref     catalog.Ref
	artists []uint32 // those who made it
	genres  []string
	tracks  []uint32 // that it stands for: of a list, an album, an artist
	show    int      // of podcasts, from 1
}

func (k *kitchen) facts(it schemas.Item) facts {
	f := facts{item: it}
	if parts := k.wholes[it.ID]; parts != nil {
		for _, part := range parts {
			of := k.facts(part)
			f.genres, f.tracks = append(f.genres, of.genres[0]), append(f.tracks, of.tracks...)
			if it.Type == kindAnswer {
				f.artists = of.artists
			}
		}
		f.genres = slices.Compact(slices.Sorted(slices.Values(f.genres)))
		return f
	}
	f.ref, _ = k.c.Lookup(it.ID)
	switch f.ref.Type {
	case catalog.TypeTrack:
		t := k.c.Track(f.ref.Index)
		f.artists, f.genres, f.tracks = t.ArtistIndexes(), t.Genres(), []uint32{uint32(f.ref.Index)}
	case catalog.TypeAlbum:
		a := k.c.Album(f.ref.Index)
		f.artists, f.genres, f.tracks = a.ArtistIndexes(), a.Genres(), a.Tracks()
	case catalog.TypeArtist:
		a := k.c.Artist(f.ref.Index)
		f.artists, f.genres = []uint32{uint32(f.ref.Index)}, a.Genres()
		for _, i := range a.Albums() {
			f.tracks = append(f.tracks, k.c.Album(int(i)).Tracks()...)
		}
	case catalog.TypePlaylist:
		p := k.c.Playlist(f.ref.Index)
		f.genres, f.tracks = p.Genres(), p.Tracks()
	case catalog.TypeShow:
		f.genres, f.show = k.c.Show(f.ref.Index).Topics(), f.ref.Index+1
	case catalog.TypeEpisode:
		show := k.c.Episode(f.ref.Index).Show()
		f.genres, f.show = show.Topics(), show.Index()+1
	}
	return f
}

// facets returns what of a person's possible needs an item meets: none if it does not fit
// the query. A need is for an artist, a show, or a style, and with kinds for a style of one
// kind of thing: a track to play is no playlist to put on.
func (f facts) facets(q query, kinds bool) []string {
	if !q.fits(f) {
		return nil
	}
	kind, out := "", make([]string, 0, 6)
	if kinds {
		kind = string(f.item.Type) + " of "
		out = append(out, string(f.item.Type))
	}
	for _, g := range f.genres[:min(len(f.genres), 3)] {
		out = append(out, kind+g)
	}
	if len(f.artists) > 0 {
		out = append(out, fmt.Sprint("artist ", f.artists[0]))
	}
	if f.show > 0 {
		out = append(out, fmt.Sprint("show ", f.show))
	}
	return out
}

// likes reports whether an item fits the query and holds something that the person plays.
func (f facts) likes(q query, plays map[uint32]bool) bool {
	return q.fits(f) && slices.ContainsFunc(f.tracks, func(t uint32) bool { return plays[t] })
}

// served is the share of people who find what they like, if each wants one kind of thing,
// and all kinds that any tool found for them are wanted alike.
func (k *kitchen) served(q query, items, pool []schemas.Item, plays map[uint32]bool) float64 {
	wanted, found := map[schemas.ItemType]bool{}, map[schemas.ItemType]bool{}
	for _, it := range pool {
		if q.fits(k.facts(it)) {
			wanted[it.Type] = true
		}
	}
	for _, it := range items {
		if k.facts(it).likes(q, plays) {
			found[it.Type] = true
		}
	}
	return float64(len(found)) / float64(max(1, len(wanted)))
}

func (k *kitchen) list(q query, items []schemas.Item, kinds bool) [][]string {
	out := make([][]string, len(items))
	for i, it := range items {
		out[i] = k.facts(it).facets(q, kinds)
	}
	return out
}
