package recommend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Synthetic describes generated listeners with a known structure, for tests and benchmarks.
//
// Items lie in genres and, within them, in a space of taste. Their popularity follows
// Zipf's law. A user has a mixture of a few genres and a place in the space. A draw picks a
// genre of the user, then an item of the genre by its popularity, and accepts it with a
// probability that falls with the distance of their places; with probability Noise it is
// any item by its popularity. Draws are without replacement.
type Synthetic struct {
	Users, Items int
	PerUser      int     // median number of items of a user; lognormal around it
	Genres       int     // at least 1
	Zipf         float64 // exponent of popularity, 0.6 to 1.1 in practice
	Sharpness    float64 // how fast acceptance falls with distance; 0: genres alone count
	Noise        float64 // share of draws that ignore taste, 0 to 1
	Binary       bool    // weights are 1; else play counts with a heavy tail
	Seed         uint64
}

// places is the dimension of the space of taste.
const places = 6

// maxTries bounds the draws for one item of a user.
const maxTries = 60

// Validate reports every field that makes no sense.
func (s Synthetic) Validate() error {
	if s.Users < 1 || s.Items < 1 || s.PerUser < 1 || s.Genres < 1 {
		return fmt.Errorf("users %d, items %d, per user %d, genres %d: each must be at least 1", s.Users, s.Items, s.PerUser, s.Genres)
	}
	if s.Noise < 0 || s.Noise > 1 || s.Zipf < 0 || s.Sharpness < 0 {
		return fmt.Errorf("noise %v, zipf %v, sharpness %v: out of range", s.Noise, s.Zipf, s.Sharpness)
	}
	return nil
}

// place is a point in the space of taste.
type place [places]float64

func newPlace(rng *rand.Rand) (p place) {
	for i := range p {
		p[i] = rng.NormFloat64()
	}
	return p
}

func (p place) distance(q place) float64 {
	d := 0.0
	for i := range p {
		d += (p[i] - q[i]) * (p[i] - q[i])
	}
	return d
}

// world is the items of a Synthetic.
type world struct {
	at    []place
	shelf []shelf // per genre
	all   shelf
}

// shelf is items with their cumulative popularity.
type shelf struct {
	items []int
	cum   []float64
}

func (s *shelf) put(item int, popularity float64) {
	if len(s.cum) > 0 {
		popularity += s.cum[len(s.cum)-1]
	}
	s.items, s.cum = append(s.items, item), append(s.cum, popularity)
}

func (s *shelf) draw(rng *rand.Rand) int {
	k, _ := slices.BinarySearch(s.cum, rng.Float64()*s.cum[len(s.cum)-1])
	return s.items[min(k, len(s.items)-1)]
}

// Generate returns the interactions that s describes, the same for the same s. It returns
// the genre of each item too, by item index. Items nobody drew are in neither.
func (s Synthetic) Generate() (*Interactions, []int, error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	rng := rand.New(rand.NewPCG(s.Seed, 0x9e3779b97f4a7c15))
	w, genre := s.world(rng)
	b := NewBuilder()
	for u := range s.Users {
		s.user(b, "u"+strconv.Itoa(u), w, rng)
	}
	x := b.Build()
	of := make([]int, x.Items())
	for i := range of {
		n, err := strconv.Atoi(x.Item(i)[1:])
		if err != nil {
			return nil, nil, fmt.Errorf("item %q: %w", x.Item(i), err)
		}
		of[i] = genre[n]
	}
	return x, of, nil
}

// world places the items. One item in five is in a second genre as well.
func (s Synthetic) world(rng *rand.Rand) (*world, []int) {
	w := &world{shelf: make([]shelf, s.Genres)}
	genre := make([]int, s.Items)
	for i := range s.Items {
		pop := math.Pow(float64(i+1), -s.Zipf)
		genre[i] = rng.IntN(s.Genres)
		w.at = append(w.at, newPlace(rng))
		w.all.put(i, pop)
		w.shelf[genre[i]].put(i, pop)
		if other := rng.IntN(5 * s.Genres); other < s.Genres && other != genre[i] {
			w.shelf[other].put(i, pop)
		}
	}
	return w, genre
}

func (s Synthetic) user(b *Builder, key string, w *world, rng *rand.Rand) {
	var likes [4]int // a genre may come twice: mixtures are uneven
	for i := range likes {
		likes[i] = rng.IntN(s.Genres)
	}
	me := newPlace(rng)
	n := max(1, min(int(float64(s.PerUser)*math.Exp(0.5*rng.NormFloat64())), s.Items/2))
	activity := math.Exp(1.2 * rng.NormFloat64())
	seen := make(map[int]bool, n)
	for range n {
		item, ok := s.pick(w, likes[min(rng.IntN(6), 3)], me, rng)
		if !ok || seen[item] {
			continue
		}
		seen[item] = true
		plays := 1.0
		if !s.Binary {
			closeness := math.Exp(-s.Sharpness * w.at[item].distance(me) / 4)
			plays = math.Ceil(20 * activity * (0.3 + closeness) * math.Exp(1.3*rng.NormFloat64()))
		}
		b.put(key, "i"+strconv.Itoa(item), cell{weight: float32(plays)})
	}
}

// pick draws one item. ok is false when no draw was accepted.
func (s Synthetic) pick(w *world, genre int, me place, rng *rand.Rand) (item int, ok bool) {
	if rng.Float64() < s.Noise || len(w.shelf[genre].items) == 0 {
		return w.all.draw(rng), true
	}
	for range maxTries {
		item = w.shelf[genre].draw(rng)
		if rng.Float64() < math.Exp(-s.Sharpness*w.at[item].distance(me)/2) {
			return item, true
		}
	}
	return 0, false
}
