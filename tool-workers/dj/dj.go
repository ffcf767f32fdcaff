// Package dj mixes: a dozen tracks for a wish, each flowing from the one before, with a few
// words to open.
//
// The words are templates over what is in the mix. The same call gives the same mix,
// unless a language model hosts it; see package host.
package dj

import (
	"context"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/dj/host"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Params are the parameters of dj.
type Params struct{ taste.WishParams }

// New returns dj, which plays what f finds. A nil host plays every mix plain.
func New(f *taste.Finder, h *host.Host) (tools.Tool, error) {
	return tools.Typed("dj", tools.Spec{
		Version: "2.0.0", For: "one mix of a dozen tracks that flow, with a spoken introduction",
		Example:  tools.Example{Query: "jazz for dinner", Params: schemas.Params{"genre": "jazz", "activity": "dinner"}},
		Personal: true, Text: true, CacheFor: time.Minute, Adapts: h != nil, Results: []schemas.ItemType{catalog.TypeTrack},
	}, mixer{f, h}.run)
}

type mixer struct {
	finder *taste.Finder
	host   *host.Host
}

// crate is how many tracks the mix is chosen from, for each that is played.
const crate = 4

// run gives no mix for a wish that fewer than three tracks fit.
func (t mixer) run(ctx context.Context, call tools.Call[Params]) (tools.Result, error) {
	w := t.finder.Wish(call.Params.WishParams)
	picks := t.finder.Music(w, []schemas.ItemType{catalog.TypeTrack}, t.finder.Profile(call.User), crate*call.Limit)
	const aMix = 3
	if len(picks) < aMix {
		return tools.Result{}, nil
	}
	items := t.finder.Items(t.flow(picks, call.Limit))
	for i := range items { // the order is the score
		items[i].Score = 1 / float64(i+1)
	}
	return t.host.Play(ctx, host.Set{
		Query: call.Query, Crate: t.finder.Items(picks), Plain: items,
		Intro: func(mix []schemas.Item) string { return t.intro(call.Query, w, mix) },
	}), nil
}

// flow orders the best picks so that each artist is close to the one before, and none
// comes twice in a row: a mix ends rather than that.
func (t mixer) flow(picks []taste.Pick, limit int) []taste.Pick {
	rest := slices.Clone(picks)
	best := rest[0].Score
	mix := rest[:0:0]
	for len(mix) < limit {
		next, nextScore := -1, 0.0
		near := t.around(mix, rest)
		for i, p := range rest {
			if len(mix) > 0 && t.share(mix[len(mix)-1], p) {
				continue
			}
			score := fitWeight*p.Score/best + flowWeight*near[p.Artist]
			if t.played(mix, p) {
				score /= 4
			}
			if next < 0 || score > nextScore {
				next, nextScore = i, score
			}
		}
		if next < 0 {
			break
		}
		mix = append(mix, rest[next])
		rest = slices.Delete(rest, next, next+1)
	}
	return mix
}

// How much it counts that a track fits the wish, and that it is close to the one before.
const (
	fitWeight  = 0.6
	flowWeight = 0.5
)

// around returns how close the artists of picks are to the last of the mix, 0 to 1.
func (t mixer) around(mix, picks []taste.Pick) map[int]float64 {
	if len(mix) == 0 {
		return nil
	}
	artists := make([]int, len(picks))
	for i, p := range picks {
		artists[i] = p.Artist
	}
	return t.finder.Likeness(mix[len(mix)-1].Artist, artists)
}

// played reports whether an artist of a track was on lately.
func (t mixer) played(mix []taste.Pick, p taste.Pick) bool {
	const lately = 6
	return slices.ContainsFunc(mix[max(0, len(mix)-lately):], func(before taste.Pick) bool { return t.share(before, p) })
}

// share reports whether two tracks are by the same artist, be it the main one or the one
// that they were found by.
func (t mixer) share(a, b taste.Pick) bool {
	mainA, mainB := t.main(a), t.main(b)
	return a.Artist == b.Artist || mainA == mainB || mainA == b.Artist || a.Artist == mainB
}

func (t mixer) main(p taste.Pick) int { return t.finder.Catalog().Track(p.Ref.Index).Artist().Index() }
