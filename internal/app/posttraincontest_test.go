package app_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/app"
)

func contestOf(t *testing.T, judge string) app.Contest {
	t.Helper()
	return app.Contest{
		Teacher: "student", Routers: []string{"again=student"}, Own: true, Judge: judge, Limit: 8, HourUSD: 3.6,
		Answers: filepath.Join(t.TempDir(), "answers.jsonl"),
	}
}

// Decisions are judged by the pages that a whole pipeline makes of them. A router that is
// compared with itself is as good, and what it costs is its time.
func TestContestByPages(t *testing.T) {
	done := 0
	table, leaks, err := contestOf(t, "rules").Run(t.Context(), app.DefaultConfig(), slog.New(slog.DiscardHandler), func(int, int) { done++ })
	if err != nil {
		t.Fatal(err)
	}
	if table.N != 8 || done != 8 || leaks != 0 || !strings.HasPrefix(table.Judge, "pages by rules/") {
		t.Errorf("%d queries, %d done, %d left out, judged by %s", table.N, done, leaks, table.Judge)
	}
	first, again := table.Rows[0], table.Rows[1]
	if first.Quality.A == 0 || again.Quality.A != first.Quality.A || again.Valid != 8 || again.Name != "again" {
		t.Errorf("%+v\n%+v", first.Quality, again)
	}
	if perMS := first.Cost.A / first.Latency.A; perMS < .99e-6 || perMS > 1.01e-6 {
		t.Errorf("a millisecond costs %v USD, want a millionth", perMS)
	}
}

func TestContestSaysWhatItCannotJudge(t *testing.T) {
	c := contestOf(t, "rules")
	c.Files = []string{filepath.Join("..", "..", "router-worker", "student", "data", "holdout.tsv")}
	if _, _, err := c.Run(t.Context(), app.DefaultConfig(), slog.New(slog.DiscardHandler), func(int, int) {}); err == nil || !strings.Contains(err.Error(), "take no other queries") {
		t.Errorf("error %v", err)
	}
	c = contestOf(t, "labels")
	c.Routers = []string{"nobody"}
	if _, _, err := c.Run(t.Context(), app.DefaultConfig(), slog.New(slog.DiscardHandler), func(int, int) {}); err == nil || !strings.Contains(err.Error(), `no language model "nobody"`) {
		t.Errorf("error %v", err)
	}
}
