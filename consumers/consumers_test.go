package consumers_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/parallel-fusion/pfr/consumers"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestPagesPassesEachPageOnce(t *testing.T) {
	var got []string
	broken := errors.New("disk full")
	fail := true
	h, err := consumers.Pages(100, func(_ context.Context, p schemas.SERP) error {
		if p.CorrelationID == "b" && fail {
			fail = false
			return broken
		}
		got = append(got, p.CorrelationID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "a", "b", "b", "a", "b", "c"} {
		if err := h(t.Context(), schemas.SERP{CorrelationID: id}); err != nil && !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestOnceNeedsCapacity(t *testing.T) {
	if _, err := consumers.Interactions(0, nil); err == nil {
		t.Error("no error")
	}
}
