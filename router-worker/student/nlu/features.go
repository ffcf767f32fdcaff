package nlu

import "math/bits"

// dictionary says what is known of words and phrases.
type dictionary interface {
	word(hash uint64) entry
	// phrase returns the slots that a phrase of several words is a value of, as bits.
	phrase(hash uint64) uint64
}

// entry is what is known of a word.
type entry struct {
	alone  uint64 // slots that the word is a value of, as bits
	within uint64 // slots whose values hold the word
	seen   bool
	cue    bool // stands outside slots more often than not
}

// maxPhrase is the longest phrase that is looked for, in tokens.
const maxPhrase = 8

// seen is all that is computed of a text. It is reused.
type seen struct {
	toks    []token
	entries []entry
	gaz     []marks
	hints   []marks
	left    []neighbour // the nearest cue before a token
	right   []neighbour // and after it
	atoms   []uint64    // features, token by token
	ends    []int       // where those of each token end
}

// marks are the slots, as bits, whose values cover a token.
type marks struct{ single, begin, inside uint64 }

type neighbour struct {
	word     uint64
	distance int
}

// read fills s from text.
func (s *seen) read(text string, hints []Hint, d dictionary) {
	s.toks = tokenize(s.toks[:0], text)
	n := len(s.toks)
	s.entries = resize(s.entries, n)
	s.gaz = resize(s.gaz, n)
	s.hints = resize(s.hints, n)
	for i, t := range s.toks {
		s.entries[i] = d.word(t.word)
		s.gaz[i], s.hints[i] = marks{}, marks{}
	}
	s.match(d)
	s.hint(hints)
	s.neighbours()
	s.atoms, s.ends = s.atoms[:0], s.ends[:0]
	for i := range s.toks {
		s.token(i)
		s.ends = append(s.ends, len(s.atoms))
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2+8)
	}
	return s[:n]
}

// match marks the longest values of each slot that begin at each token, unless an earlier
// one goes on there.
func (s *seen) match(d dictionary) {
	var found [maxPhrase + 1]uint64
	for i := range s.toks {
		found[1] = s.entries[i].alone
		h, longest := s.toks[i].word, 1
		for n := 2; n <= maxPhrase && i+n <= len(s.toks); n++ {
			h = mix(0, h, s.toks[i+n-1].word)
			if found[n] = d.phrase(h); found[n] != 0 {
				longest = n
			}
		}
		free := ^s.gaz[i].inside
		for n := longest; n > 1; n-- {
			slots := found[n] & free
			free &^= slots
			s.gaz[i].begin |= slots
			for j := i + 1; j < i+n; j++ {
				s.gaz[j].inside |= slots
			}
		}
		s.gaz[i].single |= found[1] & free
	}
}

// hint marks the tokens that hints cover.
func (s *seen) hint(hints []Hint) {
	for _, h := range hints {
		first := true
		for i := range s.toks {
			bit := uint64(1) << (h.Kind & 63)
			switch t := &s.toks[i]; {
			case t.to <= h.From || t.from >= h.To:
			case !first:
				s.hints[i].inside |= bit
			default:
				s.hints[i].begin |= bit
				first = false
			}
		}
	}
}

// neighbours finds the cues around each token.
func (s *seen) neighbours() {
	n := len(s.toks)
	s.left, s.right = resize(s.left, n), resize(s.right, n)
	last := neighbour{word: edge}
	for i := range s.toks {
		last.distance++
		s.left[i] = last
		if s.entries[i].cue {
			last = neighbour{word: s.toks[i].word}
		}
	}
	last = neighbour{word: edge}
	for i := n - 1; i >= 0; i-- {
		last.distance++
		s.right[i] = last
		if s.entries[i].cue {
			last = neighbour{word: s.toks[i].word}
		}
	}
}

// edge stands for what is beyond the text.
const edge = 0x9ddfea08eb382d69

func (s *seen) word(i int) uint64 {
	if i < 0 || i >= len(s.toks) {
		return edge
	}
	return s.toks[i].word
}

func (s *seen) shape(i int) uint64 {
	if i < 0 || i >= len(s.toks) {
		return edge
	}
	return s.toks[i].shape
}

// Kinds of features.
const (
	fBias = iota + 1
	fWord
	fPair  = fWord + 8
	fRun   = fPair + 8
	fAffix = fRun + 8
	fShape = fAffix + 16
	fCue   = fShape + 8
	fNews  = fCue + 16
	fGaz   = fNews + 16
	fHint  = fGaz + 32
	fText  = fHint + 32
)

func (s *seen) add(kind, a, b uint64) { s.atoms = append(s.atoms, mix(kind, a, b)) }

// token adds the features of token i.
func (s *seen) token(i int) {
	s.add(fBias, 0, 0)
	s.words(i)
	s.looks(i)
	s.cues(i)
	s.values(i)
}

// words adds the words at and around token i.
func (s *seen) words(i int) {
	w := [7]uint64{}
	for k := range w {
		w[k] = s.word(i + k - 3)
		s.add(uint64(fWord+k), w[k], 0)
	}
	l2, l1, at, r1, r2 := w[1], w[2], w[3], w[4], w[5]
	s.add(fPair, l1, at)
	s.add(fPair+1, at, r1)
	s.add(fPair+2, l1, r1)
	s.add(fPair+3, l2, l1)
	s.add(fPair+4, r1, r2)
	s.add(fPair+5, l2, at)
	s.add(fPair+6, at, r2)
	s.add(fRun, mix(0, l2, l1), at)
	s.add(fRun+1, mix(0, l1, at), r1)
	s.add(fRun+2, mix(0, at, r1), r2)
	s.add(fRun+3, mix(0, w[0], l2), l1)
	s.add(fRun+4, mix(0, r1, r2), w[6])
}

