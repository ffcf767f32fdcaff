package releaseinfo_test

import (
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/releaseinfo"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// BenchmarkTool measures answers from the sample and from a hundred thousand tracks.
func BenchmarkTool(b *testing.B) {
	invented.Bench{New: releaseinfo.New, Calls: calls}.Run(b)
}

// calls name artists, as they are, in a sentence, and with a letter too few.
func calls(c *catalog.Catalog) []tooltest.Call {
	var out []tooltest.Call
	for i := 0; i < c.Count(catalog.TypeArtist); i += 1 + c.Count(catalog.TypeArtist)/200 {
		name := c.Artist(i).Name()
		for _, text := range []string{name, "when does the next album by " + name + " come out", name[:len(name)-1]} {
			out = append(out, tooltest.Call{Params: schemas.Params{"artist": strings.ToValidUTF8(text, "")}})
		}
	}
	return out
}
