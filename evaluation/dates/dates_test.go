package dates_test

import (
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/dates"
)

func TestDays(t *testing.T) {
	for date, want := range map[string][2]string{
		"2026-03-02": {"2026-03-02", "2026-03-02"},
		"2024-02":    {"2024-02-01", "2024-02-29"},
		"2026-12":    {"2026-12-01", "2026-12-31"},
		"2026":       {"2026-01-01", "2026-12-31"},
	} {
		first, last, ok := dates.Days(date)
		if got := [2]string{first.Format(time.DateOnly), last.Format(time.DateOnly)}; !ok || got != want {
			t.Errorf("%s: %v, want %v", date, got, want)
		}
	}
	for _, date := range []string{"", "2026-3", "2026-02-30", "26", "2026-03-02T10:00:00Z", "soon"} {
		if first, _, ok := dates.Days(date); ok {
			t.Errorf("%q is %v", date, first)
		}
	}
}