// looks adds what token i and its neighbours look like.
func (s *seen) looks(i int) {
	t := &s.toks[i]
	for k := range t.prefix {
		if t.prefix[k] != 0 {
			s.add(uint64(fAffix+k), t.prefix[k], 0)
			s.add(uint64(fAffix+4+k), t.suffix[k], 0)
		}
	}
	if t.digits != t.word {
		s.add(fAffix+8, t.digits, 0)
	}
	if i > 0 {
		s.add(fAffix+9, s.toks[i-1].suffix[1], 0)
	}
	if i+1 < len(s.toks) {
		s.add(fAffix+10, s.toks[i+1].suffix[1], 0)
	}
	l, r := s.shape(i-1), s.shape(i+1)
	s.add(fShape, t.shape, 0)
	s.add(fShape+1, l, t.shape)
	s.add(fShape+2, t.shape, r)
	s.add(fShape+3, mix(0, l, t.shape), r)
	s.add(fShape+4, s.word(i-1), t.shape)
	s.add(fShape+5, t.shape, s.word(i+1))
}

// cues adds where token i stands between the cues around it.
func (s *seen) cues(i int) {
	l, r := s.left[i], s.right[i]
	s.add(fCue, l.word, 0)
	s.add(fCue+1, r.word, 0)
	s.add(fCue+2, l.word, r.word)
	s.add(fCue+3, l.word, uint64(min(l.distance, 4)))
	s.add(fCue+4, r.word, uint64(min(r.distance, 4)))
	s.add(fCue+5, l.word, s.toks[i].word)
	s.add(fCue+6, r.word, s.toks[i].word)
	before := i - l.distance
	if before >= 0 {
		s.add(fCue+7, mix(0, s.left[before].word, l.word), r.word)
	}
	s.add(fNews, s.news(i), 0)
	s.add(fNews+1, s.news(i-1), s.news(i)<<8|s.news(i+1))
	s.add(fNews+2, l.word, s.news(i))
	s.add(fNews+3, s.word(i-1), s.news(i))
}

// news says what kind of word token i is.
func (s *seen) news(i int) uint64 {
	switch {
	case i < 0 || i >= len(s.toks):
		return 1
	case s.entries[i].cue:
		return 2
	case s.entries[i].seen:
		return 3
	}
	return 4
}

// values adds what the dictionary and the hints say of token i.
func (s *seen) values(i int) {
	s.marks(fGaz, i, s.gaz)
	for b := s.entries[i].within; b != 0; b &= b - 1 {
		s.add(fGaz+20, uint64(bits.TrailingZeros64(b)), 0)
	}
	s.add(fGaz+21, s.entries[i].within, 0)
	s.marks(fHint, i, s.hints)
}

// marks adds the marks of token i and of its neighbours.
func (s *seen) marks(kind uint64, i int, all []marks) {
	m := all[i]
	before := s.word(i - 1)
	for k, set := range [...]uint64{m.single, m.begin, m.inside} {
		for b := set; b != 0; b &= b - 1 {
			slot := uint64(bits.TrailingZeros64(b))
			s.add(kind+uint64(k), slot, 0)
			s.add(kind+4+uint64(k), slot, before)
			s.add(kind+8+uint64(k), slot, s.left[i].word)
		}
		if set != 0 {
			s.add(kind+12+uint64(k), set, 0)
		}
	}
	if i > 0 {
		s.neighbour(kind+16, all[i-1])
	}
	if i+1 < len(all) {
		s.neighbour(kind+18, all[i+1])
	}
}

func (s *seen) neighbour(kind uint64, m marks) {
	if m.begin|m.single|m.inside != 0 {
		s.add(kind, m.begin|m.single, m.inside)
	}
}

// whole appends the features of the text as a whole to out.
func (s *seen) whole(out []uint64) []uint64 {
	out = append(out, mix(fText, 0, 0))
	var slots, hints uint64
	for i, t := range s.toks {
		before := s.word(i - 1)
		out = append(out, mix(fText+1, t.word, 0), mix(fText+2, before, t.word), mix(fText+3, mix(0, s.word(i-2), before), t.word))
		if !s.entries[i].seen {
			out = append(out, mix(fText+4, t.shape, 0), mix(fText+5, t.suffix[1], 0), mix(fText+6, t.prefix[1], 0))
		}
		if s.entries[i].cue {
			out = append(out, mix(fText+7, s.left[i].word, t.word))
		}
		slots |= s.gaz[i].single | s.gaz[i].begin
		hints |= s.hints[i].begin
	}
	for b := slots; b != 0; b &= b - 1 {
		out = append(out, mix(fText+8, uint64(bits.TrailingZeros64(b)), 0))
	}
	for b := hints; b != 0; b &= b - 1 {
		out = append(out, mix(fText+9, uint64(bits.TrailingZeros64(b)), 0))
	}
	return append(out, mix(fText+10, s.word(0), s.word(1)), mix(fText+11, uint64(min(len(s.toks), 15)), 0), mix(fText+12, hints, 0))
}
