package pages_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	pages "github.com/parallel-fusion/pfr/evaluation/fusion"
	"github.com/parallel-fusion/pfr/evaluation/stats"
	"github.com/parallel-fusion/pfr/evaluation/trec"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// Sizes of the quick measurement, and of the one whose figures are in docs/fusion.md.
const (
	quickTracks, quickListeners, quickQueries = 3_000, 400, 30
	queries                                   = 200
)

func full() bool { return os.Getenv("PFR_TEST_SCALE") == "1" }

// measures of one list for one query.
var measures = []string{"α-nDCG", "α-nDCG without kinds", "needs covered", "needs without kinds", "artists", "works", "played", "served"}

// score measures a list beside a pool of all that was found.
func (k *kitchen) score(q query, items, pool []schemas.Item, hidden map[uint32]bool) []float64 {
	out := make([]float64, 0, len(measures))
	kinds := trec.CoverLists(k.list(q, items, true), k.list(q, pool, true))
	without := trec.CoverLists(k.list(q, items, false), k.list(q, pool, false))
	out = append(out, kinds.AlphaNDCG(0.5, len(pool)), without.AlphaNDCG(0.5, len(pool)), kinds.SubtopicRecall(0), without.SubtopicRecall(0))
	var artists, works []string
	played := 0
	for _, it := range items {
		f := k.facts(it)
		if len(f.artists) > 0 {
			artists = append(artists, fmt.Sprint(f.artists[0]))
		}
		works = append(works, catalog.Recording(it))
		if f.likes(q, hidden) {
			played++
		}
	}
	return append(out, pages.Distinct(artists), pages.Distinct(works), float64(played)/float64(max(1, len(items))), k.served(q, items, pool, hidden))
}

// results are the scores of pages and of the lists beside them, by query.
type results struct {
	page  [][]float64
	lists map[string][][]float64
	short map[string]int // lists that were shorter than the page
	shown int
}

// measure serves queries as pages and as lists.
func (k *kitchen) measure(t *testing.T, qs []query, hidden func(user string) map[uint32]bool) results {
	t.Helper()
	r := results{lists: map[string][][]float64{}, short: map[string]int{}}
	a := newAggregator(t, k)
	for i, q := range qs {
		page, lists := k.serve(t, a, q, i)
		pool := pooled(page, lists)
		h := hidden(q.user)
		r.page, r.shown = append(r.page, k.score(q, page, pool, h)), r.shown+len(page)
		for name, items := range lists {
			r.lists[name] = append(r.lists[name], k.score(q, items, pool, h))
			if len(items) < len(page) {
				r.short[name]++
			}
		}
	}
	return r
}

// pooled is every item once, in the order of ids.
func pooled(page []schemas.Item, lists map[string][]schemas.Item) []schemas.Item {
	byID := map[string]schemas.Item{}
	for _, it := range page {
		byID[it.ID] = it
	}
	for _, items := range lists {
		for _, it := range items {
			byID[it.ID] = it
		}
	}
	var out []schemas.Item
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		out = append(out, byID[id])
	}
	return out
}

func column(rows [][]float64, i int) []float64 {
	out := make([]float64, len(rows))
	for j, row := range rows {
		out[j] = row[i]
	}
	return out
}

// queries names the queries of the results: each is drawn alone.
func (r results) queries() []string {
	out := make([]string, len(r.page))
	for i := range out {
		out[i] = strconv.Itoa(i)
	}
	return out
}

// report writes how much better a page is than each list, by measure, and returns the
// differences.
func (r results) report(t *testing.T, title string) map[string][]stats.Paired {
	t.Helper()
	out := map[string][]stats.Paired{}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d queries, %.1f items shown at first\n", title, len(r.page), float64(r.shown)/float64(len(r.page)))
	for _, name := range slices.Sorted(maps.Keys(r.lists)) {
		fmt.Fprintf(&b, "  page against %s, %d lists shorter than the page\n", name, r.short[name])
		for i, measure := range measures {
			page, list := column(r.page, i), column(r.lists[name], i)
			d := stats.Compare(page, list, r.queries(), 1)
			out[name] = append(out[name], d)
			fmt.Fprintf(&b, "    %-22s %.3f against %.3f: %+.3f (%+.3f to %+.3f)\n", measure, d.A, d.B, d.Difference, d.DifferenceInterval.Low, d.DifferenceInterval.High)
		}
	}
	t.Log(b.String())
	return out
}

// asks draws what people ask of a catalogue, for each route of several tools.
type asks struct {
	k     *kitchen
	rng   *rand.Rand
	users []string
	plays func(user string) []uint32 // that the person means to hear; empty: nothing is known
}

func (a *asks) user() string {
	if len(a.users) == 0 {
		return ""
	}
	return a.users[a.rng.IntN(len(a.users))]
}

// artist draws one that the person plays, or any.
func (a *asks) artist(user string) catalog.Artist {
	if plays := a.plays(user); len(plays) > 0 {
		return a.k.c.Track(int(plays[a.rng.IntN(len(plays))])).Artist()
	}
	return a.k.c.Artist(a.rng.IntN(a.k.c.Count(catalog.TypeArtist)))
}

