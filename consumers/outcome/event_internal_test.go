package outcome

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPackedEventsAreASet adds events in any order, some twice and in two forms, and
// expects what sorting and taking the smallest form gives.
func TestPackedEventsAreASet(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) event {
			return event{
				id: uint64(rapid.IntRange(1, 80).Draw(rt, "id")), at: int64(rapid.IntRange(0, 5).Draw(rt, "at")) + 1_772_625_600_000,
				section: uint32(rapid.IntRange(0, 2).Draw(rt, "section")), kind: kind(rapid.IntRange(0, 4).Draw(rt, "kind")),
				ordinal: uint8(rapid.IntRange(0, 3).Draw(rt, "ordinal")),
			}
		}), 0, 120).Draw(rt, "events")
		smallest := map[uint64]event{}
		var got packed
		flooded := false
		for _, e := range events {
			if o, ok := smallest[e.id]; !ok || e.less(o) {
				smallest[e.id] = e
			}
			if flooded {
				continue
			}
			var did added
			got, did = got.add(e)
			flooded = did == addedFlood
		}
		if flooded != (len(smallest) > maxEvents) {
			rt.Fatalf("flooded: %v with %d events", flooded, len(smallest))
		}
		if flooded {
			return
		}
		var want []event
		for _, e := range smallest {
			want = append(want, e)
		}
		slices.SortFunc(want, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
		var all []event
		for i := range got.len() {
			all = append(all, got.at(i))
		}
		if !slices.Equal(all, want) {
			rt.Fatalf("got\n%v\nwant\n%v", all, want)
		}
	})
}

func TestSimilarWordings(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"indie rock", "new indie rock releases", true}, // all words of the first
		{"jazz for work", "jazz for sleep", true},       // 2 of 4
		{"jazz for deep work", "jazz to sleep", false},  // 1 of 6
		{"ＬＡＤＹ  Gaga", "lady gaga live", true},          // full width
		{"Beyoncé", "beyonce", false},                   // diacritics tell names apart
		{"jazz", " JAZZ", false},                        // the same text
		{"", "jazz", false},
	} {
		if got := similar(normalise(c.a), normalise(c.b)); got != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}
