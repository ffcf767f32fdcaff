package fusion

import (
	"math/bits"
	"strings"
)

// versions is a set of what tells recordings or editions of one work apart.
type versions uint16

// The closed set of versions, in the order of their names.
const (
	acoustic versions = 1 << iota
	albumCut          // as on the album
	clean
	deluxe // and expanded, anniversary and other editions with more on them
	demo
	edit // for the radio
	explicit
	live
	mono
	remaster
	session
	single
	stereo
	studio // the plain one, under a version that is not
)

func versionNames() [14]string {
	return [...]string{
		"acoustic", "album", "clean", "deluxe", "demo", "edit", "explicit",
		"live", "mono", "remaster", "session", "single", "stereo", "studio",
	}
}

// names lists the set, sorted; nil if it is empty.
func (v versions) names() []string {
	if v == 0 {
		return nil
	}
	all, names := versionNames(), make([]string, 0, bits.OnesCount16(uint16(v)))
	for i, name := range all {
		if v&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// plain reports whether the set says nothing against the recording that everybody knows.
func (v versions) plain() bool { return v&^(albumCut|single|studio|explicit) == 0 }

// role is what a word does in a qualifier such as "Live at Wembley, 2011 Remaster".
type role uint8

const (
	unknown     role = iota
	naming           // it names a version
	filling          // it says nothing by itself: "version", "the", 2011
	placing          // what follows says where or when: "at"
	editing          // "edition": whatever comes before it names one
	sitting          // "session": whatever comes before it names one
	originating      // "original": of a mix or a version, it is the plain one
	standing         // it makes a work of its own: "remix", "part"
)

// meaning returns the role of a word in lower case, and the versions that it names.
func meaning(word string) (role, versions) {
	switch word {
	case "live", "concert", "vivo":
		return naming, live
	case "remaster", "remastered", "remastering", "remasterizado", "remasterizada":
		return naming, remaster
	case "deluxe", "expanded", "anniversary", "bonus":
		return naming, deluxe
	case "mono":
		return naming, mono
	case "stereo":
		return naming, stereo
	case "edit", "radio":
		return naming, edit
	case "single":
		return naming, single
	case "album", "lp":
		return naming, albumCut
	case "explicit":
		return naming, explicit
	case "clean", "edited":
		return naming, clean
	case "acoustic", "unplugged":
		return naming, acoustic
	case "demo", "demos":
		return naming, demo
	case "studio":
		return naming, studio
	}
	return helping(word), 0
}

// helping returns the role of a word that names no version.
func helping(word string) role {
	switch word {
	case "version", "mix", "the", "a", "an", "and", "new", "digital", "digitally", "bit", "hd", "track", "tracks", "recording", "recorded", "recordings",
		"super", "early", "home", "rough", "full", "en", "ao", "mtv", "bbc":
		return filling
	case "at", "in", "from", "on", "by", "with":
		return placing
	case "edition":
		return editing
	case "session", "sessions":
		return sitting
	case "original":
		return originating
	case "remix", "remixes", "remixed", "rmx", "cover", "covers", "karaoke", "instrumental", "tribute", "medley", "reprise", "dub", "mashup",
		"part", "pt", "vol", "volume", "chapter", "vs":
		return standing
	}
	if isNumber(word) {
		return filling
	}
	return unknown
}

// isNumber reports whether a word is digits, or an ordinal such as 25th.
func isNumber(word string) bool {
	digits := strings.TrimRight(word, "sthndr")
	if digits == "" || len(word)-len(digits) != 0 && len(word)-len(digits) != 2 {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// qualifier is what is understood of one while its words go by.
type qualifier struct {
	set      versions
	last     role // of the last word
	unknowns bool
	original bool
	free     bool // after a place: whatever comes names it
}

// qualify returns the versions that a qualifier names. It returns none where a word is not
// understood: what cannot be told is a work of its own.
func qualify(text string) versions {
	var (
		q   qualifier
		buf [24]byte // longer words are none of ours
	)
	for rest := text; ; {
		word, tail, ok := nextWord(rest, buf[:0])
		if !ok {
			return q.result()
		}
		if rest = tail; !q.take(meaning(string(word))) {
			return 0
		}
	}
}

// take takes in the next word, and reports whether the qualifier can still name versions.
func (q *qualifier) take(r role, set versions) bool {
	q.last = r
	switch r {
	case standing:
		return false
	case placing:
		const placed = live | acoustic | demo | session | remaster
		if !q.free && q.set&placed == 0 {
			return false
		}
		q.free = true
	case naming:
		if !q.free || set == remaster {
			q.set |= set
		}
	case sitting:
		if !q.free {
			q.set |= session
		}
	case originating:
		q.original = true
	case unknown:
		q.unknowns = q.unknowns || !q.free
	case filling, editing:
	}
	return true
}

func (q *qualifier) result() versions {
	switch {
	case q.last == editing && !q.free:
		return q.set | deluxe
	case q.last == sitting:
		return q.set
	case q.unknowns:
		return 0
	case q.set == 0 && q.original && q.last == filling:
		return albumCut
	}
	return q.set
}

// nextWord returns the first word of s in lower case, written to buf, and what follows it.
// An apostrophe is no end of a word. A word that is too long or not of ASCII is returned
// as one that nobody knows.
func nextWord(s string, buf []byte) (word []byte, rest string, ok bool) {
	i := 0
	for i < len(s) && !wordByte(s[i]) {
		i++
	}
	start, word := i, buf
	for ; i < len(s) && (wordByte(s[i]) || s[i] == '\''); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != '\'' && len(word) < cap(word) {
			word = append(word, c)
		}
	}
	return word, s[i:], i > start
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// askedFor returns the versions that a query asks for by word. "Single" and "album" ask
// for a kind of release and are left out.
func askedFor(query string) versions {
	var (
		set versions
		buf [24]byte
	)
	for rest := query; ; {
		word, tail, ok := nextWord(rest, buf[:0])
		if !ok {
			return set &^ (single | albumCut | studio)
		}
		rest = tail
		r, named := meaning(string(word))
		if r == sitting {
			named = session
		}
		if string(word) != "radio" && string(word) != "vivo" {
			set |= named
		}
	}
}
