package recs_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/recs"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// world is an invented one, in which a fifth of what each listener plays was hidden from the
// models that the tool has.
type world struct {
	*invented.World
	finder *taste.Finder
	tool   tools.Tool
	kept   map[string]map[string]bool // listener → ids of tracks
	hidden map[string]map[string]bool
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{World: invented.New(tb, invented.Tracks, invented.Listeners)}
	rng := rand.New(rand.NewPCG(20, 20))
	w.kept, w.hidden = map[string]map[string]bool{}, map[string]map[string]bool{}
	hide := make([]bool, len(w.Plays))
	for i, p := range w.Plays {
		to := w.kept
		if hide[i] = rng.IntN(5) == 0; hide[i] {
			to = w.hidden
		}
		if to[p.User] == nil {
			to[p.User] = map[string]bool{}
		}
		to[p.User][w.Catalog.ID(p.Track)] = true
	}
	w.finder = w.Finder(tb, w.Learn(tb, func(i int) bool { return !hide[i] }))
	var err error
	if w.tool, err = recs.New(w.finder); err != nil {
		tb.Fatal(err)
	}
	return w
}

// TestQuality judges the tool in a world that it was not tuned on.
func TestQuality(t *testing.T) {
	w := newWorld(t)
	t.Run("ObeysWishes", w.obeys)
	t.Run("ObeysWishesForPlaylists", w.obeysForPlaylists)
	t.Run("FindsWhatListenersPlay", w.findsPlays)
	t.Run("DiffersByListener", w.differs)
}

// wish draws what somebody may ask for, from what the artists of the catalogue are.
func (w *world) wish(rng *rand.Rand) schemas.Params {
	a := w.Catalog.Artist(rng.IntN(w.Catalog.Count(catalog.TypeArtist)))
	p := schemas.Params{"entity_types": []string{[]string{"track", "album", "artist"}[rng.IntN(3)]}}
	if rng.IntN(4) > 0 {
		p["genre"] = a.Genres()[rng.IntN(len(a.Genres()))]
	}
	if rng.IntN(3) == 0 {
		p["mood"] = a.Moods()[rng.IntN(len(a.Moods()))]
	}
	if rng.IntN(4) == 0 {
		p["language"] = a.Languages()[0]
	}
	switch rng.IntN(5) {
	case 0:
		p["max_weeks_from_release"] = []int{2, 8, 26, 52}[rng.IntN(4)]
	case 1:
		from := 1970 + 10*rng.IntN(6)
		p["era_from"], p["era_to"] = from, from+9
	}
	return p
}

// obeys checks each aspect of each item, unless the reason owns up to it. Every item must be
// right: there is no margin. An item is held to what its artists and its date are.
// Measured: 8222 items, of which 806 own up to something; 1 wish of 500 has no answer.
func (w *world) obeys(t *testing.T) {
	const n = 500
	rng := rand.New(rand.NewPCG(1, 1))
	items, owned, empty := 0, 0, 0
	for range n {
		p := w.wish(rng)
		r := tooltest.Run(t, w.tool, tooltest.Call{Params: p, Limit: 20})
		if len(r.Items) == 0 {
			empty++
		}
		byArtist := map[catalog.Artist]int{}
		for _, item := range r.Items {
			items++
			broken, admitted := w.broken(item, p)
			if owned += min(1, admitted); len(broken) > 0 {
				t.Errorf("%v: %s %q is not as wished: %v; its reason: %q", p, item.ID, item.Title, broken, item.Why)
			}
			artists, _ := w.facts(item)
			if byArtist[artists[0]]++; byArtist[artists[0]] > 2 {
				t.Errorf("%v: %d by %s", p, byArtist[artists[0]], artists[0].Name())
			}
		}
	}
	t.Logf("%d wishes, %d items, all as wished or with a reason that says what was overlooked (%d); %d wishes unanswered", n, items, owned, empty)
	if owned > items/5 || empty > n/50 {
		t.Error("too much is overlooked, or too little found")
	}
}

