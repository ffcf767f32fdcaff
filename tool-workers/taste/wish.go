package taste

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taxonomy"
)

// Wish is what a call asks for. The zero Wish asks for anything.
type Wish struct {
	Genre    string // a term of the taxonomy, or a word that it does not know
	Mood     string
	Activity *taxonomy.Activity
	From, To int    // years, inclusive; 0 for open
	Language string // ISO 639-1
	Weeks    int    // released at most so many weeks ago; 0 for any time
	Artist   string // in the way of this artist, but by others
}

// WishParams are the parameters of tools that take a wish for music.
type WishParams struct {
	Genre    string `param:"genre" doc:"a genre or sub-genre, such as indie rock"`
	Mood     string `param:"mood" doc:"a mood, such as chill"`
	Activity string `param:"activity" doc:"what the listener is doing, such as study"`
	EraFrom  int    `param:"era_from" doc:"first year of an era" min:"1500" max:"2100"`
	EraTo    int    `param:"era_to" doc:"last year of an era" min:"1500" max:"2100"`
	Language string `param:"language" doc:"language of the music, as an ISO 639-1 code or its English name"`
	Weeks    int    `param:"max_weeks_from_release" doc:"only what came out at most so many weeks ago" min:"1" max:"520"`
	Artist   string `param:"artist" doc:"music in the way of this artist, by others"`
}

// Wish reads the parameters of a call. A mood, activity or language that nobody knows is
// left out.
func (f *Finder) Wish(p WishParams) Wish {
	w := Wish{
		Genre: known(f.tax.Genres, p.Genre), Mood: f.tax.Mood(p.Mood), Language: languageCode(p.Language),
		From: p.EraFrom, To: p.EraTo, Weeks: p.Weeks, Artist: p.Artist,
	}
	if i, ok := f.Artist(w.Artist); ok {
		w.Artist = f.c.Artist(i).Name()
	}
	w.Activity, _ = f.tax.Activity(p.Activity)
	if w.From > w.To && w.To != 0 {
		w.From, w.To = w.To, w.From
	}
	return w
}

// known returns the term that a name stands for, or the name as plain words: it may be
// anything, and it may end up in a reason.
func known(t *taxonomy.Tree, name string) string {
	if term := t.Term(name); term != "" {
		return term
	}
	const most = 40
	plain := []rune(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == ' ' {
			return r
		}
		return -1
	}, catalog.Fold(name)))
	return string(plain[:min(most, len(plain))])
}

// Empty reports whether the wish is for anything at all.
func (w Wish) Empty() bool { return w == Wish{} }

// String describes the music that is wished for: "calm jazz for dinner". It is "" for
// anything.
func (w Wish) String() string {
	words := describe(w.Mood, w.Genre)
	if w.Activity != nil {
		words = Join(words, " ", "for "+w.Activity.Name)
	}
	if w.From != 0 || w.To != 0 {
		words = Join(words, " ", era(w.From, w.To))
	}
	return words
}

func describe(mood, genre string) string { return Join(mood, " ", genre) }

// Join joins what is there of two parts of a text.
func Join(a, glue, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + glue + b
}

// era names years: "from the 1980s", "from 1984", "from 1975 to 1983", "from 2010 on", "up
// to 1969".
func era(from, to int) string {
	switch {
	case to == 0:
		return fmt.Sprintf("from %d on", from)
	case from == 0:
		return fmt.Sprintf("up to %d", to)
	case from == to:
		return fmt.Sprintf("from %d", from)
	case from%10 == 0 && to == from+9:
		return fmt.Sprintf("from the %ds", from)
	default:
		return fmt.Sprintf("from %d to %d", from, to)
	}
}
