package taste

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
	// Likes returns how much a listener should like artists, 0 to 1, and what was played
	// already, by id. Of a listener that nobody knows it returns nothing.
	Likes(listener string) (artists map[int]float64, played map[string]bool)
	// Invented reports whether the listeners are synthetic, which reasons have to say.
	Invented() bool
}

// Nobody is a Listening that knows nothing.
type Nobody struct{}

// Companions implements [Listening].
func (Nobody) Companions(int) []Companion { return nil }

// Likes implements [Listening].
func (Nobody) Likes(string) (map[int]float64, map[string]bool) { return nil, nil }

// Invented implements [Listening].
func (Nobody) Invented() bool { return false }
