package generate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Interaction takes what a user did with an item, given by its id: how often, and when
// last. Its error ends the generation.
type Interaction func(user, item string, weight float64, at time.Time) error

// circles is how many circles of taste a scene has: artists that are heard together beyond
// what their scene explains.
const circles = 6

// Listeners invents users of the catalogue that [Catalogue] makes of the same sizes and
// seed, and tells what tracks they play. A user has one to three scenes, in each a circle
// or two of artists, and plays what is popular there rather what is at the top.
func Listeners(to Interaction, sizes Sizes, users int, seed uint64) error {
	w, err := sizes.world(seed)
	if err != nil {
		return err
	}
	for u := range users {
		if err := w.listener(u, to); err != nil {
			return fmt.Errorf("listener %d: %w", u, err)
		}
	}
	return nil
}

// taste is what one user likes of a scene.
type taste struct {
	scene   int
	circles [2]int
}

func (w *world) listener(u int, to Interaction) error {
	rng := w.rng(streamUser, uint64(u))
	tastes := w.tastes(rng)
	// Half of the users have fewer than 25 tracks, one in a hundred more than 200.
	n := min(1000, max(3, int(math.Exp(3.2+0.9*rng.NormFloat64()))))
	user, seen := fmt.Sprintf("user-%d", u), map[[2]int]bool{}
	for range n {
		artist := w.liked(rng, tastes[min(rng.IntN(len(tastes)), rng.IntN(len(tastes)))])
		if w.tracks[artist] == 0 {
			continue
		}
		tracks := float64(w.tracks[artist])
		track := [2]int{artist, min(int(tracks)-1, int(math.Pow(tracks+1, rng.Float64()))-1)}
		if seen[track] {
			continue
		}
		seen[track] = true
		ago := time.Duration(rng.ExpFloat64() * 120 * 24 * float64(time.Hour))
		at := w.asOf.Add(-min(ago, 3*365*24*time.Hour)).Truncate(time.Second)
		plays := 1 + math.Floor(rng.ExpFloat64()*3)
		if err := to(user, "track:"+w.trackKey(artist, track[1]), plays, at); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) tastes(rng *rand.Rand) []taste {
	first := w.pattern[rng.IntN(len(w.pattern))]
	out := []taste{{first, [2]int{rng.IntN(circles), rng.IntN(circles)}}}
	for range rng.IntN(3) {
		next := w.pattern[rng.IntN(len(w.pattern))]
		if related := w.scenes[first].related; len(related) > 0 && rng.IntN(3) > 0 {
			next = pick(rng, related)
		}
		out = append(out, taste{next, [2]int{rng.IntN(circles), rng.IntN(circles)}})
	}
	return out
}

// liked draws an artist of a scene, four times out of five one of the user's circles.
func (w *world) liked(rng *rand.Rand, t taste) int {
	artist := w.draw(rng, t.scene)
	if rng.IntN(5) == 0 {
		return artist
	}
	for range 4 * circles {
		if c := circle(artist); c == t.circles[0] || c == t.circles[1] {
			break
		}
		artist = w.draw(rng, t.scene)
	}
	return artist
}

// circle returns the circle of an artist.
func circle(artist int) int { return int(uint32(artist) * 2654435761 >> 16 % circles) }
