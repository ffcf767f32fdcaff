// Package listening tells the tools what listeners do, from models that were trained on
// what they played.
//
// There is a model for each kind of item, a space: artists, tracks and shows. A play of a
// track counts in the space of tracks and in that of artists, one of an episode in that of
// shows, so that what is too rare to be learnt by itself counts for what it is part of.
package listening

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// spaces are the kinds of items that have a model.
var spaces = [...]schemas.ItemType{catalog.TypeArtist, catalog.TypeTrack, catalog.TypeShow}

// Plays are interactions by space.
type Plays struct {
	c        *catalog.Catalog
	builders map[schemas.ItemType]*recommend.Builder
	Unknown  int // rows with an item that the catalogue does not have
}

// NewPlays returns no plays yet.
func NewPlays(c *catalog.Catalog) *Plays {
	p := &Plays{c: c, builders: map[schemas.ItemType]*recommend.Builder{}}
	for _, s := range spaces {
		p.builders[s] = recommend.NewBuilder()
	}
	return p
}

// AddAll adds interactions whose items are catalogue ids, or artists by name as
// "artist:Lady Gaga". What the catalogue does not have is counted.
func (p *Plays) AddAll(x *recommend.Interactions) error {
	refs := make([]catalog.Ref, x.Items())
	for i := range refs {
		ref, ok := p.find(x.Item(i))
		if !ok {
			ref = catalog.Ref{Index: -1}
		}
		refs[i] = ref
	}
	for u := range x.Users() {
		for k, e := range x.History(u) {
			if refs[e.Item].Index < 0 {
				p.Unknown++
				continue
			}
			if err := p.add(x.User(u), refs[e.Item], float64(e.Weight), x.Last(u, k)); err != nil {
				return fmt.Errorf("user %s: %w", x.User(u), err)
			}
		}
	}
	return nil
}

func (p *Plays) find(item string) (catalog.Ref, bool) {
	if ref, ok := p.c.Lookup(item); ok {
		return ref, true
	}
	name, ok := strings.CutPrefix(item, string(catalog.TypeArtist)+":")
	if !ok {
		return catalog.Ref{}, false
	}
	a, ok := p.c.Named(name)
	return a.Ref(), ok
}

// Add adds plays of one entry.
func (p *Plays) Add(user string, played catalog.Ref, weight float64, at time.Time) error {
	seconds := int64(0)
	if !at.IsZero() {
		seconds = at.Unix()
	}
	return p.add(user, played, weight, seconds)
}

func (p *Plays) add(user string, played catalog.Ref, weight float64, at int64) error {
	for _, ref := range p.counted(played) {
		if err := p.builders[ref.Type].Add(user, p.c.ID(ref), weight, at); err != nil {
			return err
		}
	}
	return nil
}

// counted returns the entries of the spaces that a play of an entry counts for.
func (p *Plays) counted(played catalog.Ref) []catalog.Ref {
	switch played.Type {
	case catalog.TypeArtist, catalog.TypeShow:
		return []catalog.Ref{played}
	case catalog.TypeAlbum:
		return []catalog.Ref{p.c.Album(played.Index).Artist().Ref()}
	case catalog.TypeTrack:
		return []catalog.Ref{played, p.c.Track(played.Index).Artist().Ref()}
	case catalog.TypeEpisode:
		return []catalog.Ref{p.c.Episode(played.Index).Show().Ref()}
	default:
		return nil
	}
}

// Report is told how far a training is.
type Report func(space, stage string, done, of int)

// Train trains a model of each space in which anybody played two items.
func (p *Plays) Train(ctx context.Context, cfg recommend.Config, report Report) (recommend.Bundle, error) {
	bundle := recommend.Bundle{}
	for _, s := range spaces {
		x := p.builders[s].Build()
		if !trainable(x) {
			continue
		}
		m, err := recommend.Train(ctx, cfg, x, func(stage string, done, of int) {
			if report != nil {
				report(string(s), stage, done, of)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("train %ss: %w", s, err)
		}
		bundle[string(s)] = m
	}
	if len(bundle) == 0 {
		return nil, fmt.Errorf("train: %w that the catalogue has", recommend.ErrNoData)
	}
	return bundle, nil
}

func trainable(x *recommend.Interactions) bool {
	for u := range x.Users() {
		if len(x.History(u)) > 1 {
			return true
		}
	}
	return false
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
}

// entries are the entries of the catalogue that the items of a model are, and the other way
// round; -1 for none.
type entries struct{ entry, item []int32 }

// New returns what the models of a bundle say of the entries of c. invented says that the
// listeners are synthetic.
func New(c *catalog.Catalog, bundle recommend.Bundle, invented bool) *Listening {
	l := &Listening{c: c, bundle: bundle, invented: invented, entries: map[schemas.ItemType]entries{}}
	for _, s := range spaces {
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
	return l
}

// Companions implements [taste.Listening].
func (l *Listening) Companions(artist int) []taste.Companion {
	m, e := l.bundle[string(catalog.TypeArtist)], l.entries[catalog.TypeArtist]
	if m == nil || e.item[artist] < 0 {
		return nil
	}
	near := m.Similar(int(e.item[artist]), maxCompanions, func(item int) bool { return e.entry[item] >= 0 })
	out := make([]taste.Companion, len(near))
	for i, n := range near {
		out[i] = taste.Companion{Artist: int(e.entry[n.Item]), Score: float64(n.Score), Shared: n.Shared}
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
