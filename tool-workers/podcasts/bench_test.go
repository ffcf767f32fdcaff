package podcasts_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/podcasts"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// BenchmarkTool measures answers from the sample and from a hundred thousand tracks.
func BenchmarkTool(b *testing.B) {
	invented.Bench{New: podcasts.New, Calls: calls}.Run(b)
}

// calls ask for shows and episodes by topic and language, and for the episodes of a show.
func calls(c *catalog.Catalog) []tooltest.Call {
	var out []tooltest.Call
	for i := 0; i < c.Count(catalog.TypeShow); i += 1 + c.Count(catalog.TypeShow)/200 {
		s := c.Show(i)
		for _, p := range []schemas.Params{
			{"topic": s.Topics()[0]},
			{"topic": s.Topics()[0], "language": s.Language(), "entity_types": []string{"episode"}},
			{"show": s.Title()},
			{"text": s.Title()},
		} {
			out = append(out, tooltest.Call{Params: p, Limit: 20})
		}
	}
	return out
}
