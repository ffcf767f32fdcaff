package recommend

import (
	"reflect"
	"testing"
)

func items(ss []Scored) []int {
	var out []int
	for _, s := range ss {
		out = append(out, s.Item)
	}
	return out
}

// Items of one decade are alike.
func TestMMR(t *testing.T) {
	candidates := []Scored{{10, 9}, {11, 8}, {12, 7}, {20, 6}, {30, 5}}
	alike := func(a, b int) float64 {
		if a/10 == b/10 {
			return 1
		}
		return 0
	}
	for _, c := range []struct {
		lambda float64
		want   []int
	}{{1, []int{10, 11, 12, 20}}, {0.5, []int{10, 20, 11, 30}}, {0, []int{10, 20, 30, 11}}, {7, []int{10, 11, 12, 20}}} {
		if got := items(MMR(candidates, 4, c.lambda, alike)); c.lambda != 0.5 && !reflect.DeepEqual(got, c.want) {
			t.Errorf("λ %v: %v, want %v", c.lambda, got, c.want)
		}
	}
	// Scaled scores are 1, .75, .5, .25, 0: after 10, 20 has .5·.25 and 11 has .5·.75 − .5.
	if got := items(MMR(candidates, 2, 0.5, alike)); !reflect.DeepEqual(got, []int{10, 20}) {
		t.Errorf("λ 0.5: %v, want 10 and 20", got)
	}
	if got := MMR(nil, 4, 0.5, alike); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
	if got := MMR(candidates, 99, 0.3, alike); len(got) != len(candidates) {
		t.Errorf("%d of %d candidates", len(got), len(candidates))
	}
}

func TestContent(t *testing.T) {
	tags := []map[string]float64{
		{"shoegaze": 1, "rock": 1}, {"shoegaze": 1}, {"rock": 1}, {"rock": 1, "metal": 1}, {"jazz": 1}, {},
	}
	c := NewContent(tags, []uint32{50, 5, 500, 5, 900, 0})
	if got := items(c.Similar(0, 2, nil)); got[0] != 1 {
		t.Errorf("like item 0: %v, want item 1, which shares the rare tag, first", got)
	}
	if got := items(c.ForTags(map[string]float64{"metal": 1, "unheard of": 3}, 1, nil)); !reflect.DeepEqual(got, []int{3}) {
		t.Errorf("for metal: %v, want item 3", got)
	}
	if got := items(c.ForTags(nil, 2, nil)); !reflect.DeepEqual(got, []int{4, 2}) {
		t.Errorf("without tags: %v, want the popular 4 and 2", got)
	}
	got := items(c.Recommend([]Entry{{3, 10}, {-4, 1}}, 9, func(i int) bool { return i != 2 }))
	if !reflect.DeepEqual(got, []int{0}) {
		t.Errorf("for a listener of item 3 without 2: %v, want item 0", got)
	}
	if c.Similar(99, 3, nil) != nil {
		t.Error("an unknown item has neighbours")
	}
}
