package export_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/schemas"
)

// act returns an event on the i-th page.
func act(i int, offset int64, action, section, object string, played int) record {
	r := eventAt(i, 0, offset)
	r.event.EventID = action + section + object + r.key()
	r.event.ActionName, r.event.SectionID, r.event.MSPlayed = action, section, played
	r.event.EventAttributes.Object.ObjectID = object
	return r
}

func TestBehaviourCountsEachSearchOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := open(t, config(dir))
	two := pageAt(1, 0, 2)
	two.page.Sections = append(two.page.Sections, schemas.Section{
		ID: "more", Tool: "recs", Component: "list", Status: schemas.SectionOK,
		Items: []schemas.Item{{ID: "track:common"}, {ID: "track:unseen"}},
	})
	for _, r := range []record{
		pageAt(0, 0, 1), two, pageAt(2, 0, 3),
		act(0, 1, schemas.ActionImpression, "results", "", 0),
		act(0, 2, schemas.ActionImpression, "results", "", 0), // the section came into view again
		act(0, 3, schemas.ActionClick, "results", "track:common", 0),
		act(0, 4, schemas.ActionClick, "results", "track:common", 0),
		act(0, 5, schemas.ActionStream, "results", "track:common", schemas.MinStreamMS),
		act(1, 6, schemas.ActionImpression, "results", "", 0),
		act(1, 7, schemas.ActionStream, "results", "track:1", schemas.MinStreamMS-1),
		act(2, 8, schemas.ActionClick, "results", "track:2", 0), // of a section that nobody saw
	} {
		if err := r.feed(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}

	got, err := export.ReadBehaviour(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]export.ItemBehaviour{
		"track:common": {Shown: 2, Clicked: 1, Streamed: 1},
		"track:0":      {Shown: 1},
		"track:1":      {Shown: 1},
	}
	if !maps.Equal(got, want) {
		t.Errorf("behaviour = %v, want %v", got, want)
	}
}

func TestBehaviourOfAnotherFolder(t *testing.T) {
	t.Parallel()
	if _, err := export.ReadBehaviour(t.TempDir()); err == nil || !strings.Contains(err.Error(), "pfr export parquet") {
		t.Errorf("err = %v, want one that says which folder is meant", err)
	}
}
