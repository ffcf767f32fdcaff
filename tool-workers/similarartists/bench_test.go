package similarartists_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/similarartists"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// BenchmarkTool measures answers from the sample and from a hundred thousand tracks.
func BenchmarkTool(b *testing.B) {
	invented.Bench{Listeners: invented.Listeners, New: similarartists.New, Calls: calls}.Run(b)
}

// calls name artists of all degrees of fame.
func calls(c *catalog.Catalog) []tooltest.Call {
	var out []tooltest.Call
	for i := 0; i < c.Count(catalog.TypeArtist); i += 1 + c.Count(catalog.TypeArtist)/200 {
		out = append(out, tooltest.Call{Params: schemas.Params{"artist": c.Artist(i).Name()}, Limit: 20})
	}
	return out
}
