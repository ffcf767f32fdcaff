package student

import (
	"cmp"
	"hash/fnv"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Name is one spelling of something in the catalogue.
type Name struct {
	Text       string // a spelling or an alias
	Canonical  string // the catalogue's spelling
	Popularity int    // 1 to 100; of equal spellings the most popular is meant
}

// Gazetteer holds the names that a student knows. It may be empty: then the student goes
// by its words alone.
type Gazetteer struct {
	Artists, Albums, Tracks, Shows, Playlists, Genres []Name
}

// kind is what a phrase can be. A phrase can be several things at once.
type kind uint32

const (
	kindArtist kind = 1 << iota
	kindAlbum
	kindTrack
	kindShow
	kindPlaylist
	kindGenre
	kindMood
	kindActivity
	kindLanguage
	kindEntity
	kindEra
	kindAudience
	kindTopic
	kindCommon // an everyday word that is also a name
	kindCue    // points at a kind of wish
	kindFiller // says that something is wanted, not what
	kindWork   // a film, show, game or book: what a wish may start from

	kindTitle = kindAlbum | kindTrack | kindPlaylist
	kindName  = kindArtist | kindShow | kindTitle | kindWork
)

// phrase is what a sequence of words stands for.
type phrase struct {
	kinds  kind
	values []meaning // at most one a kind
}

type meaning struct {
	kind       kind
	value      string
	popularity int
}

func (p *phrase) value(k kind) string {
	for _, m := range p.values {
		if m.kind == k {
			return m.value
		}
	}
	return ""
}

// maxPhrase is the longest phrase that is looked for, in words.
const maxPhrase = 8

// index finds phrases in a text. It is immutable once built.
type index struct {
	phrases map[uint64]*phrase
	longer  map[uint64]struct{} // proper beginnings of phrases
	words   map[uint64]uint32   // domains of everyday words, as bits
	world   map[string][]Name   // names that everybody knows, by slot
	artists fuzzy
	shows   fuzzy
}

func newIndex() *index {
	return &index{phrases: map[uint64]*phrase{}, longer: map[uint64]struct{}{}, words: map[uint64]uint32{}}
}

// add makes text stand for a meaning.
func (x *index) add(text string, m meaning) {
	var buf [16]token
	x.addTokens(tokenize(buf[:0], text), m)
}

func (x *index) addTokens(toks []token, m meaning) {
	if len(toks) == 0 || len(toks) > maxPhrase {
		return
	}
	h := uint64(fnvOffset)
	for i, t := range toks {
		h = hashPhrase(h, t.text)
		if i < len(toks)-1 {
			x.longer[h] = struct{}{}
		}
	}
	p := x.phrases[h]
	if p == nil {
		p = &phrase{}
		x.phrases[h] = p
	}
	p.kinds |= m.kind
	if i := slices.IndexFunc(p.values, func(o meaning) bool { return o.kind == m.kind }); i < 0 {
		p.values = append(p.values, m)
	} else if m.popularity > p.values[i].popularity {
		p.values[i] = m
	}
}

// addGazetteer adds the names of the catalogue.
func (x *index) addGazetteer(g Gazetteer) {
	for _, list := range []struct {
		kind  kind
		names []Name
	}{
		{kindArtist, g.Artists},
		{kindAlbum, g.Albums},
		{kindTrack, g.Tracks},
		{kindShow, g.Shows},
		{kindPlaylist, g.Playlists},
		{kindGenre, g.Genres},
	} {
		for _, n := range list.names {
			x.addName(n, list.kind)
		}
	}
	x.artists = newFuzzy(append(slices.Clone(x.world["artist"]), g.Artists...))
	x.shows = newFuzzy(append(slices.Clone(x.world["show"]), g.Shows...))
}

func (x *index) addName(n Name, k kind) {
	m := meaning{k, n.Canonical, n.Popularity}
	var buf [16]token
	toks := tokenize(buf[:0], n.Text)
	x.addTokens(toks, m)
	if len(toks) > 1 && toks[0].text == "the" {
		x.addTokens(toks[1:], m)
	}
	if k == kindShow {
		x.addShow(n, toks)
	}
}

// addShow adds the shorter forms of a podcast's name: "The X Podcast" is X, "X with Y" too.
func (x *index) addShow(n Name, toks []token) {
	m := meaning{kindShow, n.Canonical, n.Popularity - 1}
	if toks[0].text == "the" {
		toks = toks[1:]
	}
	if i := slices.IndexFunc(toks, func(t token) bool { return t.text == "with" }); i > 0 {
		x.addTokens(toks[:i], m)
	}
	if last := len(toks) - 1; last > 1 {
		switch toks[last].text {
		case "podcast", "show", "radio", "experience":
			x.addTokens(toks[:last], m)
		}
	}
}

// lookup returns what the whole of toks stands for, or nil.
func (x *index) lookup(toks []token) *phrase {
	if len(toks) == 0 || len(toks) > maxPhrase {
		return nil
	}
	h := uint64(fnvOffset)
	for _, t := range toks {
		h = hashPhrase(h, t.text)
	}
	return x.phrases[h]
}

// version identifies the names of a gazetteer.
func (g Gazetteer) version() uint64 {
	h := fnv.New64a()
	for _, names := range [][]Name{g.Artists, g.Albums, g.Tracks, g.Shows, g.Playlists, g.Genres} {
		for _, n := range names {
			_, _ = h.Write([]byte(n.Text + "\x00" + n.Canonical + "\x00"))
		}
		_, _ = h.Write([]byte{1})
	}
	return h.Sum64()
}

// fuzzy finds names with typos.
type fuzzy struct{ entries []fuzzyEntry } // by length, then by popularity

type fuzzyEntry struct {
	name    string // folded
	letters uint32
	meaning string
	length  int // in runes
	popular int
}

// shortestFuzzy is the shortest name that may be misspelt.
const shortestFuzzy = 5

func newFuzzy(names []Name) fuzzy {
	var f fuzzy
	for _, n := range names {
		folded := strings.TrimPrefix(fold(n.Text), "the ")
		if length := utf8.RuneCountInString(folded); length >= shortestFuzzy {
			f.entries = append(f.entries, fuzzyEntry{folded, letterSet(folded), n.Canonical, length, n.Popularity})
		}
	}
	slices.SortFunc(f.entries, func(a, b fuzzyEntry) int {
		return cmp.Or(cmp.Compare(a.length, b.length), cmp.Compare(b.popular, a.popular), strings.Compare(a.name, b.name))
	})
	return f
}

// nearest returns the canonical spelling of the name closest to folded, or "". It allows
// one typo in a short name and two in a longer one; the first letter must be right.
func (f fuzzy) nearest(folded string) string {
	folded = strings.TrimPrefix(folded, "the ")
	length := utf8.RuneCountInString(folded)
	limit := allowedTypos(length)
	if limit == 0 {
		return ""
	}
	set := letterSet(folded)
	from, _ := slices.BinarySearchFunc(f.entries, length-limit, func(e fuzzyEntry, n int) int { return cmp.Compare(e.length, n) })
	best, bestDistance, bestPopular := "", limit+1, -1
	for _, e := range f.entries[from:] {
		if e.length > length+limit {
			break
		}
		if e.name[0] != folded[0] || bits.OnesCount32(e.letters^set) > 2*limit {
			continue
		}
		d := distance(folded, e.name, limit)
		if d > limit {
			continue
		}
		if d < bestDistance || d == bestDistance && e.popular > bestPopular {
			best, bestDistance, bestPopular = e.meaning, d, e.popular
		}
	}
	return best
}

func allowedTypos(length int) int {
	switch {
	case length < shortestFuzzy:
		return 0
	case length < 8:
		return 1
	default:
		return 2
	}
}

// letterSet has a bit for every letter of s; digits and other letters share the rest.
func letterSet(s string) uint32 {
	var set uint32
	for i := range len(s) {
		if c := s[i]; 'a' <= c && c <= 'z' {
			set |= 1 << (c - 'a')
		} else {
			set |= 1 << (26 + c%6)
		}
	}
	return set
}

// maxDistanceLength bounds the names that distance compares.
const maxDistanceLength = 48

// distance returns the number of insertions, deletions, substitutions and swaps of
// neighbours that turn a into b, in bytes, or limit+1 when there are more.
func distance(a, b string, limit int) int {
	if len(a) > maxDistanceLength || len(b) > maxDistanceLength {
		return limit + 1
	}
	var rows [3][maxDistanceLength + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 0
			if a[i-1] != b[j-1] {
				cost = 1
			}
			d := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit+1)
}
