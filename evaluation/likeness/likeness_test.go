package likeness_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/likeness"
)

func TestClusters(t *testing.T) {
	var sets [][]string
	for _, text := range []string{"a b c d", "a b c e", "a b c d e", "x y z", "a x", ""} {
		sets = append(sets, strings.Fields(text))
	}
	// The first two share three of five words, and both share four of five with the third.
	want := []string{"a b c d", "a b c d", "a b c d", "x y z", "a x", ""}
	if got := likeness.Clusters(sets, .75); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := likeness.Clusters(sets[:2], .75); got[0] == got[1] {
		t.Errorf("%q are one without the third", got)
	}
}
