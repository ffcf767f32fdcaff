package catalog

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// episodesPerShow is how many synthetic episodes a show of the sample gets.
const episodesPerShow = 8

// episodeForms returns titles of synthetic episodes. %s is a topic of the show.
func episodeForms() []string {
	return []string{
		"Where to begin with %s", "What changed in %s this month", "Your questions about %s", "A short history of %s",
		"The people behind %s", "Five things we got wrong about %s", "%s, step by step", "An hour on %s",
		"What nobody says about %s", "Notes from the field: %s", "%s for a long drive", "The year in %s",
	}
}

// syntheticEpisodes invents the newest episodes of a show, newest first. Equal shows get
// equal episodes.
func syntheticEpisodes(s Show, asOf time.Time) []Episode {
	rng, titles := seeded(s.Title), episodeForms()
	gap := []int{1, 2, 7, 7, 14}[rng.IntN(5)] // days between episodes
	if strings.Contains(strings.ToLower(s.Title), "daily") {
		gap = 1
	}
	day := asOf.AddDate(0, 0, -rng.IntN(gap+1))
	number := episodesPerShow + rng.IntN(300)
	forms := rng.Perm(len(titles))
	episodes := make([]Episode, 0, episodesPerShow)
	for i := range episodesPerShow {
		topic := s.Topics[i%len(s.Topics)]
		episodes = append(episodes, Episode{
			Title: fmt.Sprintf("#%d: ", number-i) + capital(fmt.Sprintf(titles[forms[i]], topic)), Number: number - i,
			Topic: topic, Released: Day(day), Synthetic: true,
		})
		day = day.AddDate(0, 0, -gap)
	}
	return episodes
}

// Listener is an invented person with a taste.
type Listener struct {
	ID    string
	Plays map[int]int // track → how often
}

// Listeners invents n people who listen around a favourite artist: its own tracks, those
// of artists it is likened to, and what is popular. Equal catalogues get equal listeners.
func (c *Catalog) Listeners(n int) []Listener {
	if len(c.Artists) == 0 {
		return nil
	}
	rng := seeded(c.Version)
	neighbours := c.Neighbours()
	out := make([]Listener, n)
	for i := range out {
		out[i] = Listener{ID: fmt.Sprintf("synthetic-%d", i), Plays: map[int]int{}}
		artist := rng.IntN(len(c.Artists))
		for range 30 {
			c.play(rng, out[i].Plays, artist)
			if near := neighbours[artist]; len(near) > 0 && rng.Float64() < 0.6 {
				artist = near[rng.IntN(len(near))]
			}
			if rng.Float64() < 0.08 { // wander off, rather to the popular than not
				artist = min(rng.IntN(len(c.Artists)), rng.IntN(len(c.Artists)))
			}
		}
	}
	return out
}

func (c *Catalog) play(rng *rand.Rand, plays map[int]int, artist int) {
	albums := c.Artists[artist].Albums
	if len(albums) == 0 {
		return
	}
	tracks := c.Albums[albums[rng.IntN(len(albums))]].Tracks
	if len(tracks) > 0 {
		plays[tracks[min(rng.IntN(len(tracks)), rng.IntN(len(tracks)))]]++
	}
}

// Companion is an artist that is played along with another.
type Companion struct {
	Artist int
	Score  float64 // cosine of the two audiences, 0 to 1
}

// companionListeners is how many synthetic listeners the companions come from, and
// maxCompanions how many of them an artist keeps.
const (
	companionListeners = 1500
	maxCompanions      = 40
)

// Companions returns, for each artist, those that the synthetic listeners play along with
// it, closest first. They are worked out at the first call. The caller must not change
// them.
func (c *Catalog) Companions() [][]Companion { return c.companions() }

func (c *Catalog) findCompanions() [][]Companion {
	together, audience := make([]map[int]int, len(c.Artists)), make([]int, len(c.Artists))
	for _, l := range c.Listeners(companionListeners) {
		heard := c.heardArtists(l)
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
	out := make([][]Companion, len(c.Artists))
	for a, counts := range together {
		for b, n := range counts {
			if a != b && n > 1 { // once is an accident
				out[a] = append(out[a], Companion{b, float64(n) / math.Sqrt(float64(audience[a]*audience[b]))})
			}
		}
		slices.SortFunc(out[a], func(x, y Companion) int {
			return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Artist, y.Artist))
		})
		out[a] = out[a][:min(len(out[a]), maxCompanions)]
	}
	return out
}

// heardArtists returns the artists that a listener played, each once.
func (c *Catalog) heardArtists(l Listener) []int {
	var heard []int
	for track := range l.Plays {
		heard = append(heard, c.Albums[c.Tracks[track].Album].Artist)
	}
	slices.Sort(heard)
	return slices.Compact(heard)
}

// Neighbours returns, for each artist, the artists of the catalogue that it is likened to.
func (c *Catalog) Neighbours() [][]int {
	out := make([][]int, len(c.Artists))
	for i, a := range c.Artists {
		for _, name := range a.Like {
			if j, ok := c.artists.exact[Fold(name)]; ok && j != i {
				out[i] = append(out[i], j)
			}
		}
	}
	return out
}

func seeded(s string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(s))
	return rand.New(rand.NewPCG(h.Sum64(), 0))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	if c := s[0]; c >= 'a' && c <= 'z' {
		return string(c-'a'+'A') + s[1:]
	}
	return s
}