// obeysForPlaylists checks the genre and mood of lists, unless the reason owns up.
func (w *world) obeysForPlaylists(t *testing.T) {
	const n = 300
	rng := rand.New(rand.NewPCG(12, 12))
	lists, owned, tree := 0, 0, w.finder.Taxonomy().Genres
	for range n {
		l := w.Catalog.Playlist(rng.IntN(w.Catalog.Count(catalog.TypePlaylist)))
		genre, mood := l.Genres()[0], l.Moods()[0]
		p := schemas.Params{"entity_types": []string{"playlist"}, "genre": genre, "mood": mood}
		for _, item := range tooltest.Run(t, w.tool, tooltest.Call{Params: p}).Items {
			lists++
			ref, _ := w.Catalog.Lookup(item.ID)
			found := w.Catalog.Playlist(ref.Index)
			inGenre := slices.ContainsFunc(found.Genres(), func(g string) bool { _, ok := tree.Distance(genre, tree.Term(g)); return ok })
			inMood := slices.Contains(found.Moods(), mood)
			if inGenre == strings.Contains(item.Why, "near "+genre) || inMood == strings.Contains(item.Why, "not quite "+mood) {
				t.Errorf("%v: %s is %v, %v: %q", p, item.ID, found.Moods(), found.Genres(), item.Why)
			}
			if !inGenre || !inMood {
				owned++
			}
		}
	}
	t.Logf("%d wishes, %d playlists, all as wished or with a reason that says what was overlooked (%d)", n, lists, owned)
	if lists < 2*n || owned == lists {
		t.Error("too few to judge, or none is as wished")
	}
}

// broken names the aspects of a wish that an item does not have, without those that its
// reason admits.
func (w *world) broken(item schemas.Item, p schemas.Params) (names []string, admitted int) {
	artists, dates := w.facts(item)
	check := func(name string, wished, has bool, admits ...string) {
		if !wished || has {
			return
		}
		if slices.ContainsFunc(admits, func(s string) bool { return strings.Contains(item.Why, s) }) {
			admitted++
			return
		}
		names = append(names, name)
	}
	anyone := func(has func(catalog.Artist) bool) bool { return slices.ContainsFunc(artists, has) }
	at := func(has func(catalog.Date) bool) bool { return slices.ContainsFunc(dates, has) }
	genre, _ := p["genre"].(string)
	check("genre", genre != "", anyone(func(a catalog.Artist) bool { return w.plays(a, genre) }), "near "+genre, "there is no "+genre+" here")
	mood, _ := p["mood"].(string)
	check("mood", mood != "", anyone(func(a catalog.Artist) bool { return slices.Contains(a.Moods(), mood) }), "not quite "+mood)
	language, _ := p["language"].(string)
	check("language", language != "", anyone(func(a catalog.Artist) bool { return slices.Contains(a.Languages(), language) }), "not in ")
	weeks, _ := p["max_weeks_from_release"].(int)
	check("weeks", weeks > 0, at(func(d catalog.Date) bool { return d.Within(weeks, w.Catalog.AsOf) }), "nothing newer fits")
	from, _ := p["era_from"].(int)
	check("era", from > 0, at(func(d catalog.Date) bool { return d.Year() >= from && d.Year() <= from+9 }), fmt.Sprintf("not from the %ds", from))
	check("out", true, at(func(d catalog.Date) bool { return !d.After(w.Catalog.AsOf) }))
	types, _ := p["entity_types"].([]string)
	check("type", true, slices.Contains(types, string(item.Type)))
	return names, admitted
}

// facts returns the artists of an item, and its date or, for an artist, all of its.
func (w *world) facts(item schemas.Item) ([]catalog.Artist, []catalog.Date) {
	ref, _ := w.Catalog.Lookup(item.ID)
	switch ref.Type {
	case catalog.TypeArtist:
		a := w.Catalog.Artist(ref.Index)
		var dates []catalog.Date
		for _, i := range a.Albums() {
			dates = append(dates, w.Catalog.Album(int(i)).Released())
		}
		return []catalog.Artist{a}, dates
	case catalog.TypeAlbum:
		a := w.Catalog.Album(ref.Index)
		return w.named(a.Artist(), a.ArtistNames()), []catalog.Date{a.Released()}
	default:
		track := w.Catalog.Track(ref.Index)
		return w.named(track.Artist(), track.ArtistNames()), []catalog.Date{track.Released()}
	}
}

// named returns a main artist and the others of a credit, whose names may be those of
// several.
func (w *world) named(main catalog.Artist, names []string) []catalog.Artist {
	out := []catalog.Artist{main}
	for a := range w.Catalog.Artists() {
		if len(names) > 1 && slices.Contains(names[1:], a.Name()) {
			out = append(out, a)
		}
	}
	return out
}

func (w *world) plays(a catalog.Artist, genre string) bool {
	tree := w.finder.Taxonomy().Genres
	return slices.ContainsFunc(a.Genres(), func(g string) bool { _, ok := tree.Distance(tree.Term(genre), tree.Term(g)); return ok })
}

// page returns the ids of twenty tracks for a listener, "" for anybody.
func (w *world) page(tb testing.TB, user string) []string {
	tb.Helper()
	call := tooltest.Call{Limit: 20}
	if user != "" {
		call.User = &schemas.User{ID: user}
	}
	var out []string
	for _, item := range tooltest.Run(tb, w.tool, call).Items {
		out = append(out, item.ID)
	}
	return out
}

