package pages_test

import (
	"math"
	"testing"

	pages "github.com/parallel-fusion/pfr/evaluation/fusion"
)

func TestDistinct(t *testing.T) {
	if got := pages.Distinct([]string{"a", "a", "", "b", "a"}); math.Abs(got-0.5) > 1e-9 {
		t.Error(got)
	}
	if pages.Distinct(nil) != 0 {
		t.Error("of nothing")
	}
}
