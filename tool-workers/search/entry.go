package search

import (
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// entry is something that can be found, with all its names folded.
type entry struct {
	ref        catalog.Ref
	names      []string // the first is its own, the others are aliases
	by         string   // who made it, or what it is part of
	popularity int
	group      int // entries of one group are found together
}

// entries lists the catalogue, most popular first, and says how many groups there are.
func entries(c *catalog.Catalog) (all []entry, groups int) {
	var names []string
	for a := range c.Artists() {
		names = append(names, catalog.Fold(a.Name()))
		all = append(all, entry{a.Ref(), folded(names[a.Index()], a.Aliases()), "", a.Popularity(), a.Index()})
	}
	groups = len(names)
	for a := range c.Albums() {
		title := []string{catalog.Fold(a.Title())}
		all = append(all, entry{a.Ref(), title, names[a.Artist().Index()], a.Popularity(), groups + a.Index()})
	}
	albums := groups
	groups += c.Count(catalog.TypeAlbum)
	for t := range c.Tracks() {
		by := strings.Join(folded(names[t.Artist().Index()], t.Featured()), " ")
		group := t.Artist().Index()
		if album, ok := t.Album(); ok {
			group = albums + album.Index()
		}
		all = append(all, entry{t.Ref(), []string{catalog.Fold(t.Title())}, by, t.Popularity(), group})
	}
	for p := range c.Playlists() {
		all = append(all, entry{p.Ref(), []string{catalog.Fold(p.Title())}, "", p.Popularity(), groups + p.Index()})
	}
	groups += c.Count(catalog.TypePlaylist)
	all = append(all, spoken(c, groups)...)
	return popularFirst(all), groups + c.Count(catalog.TypeShow)
}

// spoken lists shows and episodes; their groups begin at first.
func spoken(c *catalog.Catalog, first int) []entry {
	var out []entry
	for s := range c.Shows() {
		title := catalog.Fold(s.Title())
		out = append(out, entry{s.Ref(), []string{title}, catalog.Fold(s.Publisher()), s.Popularity(), first + s.Index()})
		for _, i := range s.Episodes() {
			e := c.Episode(int(i))
			out = append(out, entry{e.Ref(), []string{catalog.Fold(e.Title())}, title, max(1, s.Popularity()-20), first + s.Index()})
		}
	}
	return out
}

// popularFirst sorts by popularity, which is between 1 and 100, and keeps the order of
// equals.
func popularFirst(all []entry) []entry {
	var by [101][]entry
	for _, e := range all {
		p := min(max(e.popularity, 0), 100)
		by[p] = append(by[p], e)
	}
	slices.Reverse(by[:])
	return slices.Concat(by[:]...)
}

func folded(first string, others []string) []string {
	out := make([]string, 1, 1+len(others))
	out[0] = first
	for _, name := range others {
		out = append(out, catalog.Fold(name))
	}
	return out
}

// groupTexts returns what the index holds of each group, and its entries.
func groupTexts(all []entry, groups int) (texts []string, members [][]int32) {
	members = make([][]int32, groups)
	for i, e := range all {
		members[e.group] = append(members[e.group], int32(i))
	}
	texts = make([]string, groups)
	for g, of := range members {
		var b strings.Builder
		by := ""
		for _, i := range of {
			e := all[i]
			e.writeNames(&b)
			if e.by != by { // mostly the same all over a group
				by = e.by
				b.WriteString(by + " ")
			}
		}
		texts[g] = b.String()
	}
	return texts, members
}

// writeNames writes the words of an entry, and a short name also in one word, as people
// write it who do not know better.
func (e entry) writeNames(b *strings.Builder) {
	for _, name := range e.names {
		b.WriteString(name + " ")
		if e.ref.Type == catalog.TypeArtist || e.ref.Type == catalog.TypeShow {
			if n := strings.Count(name, " "); n > 0 && n < 4 {
				b.WriteString(squeeze(name) + " ")
			}
		}
	}
}

func squeeze(name string) string { return strings.ReplaceAll(name, " ", "") }

// mayHold reports whether an entry can hold all words of a literal reading. It is quick and
// errs on the side of yes.
func (e *entry) mayHold(l look) bool {
	if l.typos {
		return true
	}
	for _, w := range l.words {
		if !strings.Contains(e.by, w) && !slices.ContainsFunc(e.names, func(name string) bool { return strings.Contains(name, w) }) && !e.squeezed(l) {
			return false
		}
	}
	return true
}

// squeezed reports whether the text is a name of the entry in one word.
func (e *entry) squeezed(l look) bool {
	return len(l.words) == 1 && slices.ContainsFunc(e.names, func(name string) bool {
		return len(name) >= len(l.text) && strings.HasPrefix(squeeze(name), l.text)
	})
}