func (a *asks) personal() query {
	user := a.user()
	genre := a.artist(user).Genres()[0]
	tree := a.k.finder.Taxonomy().Genres
	return query{
		text: genre + " music", route: "personalized_recs", params: schemas.Params{"genre": genre}, user: user,
		fits: func(f facts) bool {
			return slices.ContainsFunc(f.genres, func(g string) bool { _, ok := tree.Distance(genre, tree.Term(g)); return ok })
		},
	}
}

func (a *asks) similar() query {
	user := a.user()
	artist := a.artist(user)
	genres, index := artist.Genres(), uint32(artist.Index())
	return query{
		text: "artists like " + artist.Name(), route: "similar_artists", params: schemas.Params{"artist": artist.Name()}, user: user,
		fits: func(f facts) bool {
			return slices.Contains(f.artists, index) || slices.ContainsFunc(f.genres, func(g string) bool { return slices.Contains(genres, g) })
		},
	}
}

func (a *asks) releases() query {
	user := a.user()
	artist := a.artist(user)
	index := uint32(artist.Index())
	return query{
		text: "new " + artist.Name(), route: "new_releases", params: schemas.Params{"artist": artist.Name()}, user: user,
		fits: func(f facts) bool { return slices.Contains(f.artists, index) },
	}
}

func (a *asks) podcasts() query {
	show := a.k.c.Show(a.rng.IntN(a.k.c.Count(catalog.TypeShow)))
	topic := show.Topics()[0]
	return query{
		text: topic + " podcasts", route: "podcast_recs", params: schemas.Params{"topic": topic}, user: a.user(),
		fits: func(f facts) bool { return slices.Contains(f.genres, topic) },
	}
}

func (a *asks) draw(n int, one func() query) []query {
	out := make([]query, n)
	for i := range out {
		out[i] = one()
	}
	return out
}

func (a *asks) byRoute() map[string]func() query {
	return map[string]func() query{
		"personalized_recs": a.personal, "similar_artists": a.similar, "new_releases": a.releases, "podcast_recs": a.podcasts,
	}
}

// unheard is an invented world in which a fifth of the plays was hidden from all tools.
func unheard(t *testing.T) (*taste.Finder, map[string]map[uint32]bool) {
	t.Helper()
	tracks, listeners := quickTracks, quickListeners
	if full() {
		tracks, listeners = invented.Tracks, invented.Listeners
	}
	w := invented.New(t, tracks, listeners)
	rng, hide, hidden := rand.New(rand.NewPCG(5, 5)), make([]bool, len(w.Plays)), map[string]map[uint32]bool{}
	for i, p := range w.Plays {
		if hide[i] = rng.IntN(5) == 0; hide[i] {
			if hidden[p.User] == nil {
				hidden[p.User] = map[uint32]bool{}
			}
			hidden[p.User][uint32(p.Track.Index)] = true
		}
	}
	return w.Finder(t, w.Learn(t, func(i int) bool { return !hide[i] })), hidden
}

func TestThePageAgainstEachTool(t *testing.T) {
	n := quickQueries
	if full() {
		n = queries
	}
	finder, hidden := unheard(t)
	users := slices.Sorted(maps.Keys(hidden))
	world := &asks{k: newKitchen(t, finder), rng: rand.New(rand.NewPCG(6, 6)), users: users, plays: func(user string) []uint32 {
		return slices.Sorted(maps.Keys(hidden[user]))
	}}
	sample := &asks{k: newKitchen(t, tooltest.Finder(t, tooltest.Sample(t))), rng: rand.New(rand.NewPCG(7, 7)), plays: func(string) []uint32 { return nil }}
	for name, a := range map[string]*asks{"invented world": world, "sample": sample} {
		for _, route := range slices.Sorted(maps.Keys(a.byRoute())) {
			r := a.k.measure(t, a.draw(n, a.byRoute()[route]), func(user string) map[uint32]bool { return hidden[user] })
			for list, d := range r.report(t, name+", "+route) {
				better(t, name+", "+route+" against "+list, d, name == "invented world" && route != "podcast_recs")
			}
		}
	}
}

// better wants a page to be better than a list in the needs that it meets and, where plays
// are known, in the people whom it serves, and surely so in the full measurement; and to
// say nothing twice.
func better(t *testing.T, what string, d []stats.Paired, plays bool) {
	t.Helper()
	if strings.HasSuffix(what, unfused) {
		return // another question, which is answered in the report
	}
	if needs := d[slices.Index(measures, "α-nDCG")]; needs.Difference <= 0 || full() && !needs.Better() {
		t.Errorf("%s: needs met %+v", what, needs)
	}
	if served := d[slices.Index(measures, "served")]; plays && (served.Difference <= 0 || full() && !served.Better()) {
		t.Errorf("%s: people served %+v", what, served)
	}
	if works := d[slices.Index(measures, "works")]; works.DifferenceInterval.Low < 0 {
		t.Errorf("%s: distinct works %+v", what, works)
	}
}
