package taste

import "github.com/parallel-fusion/pfr/tool-workers/catalog"

// Companion is an artist that is played along with another.
type Companion struct {
	Artist int
	Score  float64 // 0 to 1
	Shared int     // listeners who play both
}

// Listening is what is known of listeners. It is safe for concurrent use, and what it
// returns is not changed.
type Listening interface {
	// Companions returns the artists that are played along with one, the closest first.
	Companions(artist int) []Companion
	// Listener returns what is known of one, by id; false when that is nothing.
	Listener(id string) (Listener, bool)
	// Invented reports whether the listeners are synthetic, which reasons have to say.
	Invented() bool
}

// Listener is what is expected of one who is known: how much they should like artists,
// tracks and shows, 0 to 1, and what they played already.
type Listener struct {
	Artists, Tracks, Shows map[int]float64
	Played                 map[catalog.Ref]bool
}

// Nobody is a Listening that knows nothing.
type Nobody struct{}

// Companions implements [Listening].
func (Nobody) Companions(int) []Companion { return nil }

// Listener implements [Listening].
func (Nobody) Listener(string) (Listener, bool) { return Listener{}, false }

// Invented implements [Listening].
func (Nobody) Invented() bool { return false }
