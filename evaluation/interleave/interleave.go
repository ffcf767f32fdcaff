// Package interleave compares two rankings of the same section by showing a mix of both to
// everybody, and counting whose items are clicked.
//
// A team is a ranking: the side A or B of the comparison. A pick is an item that a team put
// into the mix. Credit is the clicks on a team's picks. Every search is a comparison of its
// own, which needs a small fraction of the searches of an experiment with arms (Chapelle,
// Joachims, Radlinski and Yue, Large-Scale Validation and Analysis of Interleaved Search
// Evaluation, 2012), and says which ranking is preferred, not by how much a metric changes.
//
// The mix is team-draft interleaving (Radlinski, Kurup and Joachims, How Does Clickthrough
// Data Reflect Retrieval Quality?, 2008). It is for two rankings of one section. It is not for
// whole pages: items of a section belong together, and a draft over the page takes them apart
// and moves sections about, so that clicks follow the broken layout rather than the ranking
// (Chuklin, Schuth, Zhou and de Rijke, A Comparative Analysis of Interleaving Methods for
// Aggregated Search, 2015; Chuklin et al., Evaluating Aggregated Search Using Interleaving,
// 2013, who keep blocks together to mend it). Here the sections of a page keep their order and
// place, and each may be mixed by itself. What changes the sections themselves, a route or a
// layout, is compared by arms.
package interleave

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Team is who put an item into a mix.
type Team string

// The teams.
const (
	A       Team = "a"
	B       Team = "b"
	Neither Team = "" // the rest of the longer ranking, after the other one ended: no credit
)

// Pick is an item of a mix.
type Pick[ID comparable] struct {
	ID   ID   `json:"id"`
	Team Team `json:"team,omitempty"`
}

// Seed is what the coins of a mix are thrown with. The same values give the same mix
// everywhere and always, so that it can be rebuilt from a stored page.
type Seed struct {
	Comparison    string // name: two comparisons of one search throw different coins
	CorrelationID string
	Section       string
}

// coins returns a source of coins. The parts are kept apart by their lengths.
func (s Seed) coins() *rand.PCG {
	h := sha256.New()
	for _, part := range []string{s.Comparison, s.CorrelationID, s.Section} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	sum := h.Sum(nil)
	return rand.NewPCG(binary.BigEndian.Uint64(sum), binary.BigEndian.Uint64(sum[8:]))
}

// Mix returns the first n items of the draft of two rankings: in each round both teams pick
// the best of their own items that is not there yet, and a coin says who picks first. Where
// one ranking has nothing left, the rest of the other follows without a team, as there was
// nothing to draft against. No item comes twice, even if a ranking repeats one; a mix of fewer
// items is the beginning of a mix of more. It keeps no reference to a and b.
func Mix[ID comparable](a, b []ID, n int, seed Seed) []Pick[ID] {
	coins := seed.coins()
	d := draft[ID]{taken: map[ID]bool{}, n: n}
	for len(d.mix) < n {
		first, second := side[ID]{A, &a}, side[ID]{B, &b}
		if coins.Uint64()>>63 == 1 {
			first, second = second, first
		}
		if !d.left(first) || !d.left(second) {
			break
		}
		d.pick(first)
		if d.left(second) {
			d.pick(second)
		}
	}
	for _, rest := range []side[ID]{{Neither, &a}, {Neither, &b}} {
		for d.left(rest) {
			d.pick(rest)
		}
	}
	return d.mix
}

// side is a team and what is left of its ranking.
type side[ID comparable] struct {
	team Team
	left *[]ID
}

type draft[ID comparable] struct {
	mix   []Pick[ID]
	taken map[ID]bool
	n     int
}

// left drops what is taken from the head of a ranking, and says whether there is something
// to pick and room for it.
func (d *draft[ID]) left(s side[ID]) bool {
	for len(*s.left) > 0 && d.taken[(*s.left)[0]] {
		*s.left = (*s.left)[1:]
	}
	return len(*s.left) > 0 && len(d.mix) < d.n
}

func (d *draft[ID]) pick(s side[ID]) {
	id := (*s.left)[0]
	d.taken[id] = true
	d.mix = append(d.mix, Pick[ID]{ID: id, Team: s.team})
}

// Credit is clicks on picks of each team.
type Credit struct {
	A int64 `json:"a"`
	B int64 `json:"b"`
}

// CreditOf credits clicked items to the teams that picked them. An item counts once however
// often it is clicked; one that is not in the mix or has no team counts for nobody.
func CreditOf[ID comparable](mix []Pick[ID], clicked []ID) Credit {
	was := make(map[ID]bool, len(clicked))
	for _, id := range clicked {
		was[id] = true
	}
	var c Credit
	for _, p := range mix {
		switch {
		case !was[p.ID]:
		case p.Team == A:
			c.A++
		case p.Team == B:
			c.B++
		}
	}
	return c
}

// Plus returns the credits of both, as of two searches of one client.
func (c Credit) Plus(o Credit) Credit { return Credit{c.A + o.A, c.B + o.B} }
