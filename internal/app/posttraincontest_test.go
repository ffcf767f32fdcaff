package app_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
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

// A language model judges decisions as they are written for the small router; running again
// asks neither it nor the routers, and comes to the same bytes.
func TestContestByAModel(t *testing.T) {
	teacher := llmtest.New(llmtest.Config{Model: "teacher", Answer: func(string) string {
		return `{"route":"similar_artists","artist":null,"genre":"jazz"}`
	}})
	defer teacher.Close()
	judge := llmtest.New(llmtest.Config{Model: "judge", Answer: func(turn string) string {
		if strings.Contains(turn, `{"route":"similar_artists"`) {
			return `{"reason":"artists","verdict":"PASS"}`
		}
		return `{"reason":"no artists","verdict":"NO PASS"}`
	}})
	defer judge.Close()
	cfg := app.DefaultConfig()
	cfg.Router.LLM.URL = teacher.URL()
	examiner := cfg.Router.LLM
	examiner.URL = judge.URL()
	cfg.Router.Models = map[string]app.ModelConfig{"examiner": examiner}

	c := contestOf(t, "examiner")
	c.Teacher = "llm"
	c.Routers = []string{"student"}
	run := func() string {
		table, _, err := c.Run(t.Context(), cfg, slog.New(slog.DiscardHandler), func(int, int) {})
		if err != nil {
			t.Fatal(err)
		}
		if first := table.Rows[0]; table.N != 8 || table.Unjudged != 0 || first.Quality.A != 1 || table.Rows[1].Quality.A == 1 || !strings.HasPrefix(table.Judge, "decisions by judge ") {
			t.Errorf("%+v", table)
		}
		var out bytes.Buffer
		if err := table.WriteJSON(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first := run()
	asked, judged := len(teacher.Requests()), len(judge.Requests())
	if asked != 8+1 || judged < 9 || judged > 16 { // one question warms the teacher
		t.Errorf("the teacher was asked %d times, the judge %d", asked, judged)
	}
	if again := run(); again != first || len(teacher.Requests()) != asked || len(judge.Requests()) != judged {
		t.Errorf("running again asked %d and %d times, and says\n%s\nnot\n%s", len(teacher.Requests())-asked, len(judge.Requests())-judged, again, first)
	}
}

// A model that judges its own decisions is warned of.
func TestContestOfTheJudgeItself(t *testing.T) {
	model := llmtest.New(llmtest.Config{Model: "one", Answer: func(turn string) string {
		if strings.Contains(turn, `"decision"`) {
			return `{"reason":"mine","verdict":"PASS"}`
		}
		return `{"route":"search","text":null,"artist":null}`
	}})
	defer model.Close()
	cfg := app.DefaultConfig()
	cfg.Router.LLM.URL = model.URL()
	c := contestOf(t, "llm")
	c.Routers = []string{"small=llm"}
	table, _, err := c.Run(t.Context(), cfg, slog.New(slog.DiscardHandler), func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := table.Write(&out); err != nil || table.Rows[0].JudgesItself || !strings.Contains(out.String(), "The judge is the model of small") {
		t.Errorf("%s\n%v", out.String(), err)
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
