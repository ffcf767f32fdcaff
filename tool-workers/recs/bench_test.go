package recs_test

import (
	"strconv"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/recs"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// BenchmarkTool measures answers from the sample and from a hundred thousand tracks.
func BenchmarkTool(b *testing.B) {
	invented.Bench{Listeners: invented.Listeners, New: recs.New, Calls: calls}.Run(b)
}

// calls wish for genres, moods, years, languages and news, half of them for a listener who
// is known, and for nothing at all.
func calls(c *catalog.Catalog) []tooltest.Call {
	var out []tooltest.Call
	for i := 0; i < c.Count(catalog.TypeArtist); i += 1 + c.Count(catalog.TypeArtist)/100 {
		a := c.Artist(i)
		for n, p := range []schemas.Params{
			{"genre": a.Genres()[0]},
			{"mood": first(a.Moods())},
			{"genre": a.Genres()[0], "era_from": 1990, "era_to": 1999},
			{"language": first(a.Languages())},
			{"genre": a.Genres()[0], "max_weeks_from_release": 12, "entity_types": []string{"track", "album"}},
			{"artist": a.Name()},
			{},
		} {
			call := tooltest.Call{Params: p, Limit: 20}
			if (i+n)%2 == 0 {
				call.User = &schemas.User{ID: "user-" + strconv.Itoa(i%invented.Listeners)}
			}
			out = append(out, call)
		}
	}
	return out
}

func first(of []string) string {
	if len(of) == 0 {
		return ""
	}
	return of[0]
}
