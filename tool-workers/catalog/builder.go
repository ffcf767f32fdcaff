package catalog

import (
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Reasons for which a Builder refuses a row.
var (
	ErrNoName    = errors.New("it has no name")
	ErrDuplicate = errors.New("its key is taken")
	ErrUnknown   = errors.New("it refers to an entry that is not there")
	ErrBadRow    = errors.New("bad value")
	ErrFull      = errors.New("the catalogue is full")
)

// Builder makes a catalogue of rows. A row that it refuses leaves no trace. It is for one
// goroutine.
type Builder struct {
	asOf  time.Time
	dated bool
	t     tables
	keys  [typeCount]keys
}

// NewBuilder returns a Builder of a catalogue for which asOf is today. A zero asOf stands
// for the day on which the catalogue is opened.
func NewBuilder(asOf time.Time) *Builder {
	b := &Builder{asOf: asOf, dated: !asOf.IsZero()}
	b.t.terms.init()
	seed := maphash.MakeSeed()
	for i, t := range Types() {
		b.keys[i] = keys{seed: seed, prefix: string(t) + ":", ids: b.t.ids(i), rows: map[uint64]uint32{}}
	}
	return b
}

// keys finds rows of one type by key.
type keys struct {
	seed   maphash.Seed
	prefix string
	ids    *texts
	rows   map[uint64]uint32 // hash of the key → row; of equal hashes each takes the next free one
}

func (k *keys) find(key string) (row uint32, slot uint64, ok bool) {
	for slot = maphash.String(k.seed, key); ; slot++ {
		row, taken := k.rows[slot]
		if !taken {
			return 0, slot, false
		}
		if k.ids.at(int(row))[len(k.prefix):] == key {
			return row, slot, true
		}
	}
}

// add names the next row.
func (k *keys) add(key string) {
	_, slot, _ := k.find(key)
	k.rows[slot] = uint32(k.ids.rows())
	k.ids.add(k.prefix + key)
}

// free returns a key that is not taken: this one, or with a number behind it.
func (k *keys) free(key string) string {
	candidate := key
	for n := 2; ; n++ {
		if _, _, taken := k.find(candidate); !taken {
			return candidate
		}
		candidate = key + "-" + strconv.Itoa(n)
	}
}

// check is what holds for every row.
type check struct {
	kind       schemas.ItemType
	key, name  string
	popularity int
	texts      []string
}

// maxKey bounds a key: an id must fit its message.
const maxKey = schemas.MaxItemRefsBytes - 16

// admit checks a row and returns its key. fallback is the key of a row without one.
func (b *Builder) admit(c check, fallback func() string) (string, error) {
	k := &b.keys[typeIndex(c.kind)]
	size := maxKey + len(c.name)
	for _, s := range c.texts {
		size += len(s)
	}
	if c.key == "" && c.name != "" {
		c.key = k.free(fallback())
	}
	_, _, taken := k.find(c.key)
	var err error
	switch {
	case c.name == "":
		err = ErrNoName
	case taken:
		err = ErrDuplicate
	case len(c.key) > maxKey || !validKey(c.key):
		err = fmt.Errorf("%w: key: want at most %d bytes without white space", ErrBadRow, maxKey)
	case c.popularity < 0 || c.popularity > 100:
		err = fmt.Errorf("%w: popularity %d: want 1 to 100, or 0 for unknown", ErrBadRow, c.popularity)
	case !k.ids.room(maxKey) || !b.roomFor(c.kind, size):
		err = ErrFull
	}
	if err != nil {
		return "", fmt.Errorf("%s %q: %w", c.kind, shorten(c.key+" "+c.name), err)
	}
	return c.key, nil
}

// roomFor asks only the columns that grow most.
func (b *Builder) roomFor(kind schemas.ItemType, size int) bool {
	switch kind {
	case TypeTrack:
		return b.t.tracks.title.room(size) && b.t.tracks.credit.room(size)
	case TypeEpisode:
		return b.t.episodes.title.room(size) && b.t.episodes.description.room(size)
	default:
		return b.t.artists.name.room(size) && b.t.albums.title.room(size) && b.t.shows.description.room(size) && b.t.playlists.description.room(size)
	}
}

func validKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] == 0x7f {
			return false
		}
	}
	return key != ""
}

func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// refer returns the row of a key.
func (b *Builder) refer(kind schemas.ItemType, key string) (uint32, error) {
	row, _, ok := b.keys[typeIndex(kind)].find(key)
	if !ok {
		return 0, fmt.Errorf("%w: %s %q", ErrUnknown, kind, shorten(key))
	}
	return row, nil
}

func (b *Builder) referAll(kind schemas.ItemType, keys []string) ([]uint32, error) {
	rows := make([]uint32, len(keys))
	for i, key := range keys {
		row, err := b.refer(kind, key)
		if err != nil {
			return nil, err
		}
		rows[i] = row
	}
	return rows, nil
}

// Has reports whether there is an entry with this id.
func (b *Builder) Has(id string) bool {
	for i := range b.keys {
		if k := &b.keys[i]; len(id) > len(k.prefix) && id[:len(k.prefix)] == k.prefix {
			_, _, ok := k.find(id[len(k.prefix):])
			return ok
		}
	}
	return false
}

// Count returns how many entries of a type there are.
func (b *Builder) Count(kind schemas.ItemType) int { return b.t.ids(typeIndex(kind)).rows() }
