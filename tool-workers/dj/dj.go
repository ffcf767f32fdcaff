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
		Personal: true, Text: true, CacheFor: time.Minute, Results: []schemas.ItemType{catalog.TypeTrack},
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
	text, items := t.host.Play(ctx, host.Set{
		Query: call.Query, Crate: t.finder.Items(picks), Plain: items,
		Intro: func(mix []schemas.Item) string { return t.intro(call.Query, w, mix) },
	})
	return tools.Result{Text: text, Items: items}, nil
}

// flow orders the best picks so that each artist is close to the one before, and none
// comes twice in a row.
func (t mixer) flow(picks []taste.Pick, limit int) []taste.Pick {
	rest := slices.Clone(picks)
	best := rest[0].Score
	mix := rest[:0:0]
	for len(mix) < limit && len(rest) > 0 {
		next, nextScore := 0, -1.0
		near := t.around(mix)
		for i, p := range rest {
			score := 0.6*p.Score/best + 0.5*near[p.Artist]
			if played(mix, p.Artist) {
				score /= 4
			}
			if score > nextScore {
				next, nextScore = i, score
			}
		}
		mix = append(mix, rest[next])
		rest = slices.Delete(rest, next, next+1)
	}
	return mix
}

// around returns how close artists are to the last of the mix.
func (t mixer) around(mix []taste.Pick) map[int]float64 {
	const reach = 60
	near := map[int]float64{}
	if len(mix) == 0 {
		return near
	}
	for _, n := range t.finder.Similar(mix[len(mix)-1].Artist, reach) {
		near[n.Artist] = min(n.Score, 1)
	}
	return near
}

// played reports whether an artist was on lately.
func played(mix []taste.Pick, artist int) bool {
	const lately = 6
	return slices.ContainsFunc(mix[max(0, len(mix)-lately):], func(p taste.Pick) bool { return p.Artist == artist })
}
