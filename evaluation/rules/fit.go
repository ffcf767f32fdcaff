package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/dates"
	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// fits reports whether an item has all that the needs ask of one, but for being new.
func (l look) fits(n testset.Needs, it judge.Item) bool {
	switch {
	case n.Entity != "" && !named(n.Entity, it.Title):
	case n.Artist != "" && !by(it, n.Artist):
	case n.Seed != "" && (by(it, n.Seed) || same(it.Title, n.Seed)):
	case len(n.Types) > 0 && !slices.Contains(n.Types, it.Type):
	case slices.ContainsFunc(n.Avoid, func(g string) bool { return l.within(it, g) }):
	default:
		return l.kind(n, it) && period(n, it)
	}
	return false
}

// named reports whether a title is that of the named thing, or begins or ends with it:
// "Radiohead" for "This Is Radiohead", "The Daily" for "The Daily: Monday".
func named(name, title string) bool {
	name, title = testset.Normalise(name), testset.Normalise(title)
	return same(name, title) || strings.HasPrefix(title, name+" ") || strings.HasSuffix(title, " "+name)
}

func by(it judge.Item, artist string) bool {
	return slices.ContainsFunc(it.Artists, func(a string) bool { return same(a, artist) }) || it.Type == "artist" && same(it.Title, artist)
}

// kind reports whether an item is of a genre that is wanted, or a collection that says so.
func (l look) kind(n testset.Needs, it judge.Item) bool {
	if len(n.Genres) == 0 && (len(n.Words) == 0 || !collection(it)) {
		return true
	}
	return slices.ContainsFunc(n.Genres, func(g string) bool { return l.within(it, g) }) || says(n, it)
}

func (l look) within(it judge.Item, wanted string) bool {
	return slices.ContainsFunc(it.Genres, func(g string) bool { return l.genres.Within(g, wanted) })
}

// collection reports whether the title of an item says what is in it. That of a song does
// not: a song called "Rainy Day" need not suit one.
func collection(it judge.Item) bool {
	return it.Type == "playlist" || it.Type == "show" || it.Type == "episode"
}

func says(n testset.Needs, it judge.Item) bool {
	if !collection(it) {
		return false
	}
	title := " " + testset.Normalise(it.Title) + " "
	return slices.ContainsFunc(n.Words, func(w string) bool { return strings.Contains(title, " "+testset.Normalise(w)+" ") })
}

// period reports whether an item came out in the years that are wanted. Of what has no date,
// only a collection that says so does.
func period(n testset.Needs, it judge.Item) bool {
	if n.FromYear == 0 && n.ToYear == 0 {
		return true
	}
	if len(it.ReleaseDate) < 4 {
		return says(n, it)
	}
	year, err := strconv.Atoi(it.ReleaseDate[:4])
	return err == nil && year >= n.FromYear && (n.ToYear == 0 || year <= n.ToYear)
}

// recent reports whether an item came out in the last weeks. A date without a day or month
// stands for all the days that it may be. What is yet to come out did not.
func (l look) recent(it judge.Item, weeks int) bool {
	from, to, ok := dates.Days(it.ReleaseDate)
	return ok && !from.After(l.today) && !to.Before(l.today.AddDate(0, 0, -7*weeks))
}
