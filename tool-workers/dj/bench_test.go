package dj_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// BenchmarkTool measures answers from the sample and from a hundred thousand tracks.
func BenchmarkTool(b *testing.B) {
	invented.Bench{Listeners: invented.Listeners, New: func(f *taste.Finder) (tools.Tool, error) { return dj.New(f, nil) }, Calls: calls}.Run(b)
}

// calls wish for genres, moods and the way of an artist.
func calls(c *catalog.Catalog) []tooltest.Call {
	var out []tooltest.Call
	for i := 0; i < c.Count(catalog.TypeArtist); i += 1 + c.Count(catalog.TypeArtist)/100 {
		a := c.Artist(i)
		for _, p := range []schemas.Params{{"genre": a.Genres()[0]}, {"activity": "study"}, {"artist": a.Name()}} {
			out = append(out, tooltest.Call{Query: "a mix", Params: p, Limit: 12})
		}
	}
	return out
}
