package importer

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"
)

// tagHeard and tagPlaced are records of spills.
const (
	tagHeard tag = iota + 100
	tagPlaced
)

// heard is a play of something in the catalogue.
type heard struct {
	user   string
	item   item
	weight float64
	at     int64
}

func (*heard) tag() tag { return tagHeard }

func (r *heard) code(c *coder) {
	c.str(&r.user)
	k, n := uint64(r.item.kind), uint64(r.item.number)
	c.uint(&k)
	c.uint(&n)
	r.item = item{itemKind(k), int32(n)}
	c.float(&r.weight)
	c.int64(&r.at)
}

const (
	// heardPerPart is how many plays are sorted in memory at once.
	heardPerPart = 500_000

	// maxUser bounds what a user is known by, in bytes.
	maxUser = 64 << 10

	// Weights and their sums fit a float32, as recommenders keep them.
	leastWeight = math.SmallestNonzeroFloat32
	mostWeight  = math.MaxFloat32

	skipUnmatched = skip("a listen of what the catalogue does not have")
)

var errUnknownItem = errors.New("the catalogue has no such item")

// resolve returns what was played. A recording that the catalogue does not have counts as
// a play of its artist.
func (x *index) resolve(p *play) (item, error) {
	if p.item != "" {
		return x.item(p.item)
	}
	if p.track != "" {
		if n, ok := x.tracks.find(p.track); ok {
			return item{isTrack, n}, nil
		}
	}
	for _, key := range p.artist {
		if n, ok := x.artists.find(key); ok {
			return item{isArtist, n}, nil
		}
	}
	if p.name != "" {
		if n := x.artist("artist:" + p.name); n != none {
			return item{isArtist, n}, nil
		}
	}
	return item{}, skipUnmatched
}

// item resolves an id, or "artist:" and a name.
func (x *index) item(id string) (item, error) {
	kind, key, _ := strings.Cut(id, ":")
	for k := range itemKinds {
		if k.String() != kind {
			continue
		}
		n, ok := x.of(k).find(key)
		if !ok && k == isArtist {
			n = x.artist(key)
			ok = n != none
		}
		if ok {
			return item{k, n}, nil
		}
	}
	return item{}, errUnknownItem
}

func (x *index) id(it item) string { return it.kind.String() + ":" + x.of(it.kind).key(it.number) }

// gather throws the plays of all sources into parts by user, resolved.
func (a *assembly) gather(ctx context.Context) error {
	total := int64(0)
	for _, s := range a.sources {
		if s.source.kind >= kindListens {
			total += s.state.Rows
		}
	}
	var err error
	if a.plays, err = newSpill(a.path("plays"), total, heardPerPart); err != nil {
		return err
	}
	return a.each(ctx, tagPlay, func(s *staged, e entry) error {
		p := e.rec.(*play) // only plays are asked for
		it, err := a.index.resolve(p)
		var left skip
		switch {
		case errors.As(err, &left):
			a.skipped[s][string(left)]++
			return nil
		case err != nil:
			return a.refuse(s, e.line, err)
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(p.user))
		part := int(h.Sum32() % uint32(a.plays.parts()))
		return a.plays.add(part, 0, &heard{user: p.user, item: it, weight: p.weight, at: p.at})
	})
}

// addUp makes one record of the plays of an item by a user, sorted by user and item, and
// counts the listeners.
func (a *assembly) addUp(ctx context.Context) error {
	for part := range a.plays.parts() {
		if err := ctx.Err(); err != nil {
			return err
		}
		sums, err := loadPlays(a.plays, part)
		if err != nil {
			return err
		}
		if err := a.plays.reset(part); err != nil {
			return err
		}
		var items []item
		for i, h := range sums {
			items = append(items, h.item)
			if err := a.plays.add(part, 0, h); err != nil {
				return err
			}
			if i+1 == len(sums) || sums[i+1].user != h.user {
				a.audiences.listener(items)
				a.report.Listeners++
				items = items[:0]
			}
		}
	}
	return nil
}

// loadPlays returns the sums of a part.
func loadPlays(s *spill, part int) ([]*heard, error) {
	var out []*heard
	users := map[string]string{} // so that equal names share their bytes
	for e, err := range s.read(part) {
		if err != nil {
			return nil, err
		}
		h := e.rec.(*heard) // the spill holds nothing else
		if known, ok := users[h.user]; ok {
			h.user = known
		} else {
			users[h.user] = h.user
		}
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b *heard) int {
		return cmp.Or(strings.Compare(a.user, b.user), cmp.Compare(a.item.kind, b.item.kind), cmp.Compare(a.item.number, b.item.number))
	})
	sums := out[:0]
	for _, h := range out {
		if last := len(sums) - 1; last >= 0 && sums[last].user == h.user && sums[last].item == h.item {
			sums[last].weight = min(sums[last].weight+h.weight, mostWeight)
			sums[last].at = max(sums[last].at, h.at)
			continue
		}
		sums = append(sums, h)
	}
	return sums, nil
}

// handOut passes the sums on.
func (a *assembly) handOut(ctx context.Context) error {
	if a.target.Interaction == nil {
		return nil
	}
	for part := range a.plays.parts() {
		if err := ctx.Err(); err != nil {
			return err
		}
		for e, err := range a.plays.read(part) {
			if err != nil {
				return err
			}
			h := e.rec.(*heard) // the spill holds nothing else
			if !a.accepted[h.item.kind].has(h.item.number) {
				a.report.Unmatched++
				continue
			}
			var at time.Time
			if h.at > 0 {
				at = time.Unix(h.at, 0).UTC()
			}
			if err := a.target.Interaction(h.user, a.index.id(h.item), h.weight, at); err != nil {
				return err
			}
			a.report.Interactions++
		}
	}
	return nil
}
