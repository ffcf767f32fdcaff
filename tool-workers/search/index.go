package search

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/vellum"
	"github.com/blevesearch/vellum/levenshtein"
)

// The index says which entries have a name, and which hold a word. It is made of the parts
// that bleve's segments are made of: a transducer (vellum) that leads from a term to a set
// of entries, and sets (roaring). An index of bleve itself numbers its documents in no
// order of ours; here the numbers follow popularity, so that the first hundreds of a set
// are its best, and a word that half the catalogue holds costs no more than another.
//
// A file is a header, the fields, and a checksum (CRC-32C) of all before it.

const (
	magic       = "pfr search index\n"
	fileVersion = 1
)

// ErrBadIndex marks an index file that is damaged, or belongs to another catalogue.
var ErrBadIndex = errors.New("not an index of this catalogue")

// textIndex is read-only, and safe for concurrent use.
type textIndex struct {
	names      field // whole names, folded
	beginnings field // short beginnings of names
	words      field // words of names and of who made it
}

// field leads from terms to entries. A value of the transducer is an entry that is the only
// one with the term, shifted left and odd, or the place of a set, shifted left.
type field struct {
	terms *vellum.FST
	sets  []byte
}

// fieldBuilder collects the entries of terms. Entries come in ascending order.
type fieldBuilder map[string][]uint32

func (b fieldBuilder) add(term string, entry uint32) {
	if of := b[term]; term != "" && (len(of) == 0 || of[len(of)-1] != entry) {
		b[term] = append(of, entry)
	}
}

func (b fieldBuilder) write(w io.Writer) error {
	var terms, sets bytes.Buffer
	fst, err := vellum.New(&terms, nil)
	if err != nil {
		return fmt.Errorf("new transducer: %w", err)
	}
	for _, term := range slices.Sorted(maps.Keys(b)) {
		entries := b[term]
		value := uint64(entries[0])<<1 | 1
		if len(entries) > 1 {
			value = uint64(sets.Len()) << 1
			set := roaring.BitmapOf(entries...)
			set.RunOptimize()
			if _, err := set.WriteTo(&sets); err != nil {
				return fmt.Errorf("write set of %q: %w", term, err)
			}
		}
		if err := fst.Insert([]byte(term), value); err != nil {
			return fmt.Errorf("insert %q: %w", term, err)
		}
	}
	if err := fst.Close(); err != nil {
		return fmt.Errorf("close transducer: %w", err)
	}
	for _, part := range [][]byte{terms.Bytes(), sets.Bytes()} {
		if err := writeBlock(w, part); err != nil {
			return err
		}
	}
	return nil
}

func writeBlock(w io.Writer, block []byte) error {
	_, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(block))))
	if err == nil {
		_, err = w.Write(block)
	}
	return err
}

// writeIndex writes an index of a version of a catalogue.
func writeIndex(w io.Writer, version string, fields ...fieldBuilder) error {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	out := io.MultiWriter(w, sum)
	header := append([]byte(magic), fileVersion)
	if _, err := out.Write(header); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	if err := writeBlock(out, []byte(version)); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	for _, f := range fields {
		if err := f.write(out); err != nil {
			return fmt.Errorf("write index: %w", err)
		}
	}
	if err := binary.Write(w, binary.LittleEndian, sum.Sum32()); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

// readIndex reads what writeIndex wrote. It keeps data.
func readIndex(data []byte, version string) (*textIndex, error) {
	rest, ok := bytes.CutPrefix(data, append([]byte(magic), fileVersion))
	if !ok || len(rest) < crc32.Size {
		return nil, ErrBadIndex
	}
	body := len(data) - crc32.Size
	if crc32.Checksum(data[:body], crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(data[body:]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", ErrBadIndex)
	}
	rest = rest[:len(rest)-crc32.Size]
	var blocks [7][]byte
	for i := range blocks {
		if len(rest) < 8 || binary.LittleEndian.Uint64(rest) > uint64(len(rest)-8) {
			return nil, fmt.Errorf("%w: it ends too early", ErrBadIndex)
		}
		size := binary.LittleEndian.Uint64(rest)
		blocks[i], rest = rest[8:8+size], rest[8+size:]
	}
	if string(blocks[0]) != version {
		return nil, fmt.Errorf("%w: it is of version %q", ErrBadIndex, blocks[0])
	}
	x := &textIndex{}
	for i, f := range []*field{&x.names, &x.beginnings, &x.words} {
		var err error
		if f.terms, err = vellum.Load(blocks[1+2*i]); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadIndex, err)
		}
		f.sets = blocks[2+2*i]
	}
	return x, nil
}

// set returns the entries behind a value of the transducer.
func (f field) set(value uint64) (*roaring.Bitmap, error) {
	if value&1 == 1 {
		return roaring.BitmapOf(uint32(value >> 1)), nil
	}
	at := value >> 1
	if at >= uint64(len(f.sets)) {
		return nil, ErrBadIndex
	}
	set := roaring.New()
	if _, err := set.FromBuffer(f.sets[at:]); err != nil {
		return nil, fmt.Errorf("read set: %w", err)
	}
	return set, nil
}

// having returns the entries that have a term.
func (f field) having(term string) (*roaring.Bitmap, error) {
	value, ok, err := f.terms.Get([]byte(term))
	if err != nil || !ok {
		return roaring.New(), err
	}
	return f.set(value)
}

// maxTerms bounds the terms that one prefix or one misspelling may stand for.
const maxTerms = 512

// beginning returns the entries that have a term with this prefix.
func (f field) beginning(prefix string) (*roaring.Bitmap, error) {
	return f.collect(func() (vellum.Iterator, error) { return f.terms.Iterator([]byte(prefix), after(prefix)) })
}

// after returns the first key behind all those with a prefix, nil if there is none.
func after(prefix string) []byte {
	key := []byte(prefix)
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] < 0xff {
			key[i]++
			return key[:i+1]
		}
	}
	return nil
}

// spellings knows the words within some typos of another: an insertion, a deletion, a
// substitution, or a swap of neighbours is one.
type spellings [maxTypos + 1]*levenshtein.LevenshteinAutomatonBuilder

const maxTypos = 2

func newSpellings() (spellings, error) {
	var s spellings
	for n := 1; n <= maxTypos; n++ {
		var err error
		if s[n], err = levenshtein.NewLevenshteinAutomatonBuilder(uint8(n), true); err != nil {
			return s, fmt.Errorf("automaton of %d typos: %w", n, err)
		}
	}
	return s, nil
}

// near returns the entries that have a term within so many typos of word.
func (f field) near(s spellings, word string, typos int) (*roaring.Bitmap, error) {
	if typos == 0 {
		return f.having(word)
	}
	dfa, err := s[typos].BuildDfa(word, uint8(typos))
	if err != nil {
		return nil, fmt.Errorf("automaton of %q: %w", word, err)
	}
	return f.collect(func() (vellum.Iterator, error) { return f.terms.Search(dfa, nil, nil) })
}

// collect unites the sets of the terms that an iterator goes through.
func (f field) collect(open func() (vellum.Iterator, error)) (*roaring.Bitmap, error) {
	var sets []*roaring.Bitmap
	it, err := open()
	for ; err == nil && len(sets) < maxTerms; err = it.Next() {
		_, value := it.Current()
		set, err := f.set(value)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	if err != nil && !errors.Is(err, vellum.ErrIteratorDone) {
		return nil, fmt.Errorf("go through terms: %w", err)
	}
	return roaring.FastOr(sets...), nil
}
