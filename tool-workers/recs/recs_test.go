package recs_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/recs"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

func open(tb testing.TB) tools.Tool {
	tb.Helper()
	t, err := recs.New(tooltest.Finder(tb, tooltest.Sample(tb)))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestGolden(t *testing.T) { tooltest.Golden(t, open(t), "testdata/calls.txt") }

func TestConformance(t *testing.T) {
	tooltest.Conform(t, open(t),
		tooltest.Call{Params: schemas.Params{"genre": "indie rock", "entity_types": []string{"track", "album"}, "max_weeks_from_release": 4}},
		tooltest.Call{Params: schemas.Params{"mood": "calm", "entity_types": []string{"artist", "playlist"}}},
		tooltest.Call{Params: schemas.Params{"artist": "Khruangbin"}},
		tooltest.Call{Params: schemas.Params{"topic": "history", "entity_types": []string{"show"}}},
		tooltest.Call{},
	)
}

func TestEmptyCatalogue(t *testing.T) {
	tool, err := recs.New(tooltest.Finder(t, tooltest.Catalog(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []schemas.Params{{}, {"artist": "x", "genre": "rock", "topic": "news"}} {
		if r := tooltest.Run(t, tool, tooltest.Call{Params: p}); len(r.Items) != 0 {
			t.Errorf("%v: %v", p, r.Items)
		}
	}
}
