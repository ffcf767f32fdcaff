package fusion

import (
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// Types of items that are works, and kinds of releases that differ in what they are.
const (
	typeTrack       = "track"
	typeAlbum       = "album"
	kindSingle      = "single"
	kindLive        = "live"
	kindEP          = "ep"
	kindCompilation = "compilation"
	kindRemix       = "remix"
)

// class keeps works apart that may have one title: a song is not the album that is named
// after it.
type class byte

const (
	classSong  class = 's'
	classAlbum class = 'a'
)

// work is what an item is at bottom: the song or the album, whatever recording or edition
// of it. It refers to its item.
type work struct {
	item     *schemas.Item
	id       uint64   // hash of the item's id
	title    uint64   // of class and title, without versions; 0: nothing but its id tells it apart
	main     uint64   // first artist
	versions versions // of the work that the item is
	bare     bool     // the title of an album names no version: its year tells it from others of its title
}

// workOf returns the work of an item. Versions that the query asks for are works of their
// own.
func workOf(it *schemas.Item, asked versions) work {
	w := work{item: it, id: hashBytes(fnvBasis, it.ID)}
	if it.Type != typeTrack && it.Type != typeAlbum || len(it.Artists) == 0 {
		return w
	}
	head, named := splitTitle(it.Title)
	w.versions = named
	c := classSong
	if it.Type == typeAlbum && it.Kind == kindSingle {
		w.versions |= single
	} else if it.Type == typeAlbum {
		c = albumClass(it.Kind, named)
		w.bare = named == 0
	}
	if named&asked != 0 {
		head, w.bare = it.Title, false
	}
	w.title = titleHash(c, head, it)
	w.main = artistHash(it.Artists[0])
	return w
}

// albumClass returns the class of an album. Albums of different kinds are different works,
// but for editions of one.
func albumClass(kind string, named versions) class {
	switch {
	case kind == kindEP, kind == kindCompilation, kind == kindRemix, kind == kindLive && named&live == 0:
		return class(kind[0])
	default:
		return classAlbum
	}
}

// titleHash hashes a title without its featured artists. Titles that every album may have
// once count for that album alone.
func titleHash(c class, head string, it *schemas.Item) uint64 {
	f := newFolding()
	withoutFeatured(head, f.text)
	h := (f.sum(head) ^ uint64(c)) * fnvPrime
	if c == classSong && generic(head) {
		h ^= foldHash(it.Subtitle)
	}
	return max(h, 1)
}

// generic reports whether a title says what a track is for, and not which it is.
func generic(title string) bool {
	var buf [24]byte
	word, rest, _ := nextWord(title, buf[:0])
	if _, _, more := nextWord(rest, nil); more {
		return false
	}
	switch string(word) {
	case "intro", "outro", "interlude", "skit", "prelude", "untitled", "introduction", "intermission":
		return true
	}
	return false
}

func artistHash(name string) uint64 {
	f := newFolding()
	withoutFeatured(name, f.text)
	return f.sum(name)
}

// same reports whether two works are one: equal in title and class, and the main artist of
// one is an artist of the other. Albums of one title and artist that came out in different
// years are different works, unless one of them is a named edition.
func (w *work) same(o *work) bool {
	if w.id == o.id && w.item.ID == o.item.ID {
		return true
	}
	if w.title != o.title || w.title == 0 || !w.sharesArtist(o) {
		return false
	}
	return !w.bare || !o.bare || sameYear(w.item.ReleaseDate, o.item.ReleaseDate)
}

func (w *work) sharesArtist(o *work) bool {
	return w.main == o.main || isAmong(w.main, o.item.Artists) || isAmong(o.main, w.item.Artists)
}

func isAmong(artist uint64, names []string) bool {
	for _, name := range names[1:] { // the first was compared
		if artistHash(name) == artist {
			return true
		}
	}
	return false
}

// sameYear compares dates by year. One that is not known is no difference.
func sameYear(a, b string) bool {
	const year = 4
	return len(a) < year || len(b) < year || a[:year] == b[:year]
}

// under returns the versions that w stands for when it is left out for kept.
func (w *work) under(kept *work) versions {
	if w.versions != 0 {
		return w.versions
	}
	switch {
	case kept.versions.plain() && kept.versions&single != 0:
		return albumCut
	case !kept.versions.plain():
		return studio
	}
	return 0
}

// splitTitle takes the qualifiers that name versions off the end of a title: in brackets or
// after a dash. The rest of a title is never empty.
func splitTitle(title string) (head string, named versions) {
	head = title
	for {
		rest, q, ok := cutQualifier(head)
		if !ok {
			return head, named
		}
		set := qualify(q)
		if set == 0 && !featuring(q) {
			return head, named
		}
		head, named = rest, named|set
	}
}

// cutQualifier cuts the last qualifier off a title.
func cutQualifier(title string) (rest, q string, ok bool) {
	title = strings.TrimRight(title, " ")
	if rest, q, ok = cutBrackets(title); !ok {
		rest, q, ok = cutDash(title)
	}
	rest = strings.TrimRight(rest, " ")
	return rest, q, ok && rest != ""
}

func cutBrackets(title string) (rest, q string, ok bool) {
	for _, pair := range [...][2]string{{"(", ")"}, {"[", "]"}, {"（", "）"}, {"【", "】"}} {
		if body, closed := strings.CutSuffix(title, pair[1]); closed {
			if i := openingAt(body, pair); i >= 0 {
				return body[:i], body[i+len(pair[0]):], true
			}
		}
	}
	return title, "", false
}

// openingAt returns where the bracket was opened that closes at the end of body, or -1.
func openingAt(body string, pair [2]string) int {
	depth := 1
	for i := len(body); i > 0; i-- {
		switch s := body[i-1:]; {
		case strings.HasPrefix(s, pair[1]):
			depth++
		case strings.HasPrefix(s, pair[0]):
			if depth--; depth == 0 {
				return i - 1
			}
		}
	}
	return -1
}

func cutDash(title string) (rest, q string, ok bool) {
	at, size := -1, 0
	for _, dash := range [...]string{" - ", " – ", " — "} {
		if i := strings.LastIndex(title, dash); i > at {
			at, size = i, len(dash)
		}
	}
	if at < 0 {
		return title, "", false
	}
	return title[:at], title[at+size:], true
}

// featuring reports whether a text begins by naming featured artists.
func featuring(text string) bool {
	var buf [24]byte
	word, rest, _ := nextWord(text, buf[:0])
	switch string(word) {
	case "feat", "ft", "featuring":
		return rest != ""
	}
	return false
}

// withoutFeatured hands the parts of a text to add that do not name featured artists.
func withoutFeatured(text string, add func(string)) {
	for {
		from := featuredAt(text)
		if from < 0 {
			add(text)
			return
		}
		add(text[:from])
		add(" ")
		end := strings.IndexAny(text[from:], ")][(")
		if end < 0 {
			return
		}
		text = text[from+end:]
	}
}

// featuredAt returns where featured artists are named in a text, after its first word; -1
// if nowhere.
func featuredAt(text string) int {
	for i := 1; i < len(text); i++ {
		if c := text[i] | 0x20; c == 'f' && !wordByte(text[i-1]) && featuring(text[i:]) {
			return i
		}
	}
	return -1
}