// most returns the tracks that most listeners play, of what was not hidden.
func (w *world) most() []string {
	listeners := map[string]int{}
	for _, tracks := range w.kept {
		for id := range tracks {
			listeners[id]++
		}
	}
	return slices.SortedFunc(maps.Keys(listeners), func(a, b string) int {
		if listeners[a] != listeners[b] {
			return listeners[b] - listeners[a]
		}
		return strings.Compare(a, b)
	})
}

// findsPlays counts how many of the hidden plays are among twenty tracks for the listener,
// against the twenty most played ones that the listener does not know.
//
// Measured: recall 0.141 against 0.031, a ratio of 4.5 (3.2 to 7.9). The threshold is for
// the lower end.
func (w *world) findsPlays(t *testing.T) {
	const n = 250
	most := w.most()
	var tool, popular []float64
	for _, user := range slices.Sorted(maps.Keys(w.hidden)) {
		if len(tool) == n {
			break
		}
		if len(w.kept[user]) < 5 {
			continue
		}
		var best []string
		for _, id := range most {
			if !w.kept[user][id] && len(best) < 20 {
				best = append(best, id)
			}
		}
		tool, popular = append(tool, recall(w.page(t, user), w.hidden[user])), append(popular, recall(best, w.hidden[user]))
	}
	low, high := interval(tool, popular)
	ratio := mean(tool) / mean(popular)
	t.Logf("listeners %d: recall@20 %.3f, by popularity %.3f, ratio %.2f (95 %% bootstrap %.2f to %.2f)", len(tool), mean(tool), mean(popular), ratio, low, high)
	if low < 2 {
		t.Error("want twice what popularity finds, surely")
	}
}

func recall(page []string, hidden map[string]bool) float64 {
	hits := 0
	for _, id := range page {
		if hidden[id] {
			hits++
		}
	}
	return float64(hits) / float64(len(hidden))
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// interval is the 95 % percentile bootstrap of the ratio of two means over the same
// listeners.
func interval(a, b []float64) (low, high float64) {
	const resamples = 1000
	rng := rand.New(rand.NewPCG(95, 95))
	ratios := make([]float64, resamples)
	for i := range ratios {
		var x, y float64
		for range a {
			at := rng.IntN(len(a))
			x, y = x+a[at], y+b[at]
		}
		ratios[i] = x / y
	}
	slices.Sort(ratios)
	return ratios[resamples*25/1000], ratios[resamples*975/1000]
}

// differs compares the pages of listeners whose main scenes differ, two by two.
//
// Measured: of twenty tracks 0.30 are the same, and 8.4 are of the listener's main scene.
func (w *world) differs(t *testing.T) {
	const n = 60
	scene := w.mainScenes()
	users := slices.Sorted(maps.Keys(scene))
	rng := rand.New(rand.NewPCG(2, 2))
	pairs, shared, own := 0, 0, 0
	for pairs < n {
		a, b := users[rng.IntN(len(users))], users[rng.IntN(len(users))]
		if scene[a] == scene[b] {
			continue
		}
		pairs++
		pageOfB := w.page(t, b)
		for _, id := range w.page(t, a) {
			if slices.Contains(pageOfB, id) {
				shared++
			}
			ref, _ := w.Catalog.Lookup(id)
			if place, _ := w.Truth.Artist(w.Catalog.Track(ref.Index).Artist().ID()); place.Scene == scene[a] {
				own++
			}
		}
	}
	t.Logf("pairs %d: of 20 tracks %.2f are the same, %.2f are of the listener's main scene", pairs, float64(shared)/float64(pairs), float64(own)/float64(pairs))
	if float64(shared)/float64(pairs) > 2 || float64(own)/float64(pairs) < 6 {
		t.Error("pages are too much alike, or not the listener's")
	}
}

// mainScenes returns the scene that a listener plays most, for those with ten plays or more.
func (w *world) mainScenes() map[string]int {
	counts := map[string]map[int]int{}
	for _, p := range w.Plays {
		place, _ := w.Truth.Artist(w.Catalog.Artist(w.Artist(p)).ID())
		if counts[p.User] == nil {
			counts[p.User] = map[int]int{}
		}
		counts[p.User][place.Scene]++
	}
	out := map[string]int{}
	for user, scenes := range counts {
		best, total := -1, 0
		for _, s := range slices.Sorted(maps.Keys(scenes)) {
			if total += scenes[s]; best < 0 || scenes[s] > scenes[best] {
				best = s
			}
		}
		if total >= 10 {
			out[user] = best
		}
	}
	return out
}
