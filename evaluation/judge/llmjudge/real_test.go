package llmjudge_test

import (
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/internal/llm"
)

// A real model behind a real server takes both schemas, and what it writes is a judgment of
// the page or is refused. It is far too small to judge: how often it is of use is printed.
func TestRealModel(t *testing.T) {
	address := os.Getenv("PFR_TEST_LLM_URL")
	if address == "" {
		t.Skip("PFR_TEST_LLM_URL is not set: run this under test/llm/llm.sh with")
	}
	cfg := llm.DefaultConfig()
	cfg.URL, cfg.Model, cfg.Timeout = address, os.Getenv("PFR_TEST_LLM_MODEL"), 3*time.Minute
	c, err := llm.New(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	of := config()
	of.Model, of.Attempts = cfg.Model, 1
	j, p := newJudge(t, of, c), newPairs(t, of, c)
	valid, asked := 0, 0
	tell := func(what string, err error) {
		t.Helper()
		asked++
		switch {
		case err == nil:
			valid++
		case errors.Is(err, llm.ErrOutput):
			t.Logf("%s: %v", what, err)
		default:
			t.Fatalf("%s: %v", what, err)
		}
	}
	for _, query := range []string{"calm piano", "new albums by ada", "artists similar to bo"} {
		out, err := j.Judge(t.Context(), subject(query, page()))
		tell(query, err)
		if err == nil {
			check(t, query, out)
			t.Logf("%s: %+v", query, out.Verdicts)
		}
	}
	before := valid
	out, err := judge.Compare(t.Context(), p, subject("calm piano", page()), subject("calm piano", long(3)))
	tell("a pair", err)
	t.Logf("%d of %d answers are valid; the pair: %+v", valid, asked, out)
	if valid == before {
		t.Error("the server does not hold the model to the schema")
	}
}
