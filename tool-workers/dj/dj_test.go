package dj_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

func open(tb testing.TB) tools.Tool {
	tb.Helper()
	t, err := dj.New(tooltest.Finder(tb, tooltest.Sample(tb)), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestGolden(t *testing.T) { tooltest.Golden(t, open(t), "testdata/calls.txt") }

func TestConformance(t *testing.T) {
	tooltest.Conform(t, open(t),
		tooltest.Call{Query: "jazz for dinner", Params: schemas.Params{"genre": "jazz", "activity": "dinner"}, Limit: 12},
		tooltest.Call{Params: schemas.Params{"artist": "Khruangbin"}},
	)
}

func TestEmptyCatalogue(t *testing.T) {
	tool, err := dj.New(tooltest.Finder(t, tooltest.Catalog(t, "")), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []schemas.Params{{}, {"artist": "x", "genre": "rock"}} {
		if r := tooltest.Run(t, tool, tooltest.Call{Params: p}); len(r.Items) != 0 {
			t.Errorf("%v: %v", p, r.Items)
		}
	}
}
