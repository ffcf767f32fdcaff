// Package releaseinfo answers in a sentence when an artist's newest record came out, or
// when the next one will.
package releaseinfo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Params are the parameters of release_info.
type Params struct {
	Artist string `param:"artist" doc:"whose release; the name may stand in a longer text"`
}

// New returns release_info over the catalogue of f.
func New(f *taste.Finder) (tools.Tool, error) {
	return tools.Typed("release_info", tools.Spec{
		Version: "2.0.0", For: "one sentence on when an artist's newest release came out, and when the next one will",
		Example:  tools.Example{Query: "is there a new radiohead album", Params: schemas.Params{"artist": "Radiohead"}},
		CacheFor: 10 * time.Minute, Results: []schemas.ItemType{catalog.TypeAlbum},
	}, info{f.Catalog()}.run)
}

type info struct{ c *catalog.Catalog }

// run answers in the text; the item is the release that the answer is about.
func (t info) run(_ context.Context, call tools.Call[Params]) (tools.Result, error) {
	name := call.Params.Artist
	artist, ok := t.c.ArtistIn(name)
	switch {
	case name == "":
		return tools.Result{}, nil
	case !ok:
		return tools.Result{Text: fmt.Sprintf("Nothing is known here about releases by %s.", quote(name))}, nil
	}
	next, latest := t.releases(artist)
	switch {
	case next >= 0:
		return t.answer(next, t.upcoming(artist, next, latest)), nil
	case latest >= 0:
		return t.answer(latest, t.out(artist, latest)), nil
	default:
		return tools.Result{Text: fmt.Sprintf("No release by %s is in this catalogue.", artist.Name())}, nil
	}
}

// quote shortens a name that nobody knows, for it may be anything.
func quote(name string) string {
	const most = 60
	plain := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, name))
	if len(plain) > most {
		plain = append(plain[:most], '…')
	}
	return "“" + string(plain) + "”"
}

// releases returns the next record that is announced and the latest that is out, -1 for
// none. Records are albums and EPs; an artist without any answers with a single.
func (t info) releases(artist catalog.Artist) (next, latest int) {
	next, latest = -1, -1
	single := -1
	for _, n := range artist.Albums() { // newest first
		i, a := int(n), t.c.Album(int(n))
		switch {
		case a.Released().After(t.c.AsOf):
			next = i
		case slices.Contains([]catalog.Kind{catalog.KindAlbum, catalog.KindEP}, a.Kind()) && latest < 0:
			latest = i
		case single < 0:
			single = i
		}
	}
	if latest < 0 {
		latest = single
	}
	return next, latest
}

func (t info) answer(album int, text string) tools.Result {
	item := t.c.Item(catalog.Ref{Type: catalog.TypeAlbum, Index: album})
	item.Score, item.Why = 1, t.c.Album(album).Released().Ago(t.c.AsOf)
	return tools.Result{Text: text, Items: []schemas.Item{item}}
}

// out says when a release came out, and what is not known: its date, or the next one.
func (t info) out(artist catalog.Artist, album int) string {
	a := t.c.Album(album)
	if a.Released() == 0 {
		return fmt.Sprintf("%s is the latest %s by %s that is known here; when it came out is not, nor when the next one will.", a.Title(), a.Kind().InText(), artist.Name())
	}
	return fmt.Sprintf("%s, the latest %s by %s, came out %s%s. No date of a next one is known here.",
		a.Title(), a.Kind().InText(), artist.Name(), a.Released().On(), t.ago(a.Released()))
}

func (t info) upcoming(artist catalog.Artist, next, latest int) string {
	a := t.c.Album(next)
	text := fmt.Sprintf("%s, the next %s by %s, is announced and comes out %s.", a.Title(), a.Kind().InText(), artist.Name(), a.Released().On())
	if latest < 0 {
		return text
	}
	last := t.c.Album(latest)
	if last.Released() == 0 {
		return text + fmt.Sprintf(" The latest that is known here is %s; when it came out is not.", last.Title())
	}
	return text + fmt.Sprintf(" The latest that is out is %s, %s.", last.Title(), last.Released().On())
}

// ago counts from the day that stands for today, and names that day unless it is the real
// one.
func (t info) ago(d catalog.Date) string {
	if !d.Exact() {
		return ""
	}
	age := t.c.AsOf.Sub(d.Time())
	text := ", " + span(age)
	switch {
	case t.c.Dated && age < 24*time.Hour:
		text = ", the day of this catalogue"
	case age < 24*time.Hour:
		text = ", today"
	case t.c.Dated:
		text += fmt.Sprintf(" before this catalogue's date (%s)", t.c.AsOf.Format("2 January 2006"))
	default:
		text += " ago"
	}
	return text
}

func span(d time.Duration) string {
	days := int(d / (24 * time.Hour))
	switch {
	case days < 14:
		return plural(days, "day")
	case days < 2*365:
		return plural(days/7, "week")
	default:
		return plural(days/365, "year")
	}
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
