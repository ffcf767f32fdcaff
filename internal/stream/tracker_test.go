package stream

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTrackerWatermark finishes delivered records in any order, with gaps between their offsets,
// and compares the watermark with its definition after every step.
func TestTrackerWatermark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTracker()
		var offsets []int64
		done := map[int]bool{}
		open := map[int]uint64{} // index of an unfinished record -> ticket
		next := rapid.Int64Range(0, 1<<40).Draw(t, "first")
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(open) == 0 || rapid.Bool().Draw(t, "deliver") {
				open[len(offsets)] = tr.add(next)
				offsets = append(offsets, next)
				next += rapid.Int64Range(1, 5).Draw(t, "gap")
			} else {
				i := rapid.SampledFrom(keysOf(open)).Draw(t, "finish")
				tr.finish(open[i])
				delete(open, i)
				done[i] = true
			}
			want, wantOK := int64(-1), false
			for i := 0; i < len(offsets) && done[i]; i++ {
				want, wantOK = offsets[i]+1, true
			}
			if got, ok := tr.committable(); got != want || ok != wantOK {
				t.Fatalf("watermark %d %v, want %d %v", got, ok, want, wantOK)
			}
		}
	})
}

// keysOf returns the keys in ascending order, so that a failing case replays.
func keysOf(m map[int]uint64) []int {
	var out []int
	for i := 0; len(out) < len(m); i++ {
		if _, ok := m[i]; ok {
			out = append(out, i)
		}
	}
	return out
}
