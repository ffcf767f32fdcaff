package student

import (
	"math/bits"
	"strings"
)

// buckets is how many features the model tells apart; the rest collide.
const buckets = 1 << 16

// feature is one hashed property of a text.
type feature struct {
	bucket uint32
	value  float32
}

// Weights of groups of features against each other.
const (
	wordWeight  = 1
	shapeWeight = 1
	charWeight  = 0.35
)

// featurizer collects the features of a text.
type featurizer struct {
	out    []feature
	weight float32
}

func (f *featurizer) add(h uint64) {
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 32
	f.out = append(f.out, feature{uint32(h % buckets), f.weight})
}

// named adds the feature called name.
func (f *featurizer) named(name string) { f.add(hashString(fnvOffset, name)) }

// numbered adds a feature that depends on a small number too.
func (f *featurizer) numbered(name string, n int) {
	f.add(hashByte(hashByte(hashString(fnvOffset, name), '='), byte(n)))
}

// features appends the features of a to out.
func (v *view) features(out []feature, a *annotation) []feature {
	f := featurizer{out: out, weight: wordWeight}
	f.words(a.toks)
	f.masked(a)
	v.cues(&f, a)
	f.weight = shapeWeight
	f.shape(a)
	v.names(&f, a)
	v.domains(&f, a)
	f.weight = charWeight
	f.chars(a)
	return f.out
}

// words adds words and pairs of words.
func (f *featurizer) words(toks []token) {
	last := hashString(fnvOffset, "w^")
	for _, t := range toks {
		h := hashString(fnvOffset^1, t.text)
		f.add(h)
		f.add(last*31 ^ h)
		last = h
	}
	f.add(last * 31)
}

// masked adds runs of one to three spans, with names and notions as symbols, and the
// beginning and the end of the text.
func (f *featurizer) masked(a *annotation) {
	const edge = 0x9e3779b97f4a7c15
	h1, h2 := uint64(edge), uint64(edge)
	for i := range len(a.spans) + 1 {
		h := uint64(edge)
		if i < len(a.spans) {
			h = a.hash(a.spans[i])
			f.add(h)
		}
		f.add(h1*3 ^ h*5)
		f.add(h2*7 ^ h1*11 ^ h*13)
		h2, h1 = h1, h
	}
	var has uint64
	for s := symArtist; s < symbols; s++ {
		if a.count[s] > 0 {
			has |= 1 << s
		}
	}
	f.add(hashByte(has*0x100000001b3, 'H'))
}

// cues adds the classes of cues in their order, with every name and notion between them as
// a symbol and every other word left out: the skeleton of the wish.
func (v *view) cues(f *featurizer, a *annotation) {
	const edge = 0xc2b2ae3d27d4eb4f
	last, before := uint64(edge), uint64(edge)
	other := false
	push := func(h uint64) {
		f.add(h)
		f.add(last*3 ^ h*5)
		f.add(before*7 ^ last*11 ^ h*13)
		before, last = last, h
	}
	for i := 0; i < len(a.toks); {
		if class, n := v.cue(a.toks[i:]); n > 0 {
			push(hashString(fnvOffset^4, class))
			i, other = i+n, false
			continue
		}
		switch s := a.spanAt(i); {
		case s.sym != symNone:
			push(hashByte(fnvOffset^4, byte(s.sym)))
			i, other = s.to, false
		case v.isEveryday(a.toks[i].text):
			i++
		default: // one symbol for a run of unknown words
			if !other {
				push(hashByte(fnvOffset^4, byte(symbols)))
			}
			i, other = i+1, true
		}
	}
	f.add(last*3 ^ edge)
	f.add(before*7 ^ last*11 ^ edge)
}

// cue returns the class of the longest cue that toks begin with, and its length in words.
func (v *view) cue(toks []token) (class string, n int) {
	h := uint64(fnvOffset)
	for i := range min(len(toks), maxPhrase) {
		h = hashPhrase(h, toks[i].text)
		if p := v.index.phrases[h]; p != nil && p.kinds&kindCue != 0 {
			class, n = p.value(kindCue), i+1
		}
		if _, more := v.index.longer[h]; !more {
			break
		}
	}
	return class, n
}

// spanAt returns the span that holds word i, from there on.
func (a *annotation) spanAt(i int) span {
	for _, s := range a.spans {
		if i < s.to {
			return s
		}
	}
	return span{from: i, to: i + 1}
}

// hash identifies a span in the masked text.
func (a *annotation) hash(s span) uint64 {
	if s.sym != symNone {
		return hashByte(fnvOffset^2, byte(s.sym))
	}
	return hashString(fnvOffset^2, a.toks[s.from].text)
}

