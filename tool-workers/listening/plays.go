package listening

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
)

// Plays are interactions by space.
type Plays struct {
	c        *catalog.Catalog
	builders map[schemas.ItemType]*recommend.Builder
	Unknown  int // rows with an item that the catalogue does not have
}

// NewPlays returns no plays yet.
func NewPlays(c *catalog.Catalog) *Plays {
	p := &Plays{c: c, builders: map[schemas.ItemType]*recommend.Builder{}}
	for _, s := range spaces() {
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
	for _, s := range spaces() {
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
