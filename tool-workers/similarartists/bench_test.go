package similarartists_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/similarartists"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// BenchmarkTool measures answers from the sample and from a hundred thousand tracks.
func BenchmarkTool(b *testing.B) {
	b.Run("sample", func(b *testing.B) {
		f := tooltest.Finder(b, tooltest.Sample(b))
		invented.Measure(b, opened(b, f), calls(f.Catalog()))
	})
	b.Run("100k", func(b *testing.B) {
		w := invented.New(b, invented.Many, invented.Listeners)
		f := w.Finder(b, w.Learn(b, nil))
		invented.Measure(b, opened(b, f), calls(f.Catalog()))
	})
}

func opened(b *testing.B, f *taste.Finder) tools.Tool {
	b.Helper()
	tool, err := similarartists.New(f)
	if err != nil {
		b.Fatal(err)
	}
	return tool
}

// calls name artists of all degrees of fame.
func calls(c *catalog.Catalog) []tooltest.Call {
	var out []tooltest.Call
	for i := 0; i < c.Count(catalog.TypeArtist); i += 1 + c.Count(catalog.TypeArtist)/200 {
		out = append(out, tooltest.Call{Params: schemas.Params{"artist": c.Artist(i).Name()}, Limit: 20})
	}
	return out
}
