package similarartists_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/similarartists"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

func open(tb testing.TB) tools.Tool {
	tb.Helper()
	t, err := similarartists.New(tooltest.Finder(tb, tooltest.Sample(tb)))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestGolden(t *testing.T) { tooltest.Golden(t, open(t), "testdata/calls.txt") }

func TestConformance(t *testing.T) {
	tooltest.Conform(t, open(t),
		tooltest.Call{Params: schemas.Params{"artist": "Khruangbin"}},
		tooltest.Call{Params: schemas.Params{"artist": "Television"}},
		tooltest.Call{Params: schemas.Params{"genre": "shoegaze"}},
	)
}

func TestEmptyCatalogue(t *testing.T) {
	tool, err := similarartists.New(tooltest.Finder(t, tooltest.Catalog(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []schemas.Params{{}, {"artist": "x", "genre": "rock"}} {
		if r := tooltest.Run(t, tool, tooltest.Call{Params: p}); len(r.Items) != 0 {
			t.Errorf("%v: %v", p, r.Items)
		}
	}
}