// shape adds what the text looks like.
func (f *featurizer) shape(a *annotation) {
	f.named("bias")
	n := len(a.toks)
	f.numbered("length", bucketLength(n))
	f.numbered("unknown", min(n-a.known, 6))
	f.numbered("unknown share", 4*(n-a.known)/max(n, 1)*8+min(bucketLength(n), 7))
	for s := symArtist; s < symbols; s++ {
		if c := a.count[s]; c > 0 {
			f.numbered("has", int(s)*4+min(c, 3))
		}
	}
	for _, mark := range [...]string{"?", " - ", " – ", "\"", "(", "[", "|", "#", ":", "~"} {
		if strings.Contains(a.text, mark) {
			f.named(mark)
			f.numbered(mark, bucketLength(n))
		}
	}
}

func bucketLength(n int) int {
	switch {
	case n <= 6:
		return n
	case n <= 9:
		return 7
	case n <= 14:
		return 8
	case n <= 22:
		return 9
	}
	return 10
}

// domains adds what the everyday words are about.
func (v *view) domains(f *featurizer, a *annotation) {
	var count [maxDomains]int
	var all uint32
	for _, t := range a.toks {
		d := v.index.words[hashString(fnvOffset, t.text)]
		all |= d
		for ; d != 0; d &= d - 1 {
			count[bits.TrailingZeros32(d)]++
		}
	}
	for d, n := range count {
		if n > 0 {
			f.numbered("domain", d*4+min(n, 3))
		}
	}
	f.add(hashString(uint64(all)*0x9e3779b97f4a7c15, "domains"))
}

// names adds what the catalogue says about the text as a whole.
func (v *view) names(f *featurizer, a *annotation) {
	if v.blind {
		f.named("blind")
		return
	}
	if len(a.toks) == 0 {
		return
	}
	whole := v.whole(a.toks)
	f.kinds("whole", whole)
	core := a.toks[a.core.from:a.core.to]
	if len(core) < len(a.toks) {
		f.kinds("core", v.whole(core))
	}
	if whole&kindName == 0 {
		v.parts(f, core)
	}
	for _, s := range a.weak {
		f.kinds("weak", s.phrase.kinds&(kindArtist|kindShow))
	}
}

// whole returns what toks mean together, with typos.
func (v *view) whole(toks []token) kind {
	if p := v.index.lookup(toks); p != nil {
		return p.kinds
	}
	if len(toks) > 4 {
		return 0
	}
	text := joinTokens(toks)
	if len(toks) == 1 && v.isEveryday(text) {
		return 0
	}
	switch {
	case v.index.artists.nearest(text) != "":
		return kindArtist
	case v.index.shows.nearest(text) != "":
		return kindShow
	}
	return 0
}

// kinds adds one feature for each kind and one for all of them.
func (f *featurizer) kinds(name string, k kind) {
	f.add(hashString(uint64(k)*0x100000001b3, name))
	for bit := kindArtist; bit <= kindWork; bit <<= 1 {
		if k&bit != 0 {
			f.add(hashString(uint64(bit)*0x9e3779b97f4a7c15, name))
		}
	}
}

// parts adds whether a text is two names in a row: an artist and a title, or two artists.
func (v *view) parts(f *featurizer, toks []token) {
	if len(toks) < 2 || len(toks) > 12 {
		return
	}
	for i := 1; i < len(toks); i++ {
		left := v.index.lookup(toks[:i])
		if left == nil || left.kinds&kindName == 0 {
			continue
		}
		right := toks[i:]
		if w := right[0].text; len(right) > 1 && (w == "by" || w == "from" || w == "and" || w == "with" || w == "feat" || w == "ft" || w == "x") {
			right = right[1:]
		}
		f.named("name first")
		if p := v.index.lookup(right); p != nil && p.kinds&kindName != 0 {
			f.named("two names")
			f.kinds("first of two", left.kinds&kindName)
			f.kinds("second of two", p.kinds&kindName)
			return
		}
	}
}

// chars adds runs of three to five letters of the words that are not masked, so that
// misspelt and inflected words resemble the right ones.
func (f *featurizer) chars(a *annotation) {
	var buf [64]byte
	for _, s := range a.spans {
		if s.sym != symNone {
			continue
		}
		w := append(buf[:0], '<')
		w = append(w, a.toks[s.from].text...)
		w = append(w, '>')
		for n := 3; n <= 5; n++ {
			for i := 0; i+n <= len(w); i++ {
				h := uint64(fnvOffset ^ 3)
				for _, c := range w[i : i+n] {
					h = hashByte(h, c)
				}
				f.add(h)
			}
		}
	}
}
