package newreleases_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/newreleases"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// BenchmarkTool measures answers from the sample and from a hundred thousand tracks.
func BenchmarkTool(b *testing.B) {
	invented.Bench{New: newreleases.New, Calls: calls}.Run(b)
}

// calls name artists and genres in turn.
func calls(c *catalog.Catalog) []tooltest.Call {
	var out []tooltest.Call
	for i := 0; i < c.Count(catalog.TypeArtist); i += 1 + c.Count(catalog.TypeArtist)/200 {
		a := c.Artist(i)
		for _, p := range []schemas.Params{{"artist": a.Name()}, {"genre": a.Genres()[0]}} {
			out = append(out, tooltest.Call{Params: p, Limit: 20})
		}
	}
	return out
}
