package catalog

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
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
func syntheticEpisodes(s ShowRow, asOf time.Time) []EpisodeRow {
	rng, titles := seeded(s.Title), episodeForms()
	gap := []int{1, 2, 7, 7, 14}[rng.IntN(5)] // days between episodes
	if strings.Contains(strings.ToLower(s.Title), "daily") {
		gap = 1
	}
	day := asOf.AddDate(0, 0, -rng.IntN(gap+1))
	number := episodesPerShow + rng.IntN(300)
	forms := rng.Perm(len(titles))
	episodes := make([]EpisodeRow, 0, episodesPerShow)
	for i := range episodesPerShow {
		topic := s.Topics[i%len(s.Topics)]
		episodes = append(episodes, EpisodeRow{
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
	artists := c.Count(TypeArtist)
	if artists == 0 {
		return nil
	}
	rng := seeded(c.Version)
	neighbours := c.neighbours()
	out := make([]Listener, n)
	for i := range out {
		out[i] = Listener{ID: fmt.Sprintf("synthetic-%d", i), Plays: map[int]int{}}
		artist := rng.IntN(artists)
		for range 30 {
			c.play(rng, out[i].Plays, artist)
			if near := neighbours[artist]; len(near) > 0 && rng.Float64() < 0.6 {
				artist = near[rng.IntN(len(near))]
			}
			if rng.Float64() < 0.08 { // wander off, rather to the popular than not
				artist = min(rng.IntN(artists), rng.IntN(artists))
			}
		}
	}
	return out
}

func (c *Catalog) play(rng *rand.Rand, plays map[int]int, artist int) {
	albums := c.Artist(artist).Albums()
	if len(albums) == 0 {
		return
	}
	tracks := c.Album(int(albums[rng.IntN(len(albums))])).Tracks()
	if len(tracks) > 0 {
		plays[int(tracks[min(rng.IntN(len(tracks)), rng.IntN(len(tracks)))])]++
	}
}

// neighbours returns, for each artist, the artists of the catalogue that it is likened to.
func (c *Catalog) neighbours() [][]int {
	out := make([][]int, c.Count(TypeArtist))
	for a := range c.Artists() {
		for _, name := range a.Like() {
			if other, ok := c.t.artistNames.exact(Fold(name)); ok && other != a.i {
				out[a.i] = append(out[a.i], other)
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
