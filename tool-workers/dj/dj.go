// Package dj mixes: a dozen tracks for a wish, each flowing from the one before, with a few
// words to open.
//
// The words are templates over what is in the mix. The same call gives the same mix.
package dj

import (
	"context"
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Tool is dj.
type Tool struct{ finder *taste.Finder }

// New returns the tool, which finds what f finds.
func New(f *taste.Finder) (*Tool, error) { return &Tool{f}, nil }

// Name implements [tools.Tool].
func (*Tool) Name() string { return "dj" }

// crate is how many tracks the mix is chosen from, for each that is played.
const crate = 4

// Run implements [tools.Tool]. A wish that fewer than three tracks fit gets no mix.
func (t *Tool) Run(_ context.Context, req schemas.ToolRequest) (tools.Result, error) {
	w := t.finder.Wish(req.Params)
	picks := t.finder.Music(w, []schemas.ItemType{catalog.TypeTrack}, t.finder.Profile(req.User), crate*req.Limit)
	const aMix = 3
	if len(picks) < aMix {
		return tools.Result{}, nil
	}
	mix := t.flow(picks, req.Limit)
	items := t.finder.Items(mix)
	for i := range items { // the order is the score
		items[i].Score = 1 / float64(i+1)
	}
	return tools.Result{Text: t.intro(req, w, items), Items: items}, nil
}

// flow orders the best picks so that each artist is close to the one before, and none
// comes twice in a row.
func (t *Tool) flow(picks []taste.Pick, limit int) []taste.Pick {
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
func (t *Tool) around(mix []taste.Pick) map[int]float64 {
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
