package app

import (
	"maps"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taxonomy"
)

// kinds knows the genres and topics of the taxonomy. It implements [rules.Genres].
type kinds struct{ trees []*taxonomy.Tree }

func newKinds() (kinds, error) {
	t, err := taxonomy.Load()
	if err != nil {
		return kinds{}, err
	}
	return kinds{[]*taxonomy.Tree{t.Genres, t.Topics}}, nil
}

// Within reports whether a genre or topic is another or lies below it. What the taxonomy
// does not know is within itself alone.
func (k kinds) Within(genre, ancestor string) bool {
	if testset.Normalise(genre) == testset.Normalise(ancestor) {
		return true
	}
	for _, t := range k.trees {
		if term := t.Term(genre); term != "" {
			if _, ok := t.Distance(t.Term(ancestor), term); ok {
				return true
			}
		}
	}
	return false
}

// TestNames is what test sets take from a catalogue: names to fill wordings with, and the
// taking of names out of queries. It implements [testset.Names] and [testset.Masker].
type TestNames struct {
	*student.Masker
	c     *catalog.Catalog
	slots map[testset.Slot][]testset.Named
}

// NewTestNames returns what the catalogue in dir knows, "" for the sample.
func NewTestNames(dir string) (*TestNames, error) {
	cfg := DefaultConfig().Tools
	cfg.Catalog = dir
	known, err := newKnowledge(cfg)
	if err != nil {
		return nil, err
	}
	c, err := known.catalog()
	if err != nil {
		return nil, err
	}
	m, err := student.NewMasker(gazetteer(c))
	if err != nil {
		return nil, err
	}
	n := &TestNames{Masker: m, c: c, slots: map[testset.Slot][]testset.Named{}}
	n.addMusic()
	n.addShows()
	return n, nil
}

// Names implements [testset.Names].
func (n *TestNames) Names(s testset.Slot) []testset.Named { return n.slots[s] }

// AsOf implements [testset.Names].
func (n *TestNames) AsOf() string { return n.c.AsOf.Format(time.DateOnly) }

const (
	// freshFor is how long ago the newest release of an artist may be for a query after it.
	freshFor = 104
	// freshGenre is how many releases of half a year a genre must have for one after what is
	// new in it, and fullGenre how many artists to be asked for at all: with fewer no page
	// could serve it.
	freshGenre, fullGenre = 8, 5
	halfAYear             = 26
	week                  = 7 * 24 * time.Hour
)

func (n *TestNames) add(s testset.Slot, one testset.Named) { n.slots[s] = append(n.slots[s], one) }

func (n *TestNames) addMusic() {
	newest, fresh := n.newest()
	inGenre := map[string]int{}
	for r := range famous(n.c, catalog.TypeArtist, maxArtistNames) {
		a := n.c.Artist(r.Index)
		one := testset.Named{Name: a.Name(), Genres: a.Genres(), Popularity: a.Popularity()}
		n.add(testset.SlotArtist, one)
		for _, g := range one.Genres {
			inGenre[g]++
		}
		if weeks, ok := newest[a.Name()]; ok && weeks <= freshFor {
			one.Weeks = weeks
			n.add(testset.SlotFresh, one)
		}
	}
	for _, g := range slices.Sorted(maps.Keys(inGenre)) {
		if inGenre[g] >= fullGenre {
			n.add(testset.SlotGenre, testset.Named{Name: g, Popularity: min(100, inGenre[g])})
		}
		if fresh[g] >= freshGenre {
			n.add(testset.SlotFreshGenre, testset.Named{Name: g, Popularity: min(100, fresh[g])})
		}
	}
	n.addTitles(catalog.TypeAlbum, testset.SlotAlbum)
	n.addTitles(catalog.TypeTrack, testset.SlotTrack)
	n.addTitles(catalog.TypePlaylist, testset.SlotPlaylist)
}

// newest returns how many weeks ago the newest release of each artist came out, rounded up,
// and how many releases of the last half year there are by genre.
func (n *TestNames) newest() (weeks, fresh map[string]int) {
	weeks, fresh = map[string]int{}, map[string]int{}
	for a := range n.c.NewestAlbums() {
		day := a.Released().Time()
		if day.IsZero() || day.After(n.c.AsOf) {
			continue
		}
		ago := int(n.c.AsOf.Sub(day)/week) + 1
		for _, name := range a.ArtistNames() {
			if _, known := weeks[name]; !known {
				weeks[name] = ago
			}
		}
		if ago <= halfAYear {
			for _, g := range a.Genres() {
				fresh[g]++
			}
		}
	}
	return weeks, fresh
}

// addTitles adds the most popular entries of a type.
func (n *TestNames) addTitles(t schemas.ItemType, s testset.Slot) {
	for r := range famous(n.c, t, maxOtherNames) {
		item := n.c.Item(r)
		one := testset.Named{Name: item.Title, Popularity: n.popularity(r)}
		if len(item.Artists) > 0 {
			one.By = item.Artists[0]
		}
		n.add(s, one)
	}
}

func (n *TestNames) popularity(r catalog.Ref) int {
	switch r.Type {
	case catalog.TypeAlbum:
		return n.c.Album(r.Index).Popularity()
	case catalog.TypeTrack:
		return n.c.Track(r.Index).Popularity()
	default:
		return n.c.Playlist(r.Index).Popularity()
	}
}

func (n *TestNames) addShows() {
	topics := map[string]int{}
	for r := range famous(n.c, catalog.TypeShow, maxOtherNames) {
		s := n.c.Show(r.Index)
		n.add(testset.SlotShow, testset.Named{Name: s.Title(), Genres: s.Topics(), Popularity: s.Popularity()})
		for _, t := range s.Topics() {
			topics[t]++
		}
	}
	for _, t := range slices.Sorted(maps.Keys(topics)) {
		if topics[t] >= fullGenre {
			n.add(testset.SlotTopic, testset.Named{Name: t, Popularity: min(100, topics[t])})
		}
	}
}
