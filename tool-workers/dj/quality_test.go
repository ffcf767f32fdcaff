package dj_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

type world struct {
	*invented.World
	finder *taste.Finder
	tool   tools.Tool
}

// TestQuality judges mixes in a world that the tool was not tuned on.
//
// Measured over 300 wishes: all tracks fit or say what was overlooked, no artist comes twice
// in a row, the words name nobody else, and neighbours are 1.30 times as close as in a random
// order of the same tracks, which are close already. The threshold leaves a margin of 0.15.
func TestQuality(t *testing.T) {
	const n = 300
	w := &world{World: invented.New(t, invented.Tracks, invented.Listeners)}
	w.finder = w.Finder(t, w.Learn(t, nil))
	var err error
	if w.tool, err = dj.New(w.finder, nil); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	mixes, tracks, owned, short := 0, 0, 0, 0
	var near, shuffled float64
	for range n {
		p := w.wish(rng)
		r := tooltest.Run(t, w.tool, tooltest.Call{Query: "a mix", Params: p, Limit: 12})
		if len(r.Items) < 12 {
			short++
		}
		if len(r.Items) == 0 {
			continue
		}
		mixes, tracks, owned = mixes+1, tracks+len(r.Items), owned+w.fits(t, p, r.Items)
		w.noneTwice(t, p, r.Items)
		w.namesNobodyElse(t, p, r)
		near, shuffled = near+w.closeness(r.Items), shuffled+w.inAnyOrder(rng, r.Items)
	}
	ratio := near / shuffled
	t.Logf("wishes %d, mixes %d (%d of them under 12 tracks), tracks %d, of which %d say what was overlooked; neighbours %.3f, in a random order %.3f, ratio %.2f",
		n, mixes, short, tracks, owned, near/float64(mixes), shuffled/float64(mixes), ratio)
	if ratio < 1.15 || mixes < n*8/10 {
		t.Error("want neighbours that are clearly closer than in a random order")
	}
}

// wish draws what somebody may ask for, from what an artist of the catalogue is: wishes that
// more than one scene fits, so that an order matters.
func (w *world) wish(rng *rand.Rand) schemas.Params {
	a := w.Catalog.Artist(rng.IntN(w.Catalog.Count(catalog.TypeArtist)))
	p := schemas.Params{}
	switch rng.IntN(4) {
	case 0:
		p["genre"] = a.Genres()[len(a.Genres())-1]
	case 1:
		p["mood"] = a.Moods()[0]
	case 2:
		p["genre"], p["mood"] = a.Genres()[0], a.Moods()[len(a.Moods())-1]
	default:
		p["artist"] = a.Name()
	}
	if rng.IntN(3) == 0 {
		from := 1970 + 10*rng.IntN(6)
		p["era_from"], p["era_to"] = from, from+9
	}
	return p
}

// fits checks each track against the wish and returns how many say what was overlooked.
func (w *world) fits(t *testing.T, p schemas.Params, items []schemas.Item) (owned int) {
	t.Helper()
	tree := w.finder.Taxonomy().Genres
	for _, item := range items {
		track := w.track(item)
		said := func(s string) bool {
			if strings.Contains(item.Why, s) {
				owned++
				return true
			}
			return false
		}
		who := w.credited(track)
		if genre, ok := p["genre"].(string); ok && !slices.ContainsFunc(who, func(a catalog.Artist) bool {
			return slices.ContainsFunc(a.Genres(), func(g string) bool { _, in := tree.Distance(tree.Term(genre), tree.Term(g)); return in })
		}) && !said("near "+genre) {
			t.Errorf("%v: %s is %v: %q", p, item.ID, track.Genres(), item.Why)
		}
		if mood, ok := p["mood"].(string); ok && !slices.ContainsFunc(who, func(a catalog.Artist) bool { return slices.Contains(a.Moods(), mood) }) && !said("not quite "+mood) {
			t.Errorf("%v: %s is not %s: %q", p, item.ID, mood, item.Why)
		}
		year := track.Released().Year()
		if from, ok := p["era_from"].(int); ok && (year < from || year > from+9) && !said(fmt.Sprintf("not from the %ds", from)) {
			t.Errorf("%v: %s is from %d: %q", p, item.ID, year, item.Why)
		}
	}
	return owned
}

func (w *world) track(item schemas.Item) catalog.Track {
	ref, _ := w.Catalog.Lookup(item.ID)
	return w.Catalog.Track(ref.Index)
}

// credited returns the artists of a track; the others of a joint credit by name.
func (w *world) credited(track catalog.Track) []catalog.Artist {
	out, names := []catalog.Artist{track.Artist()}, track.ArtistNames()[1:]
	for a := range w.Catalog.Artists() {
		if len(names) > 0 && slices.Contains(names, a.Name()) {
			out = append(out, a)
		}
	}
	return out
}

func (w *world) noneTwice(t *testing.T, p schemas.Params, items []schemas.Item) {
	t.Helper()
	for i := range items[1:] {
		if a := w.track(items[i]).Artist(); a == w.track(items[i+1]).Artist() {
			t.Errorf("%v: %s comes twice in a row", p, a.Name())
		}
	}
}

// namesNobodyElse looks in the introduction for artists who are not in the mix. A name of
// one word may be part of a title.
func (w *world) namesNobodyElse(t *testing.T, p schemas.Params, r tools.Result) {
	t.Helper()
	text := r.Text
	if name, ok := p["artist"].(string); ok {
		text = strings.ReplaceAll(text, name, "")
	}
	for _, item := range r.Items {
		text = strings.ReplaceAll(text, item.Title, "")
		for _, name := range item.Artists {
			text = strings.ReplaceAll(text, name, "")
		}
	}
	for a := range w.Catalog.Artists() {
		if strings.Contains(a.Name(), " ") && strings.Contains(text, a.Name()) {
			t.Errorf("%v: %q names %s", p, r.Text, a.Name())
		}
	}
	if first := r.Items[0]; !strings.Contains(r.Text, first.Title) {
		t.Errorf("%v: %q does not name %q, which opens", p, r.Text, first.Title)
	}
}

// closeness is the mean over neighbours of the share of their genres that is the same, and
// one more where they are of the same circle of taste.
func (w *world) closeness(items []schemas.Item) float64 {
	sum := 0.0
	for i := range items[1:] {
		a, b := w.track(items[i]).Artist(), w.track(items[i+1]).Artist()
		same := 0
		for _, g := range a.Genres() {
			if slices.Contains(b.Genres(), g) {
				same++
			}
		}
		sum += float64(same) / float64(len(a.Genres())+len(b.Genres())-same)
		placeA, _ := w.Truth.Artist(a.ID())
		if placeB, _ := w.Truth.Artist(b.ID()); placeA == placeB && a != b {
			sum++
		}
	}
	return sum / float64(max(1, len(items)-1))
}

// inAnyOrder is the mean closeness of random orders of the same tracks.
func (w *world) inAnyOrder(rng *rand.Rand, items []schemas.Item) float64 {
	const orders = 20
	items, sum := slices.Clone(items), 0.0
	for range orders {
		rng.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		sum += w.closeness(items)
	}
	return sum / orders
}
