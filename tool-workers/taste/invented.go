package taste

import (
	"cmp"
	"math"
	"slices"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// How many listeners are invented, and how many companions an artist keeps.
const (
	inventedListeners = 1500
	maxCompanions     = 40
)

// Invented is the Listening of the synthetic listeners of a catalogue, which stand in for
// real ones in the sample.
type Invented struct {
	companions [][]Companion
}

// NewInvented returns what the synthetic listeners of c do.
func NewInvented(c *catalog.Catalog) *Invented {
	together, audience := make([]map[int]int, c.Count(catalog.TypeArtist)), make([]int, c.Count(catalog.TypeArtist))
	for _, l := range c.Listeners(inventedListeners) {
		heard := artistsOf(c, l)
		for _, a := range heard {
			audience[a]++
			if together[a] == nil {
				together[a] = map[int]int{}
			}
			for _, b := range heard {
				together[a][b]++
			}
		}
	}
	l := &Invented{make([][]Companion, len(together))}
	for a, counts := range together {
		for b, n := range counts {
			if a != b && n > 1 { // once is an accident
				l.companions[a] = append(l.companions[a], Companion{b, float64(n) / math.Sqrt(float64(audience[a]*audience[b])), n})
			}
		}
		slices.SortFunc(l.companions[a], func(x, y Companion) int {
			return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Artist, y.Artist))
		})
		l.companions[a] = l.companions[a][:min(len(l.companions[a]), maxCompanions)]
	}
	return l
}

// artistsOf returns the artists that a listener played, each once.
func artistsOf(c *catalog.Catalog, l catalog.Listener) []int {
	var heard []int
	for track := range l.Plays {
		heard = append(heard, c.Track(track).Artist().Index())
	}
	slices.Sort(heard)
	return slices.Compact(heard)
}

// Companions implements [Listening].
func (l *Invented) Companions(artist int) []Companion { return l.companions[artist] }

// Listener implements [Listening]. Nobody who asks is one of the synthetic listeners.
func (*Invented) Listener(string) (Listener, bool) { return Listener{}, false }

// Invented implements [Listening].
func (*Invented) Invented() bool { return true }
