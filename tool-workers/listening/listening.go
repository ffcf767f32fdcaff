// Package listening tells the tools what listeners do, from models that were trained on
// what they played.
//
// There is a model for each kind of item, a space: artists, tracks and shows. A play of a
// track counts in the space of tracks and in that of artists, one of an episode in that of
// shows, so that what is too rare to be learnt by itself counts for what it is part of.
package listening

import (
	"sync"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// spaces returns the kinds of items that have a model.
func spaces() []schemas.ItemType {
	return []schemas.ItemType{catalog.TypeArtist, catalog.TypeTrack, catalog.TypeShow}
}

// How many companions an artist has, and how much of a kind a listener should like.
const (
	maxCompanions = 60
	maxLikes      = 200
)

// Listening is what the models of a catalogue say. It implements [taste.Listening].
type Listening struct {
	c        *catalog.Catalog
	bundle   recommend.Bundle
	invented bool
	entries  map[schemas.ItemType]entries
	content  func() *recommend.Content // of the items of the artists' model; made when it is first asked
}

// entries are the entries of the catalogue that the items of a model are, and the other way
// round; -1 for none.
type entries struct{ entry, item []int32 }

// New returns what the models of a bundle say of the entries of c. invented says that the
// listeners are synthetic.
func New(c *catalog.Catalog, bundle recommend.Bundle, invented bool) *Listening {
	l := &Listening{c: c, bundle: bundle, invented: invented, entries: map[schemas.ItemType]entries{}}
	for _, s := range spaces() {
		m, ok := bundle[string(s)]
		if !ok {
			continue
		}
		e := entries{make([]int32, m.Items()), make([]int32, c.Count(s))}
		for i := range e.item {
			e.item[i] = -1
		}
		for i := range e.entry {
			e.entry[i] = -1
			if ref, ok := c.Lookup(m.Item(i)); ok {
				e.entry[i], e.item[ref.Index] = int32(ref.Index), int32(i)
			}
		}
		l.entries[s] = e
	}
	l.content = sync.OnceValue(l.newContent)
	return l
}

// Known returns how many entries of the catalogue the models know.
func (l *Listening) Known() int {
	n := 0
	for _, e := range l.entries {
		for _, i := range e.entry {
			if i >= 0 {
				n++
			}
		}
	}
	return n
}

// newContent describes the artists whose listeners are known by genres and tags.
func (l *Listening) newContent() *recommend.Content {
	m, e := l.bundle[string(catalog.TypeArtist)], l.entries[catalog.TypeArtist]
	described, listeners := make([]map[string]float64, m.Items()), make([]uint32, m.Items())
	for item, artist := range e.entry {
		if artist >= 0 {
			described[item], listeners[item] = l.describe(int(artist)), uint32(m.Listeners(item))
		}
	}
	return recommend.NewContent(described, listeners)
}

// describe weighs the words that describe an artist: the first genre most, tags least.
func (l *Listening) describe(artist int) map[string]float64 {
	words := map[string]float64{}
	a := l.c.Artist(artist)
	for _, tag := range a.Tags() {
		words[tag] = 0.5
	}
	for i, genre := range a.Genres() {
		words[genre] = 1 + 1/float64(1+i)
	}
	return words
}

// Companions implements [taste.Listening]. An artist without listeners has those companions
// whose genres and tags are most like its own, and shares nobody with them.
func (l *Listening) Companions(artist int) []taste.Companion {
	m, e := l.bundle[string(catalog.TypeArtist)], l.entries[catalog.TypeArtist]
	if m == nil {
		return nil
	}
	there := func(item int) bool { return e.entry[item] >= 0 }
	if e.item[artist] < 0 {
		return l.described(artist, there)
	}
	near := m.Similar(int(e.item[artist]), maxCompanions, there)
	out := make([]taste.Companion, len(near))
	for i, n := range near {
		out[i] = taste.Companion{Artist: int(e.entry[n.Item]), Score: float64(n.Score), Shared: n.Shared}
	}
	return out
}

// describedShare is what likeness by words counts for beside that by listeners.
const describedShare = 0.5

func (l *Listening) described(artist int, there func(int) bool) []taste.Companion {
	words := l.describe(artist)
	if len(words) == 0 {
		return nil
	}
	var out []taste.Companion
	for _, s := range l.content().ForTags(words, maxCompanions, there) {
		out = append(out, taste.Companion{Artist: int(l.entries[catalog.TypeArtist].entry[s.Item]), Score: describedShare * float64(s.Score)})
	}
	return out
}

// Listener implements [taste.Listening].
func (l *Listening) Listener(id string) (taste.Listener, bool) {
	out := taste.Listener{Played: map[catalog.Ref]bool{}}
	known := false
	for s, to := range map[schemas.ItemType]*map[int]float64{
		catalog.TypeArtist: &out.Artists, catalog.TypeTrack: &out.Tracks, catalog.TypeShow: &out.Shows,
	} {
		m, e := l.bundle[string(s)], l.entries[s]
		if m == nil {
			continue
		}
		user, ok := m.UserIndex(id)
		if !ok {
			continue
		}
		known = true
		*to = l.likes(m, e, user)
		for _, played := range m.History(user) {
			if i := e.entry[played.Item]; i >= 0 {
				out.Played[catalog.Ref{Type: s, Index: int(i)}] = true
			}
		}
	}
	return out, known
}

// likes returns how much a user should like items that were not played, 1 for the most.
func (l *Listening) likes(m *recommend.Model, e entries, user int) map[int]float64 {
	best, ok := m.ForUser(user, maxLikes, func(item int) bool { return e.entry[item] >= 0 })
	if !ok || len(best) == 0 || best[0].Score <= 0 {
		return nil
	}
	out := make(map[int]float64, len(best))
	for _, b := range best {
		out[int(e.entry[b.Item])] = float64(b.Score / best[0].Score)
	}
	return out
}

// Invented implements [taste.Listening].
func (l *Listening) Invented() bool { return l.invented }
