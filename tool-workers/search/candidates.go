package search

import (
	"slices"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
)

// candidates returns sets of entries that may answer a reading: those with the very name,
// those whose name begins so, and those that hold the words.
func (t *engine) candidates(l look) ([]*roaring.Bitmap, error) {
	if l.whole {
		set, err := t.misspelled(l.text)
		return []*roaring.Bitmap{set}, err
	}
	holding, err := t.holding(l)
	if err != nil || l.typos {
		return []*roaring.Bitmap{holding}, err
	}
	exact, err := t.index.names.having(l.text)
	if err != nil || !l.prefix {
		return []*roaring.Bitmap{exact, holding}, err
	}
	beginnings := t.index.beginnings.having
	if utf8.RuneCountInString(l.text) > longBeginning {
		beginnings = t.index.names.beginning
	}
	begin, err := beginnings(l.text)
	return []*roaring.Bitmap{exact, begin, holding}, err
}

// An automaton grows with its word: long names are only compared for one typo, and very
// long ones word by word alone.
const (
	longName     = 16 // runes
	veryLongName = 40
)

// misspelled returns the entries with a name that the text is but for the fewest typos.
func (t *engine) misspelled(text string) (*roaring.Bitmap, error) {
	found, allowed := roaring.New(), allowedTypos(text)
	switch n := utf8.RuneCountInString(text); {
	case n > veryLongName:
		allowed = 0
	case n > longName:
		allowed = min(allowed, 1)
	}
	for typos := 1; typos <= allowed && found.IsEmpty(); typos++ {
		var err error
		if found, err = t.index.names.near(t.spell, text, typos); err != nil {
			return nil, err
		}
		if squeezed := squeeze(text); squeezed != text && typos == 1 {
			more, err := t.index.names.near(t.spell, squeezed, typos)
			if err != nil {
				return nil, err
			}
			found.Or(more)
		}
	}
	return found, nil
}

// holding returns the entries that hold the words of a reading, but for those that it can
// spare.
func (t *engine) holding(l look) (*roaring.Bitmap, error) {
	sets := make([]*roaring.Bitmap, len(l.words))
	for i, w := range l.words {
		typos := 0
		if l.typos {
			typos = allowedTypos(w)
		}
		var err error
		if sets[i], err = t.index.words.near(t.spell, w, typos); err != nil {
			return nil, err
		}
		if l.prefix && i == len(l.words)-1 {
			begin, err := t.index.words.beginning(w)
			if err != nil {
				return nil, err
			}
			sets[i].Or(begin)
		}
	}
	return allBut(sets, l.spare), nil
}

// allBut returns what is in all sets but so many.
func allBut(sets []*roaring.Bitmap, spare int) *roaring.Bitmap {
	if spare == 0 || len(sets) == 1 {
		return roaring.FastAnd(sets...)
	}
	var parts []*roaring.Bitmap
	for i := range sets {
		parts = append(parts, allBut(slices.Concat(sets[:i], sets[i+1:]), spare-1))
	}
	return roaring.FastOr(parts...)
}
