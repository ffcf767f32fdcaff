package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEvaluateTREC(t *testing.T) {
	dir := filepath.Join("..", "..", "evaluation", "trec", "testdata")
	file := func(name string) string { return filepath.Join(dir, name) }
	want := func(name string) string {
		b, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	out, err := typed(t, "", "evaluate", "trec", "-m", "official", file("qrels.txt"), file("run.txt"))
	if err != nil || out != want("trec_eval_official.txt") {
		t.Errorf("%s, %v", out, err)
	}
	out, err = typed(t, "", "evaluate", "trec", "--subtopics", "-c", file("subtopics.txt"), file("run.txt"))
	if err != nil || out != want("ndeval.csv") {
		t.Errorf("%s, %v", out, err)
	}
	out, err = typed(t, "", "evaluate", "trec", "-q", "-c", "-l2", "-M7", "-m", "map", "-m", "P.3", file("qrels.txt"), file("run.txt"))
	if lines := strings.Split(out, "\n"); err != nil || len(lines) != 2*10+1 || !strings.HasPrefix(lines[0], "map                   \t1\t") || !strings.HasPrefix(lines[19], "P_3                   \tall\t") {
		t.Errorf("%s, %v", out, err)
	}
	out, err = typed(t, "", "evaluate", "trec", "-m", "map", file("qrels.txt"), file("run.txt"), file("run2.txt"))
	if err != nil || !strings.Contains(out, "# one against two on 8 topics\n") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestEvaluateTRECJSON(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	qrels, dates := file("qrels", "1 0 a 3\n1 0 b 1\n"), file("dates", "a\t2026-03-01\n")
	one, two := file("one", "1 Q0 a 1 2 one\n1 Q0 b 2 1 one\n"), file("two", "1 Q0 b 1 2 two\n1 Q0 x 2 1 two\n")
	out, err := typed(t, "", "evaluate", "trec", "--json", "-m", "ndcg", "-m", "median_age_days.5", "--dates", dates, "--as-of", "2026-03-11", qrels, one, two)
	var report trecReport
	if err != nil || json.Unmarshal([]byte(out), &report) != nil {
		t.Fatalf("%s, %v", out, err)
	}
	if r := report.Runs; len(r) != 2 || *r[0].Summary["ndcg"] != 1 || *r[0].Summary["median_age_days_5"] != 10 || r[1].Summary["median_age_days_5"] != nil || r[0].Topics != nil {
		t.Errorf("%s", out)
	}
	if c := report.Comparison; c.A != "one" || c.B != "two" || c.Differences[0].Difference <= 0 || c.Differences[1].N != 0 {
		t.Errorf("%s", out)
	}
	for name, args := range map[string][]string{
		"line 1 ":    {qrels, qrels},
		"mop":        {"-m", "mop", qrels, one},
		"as-of":      {"--dates", dates, qrels, one},
		"dates":      {"-m", "fresh", qrels, one},
		"level 0":    {"-l0", qrels, one},
		"no topic":   {file("others", "2 0 a 1\n"), one},
		"alpha 2":    {"--subtopics", "--alpha", "2", qrels, one},
		"unexpected": {qrels, one, two, two},
	} {
		if out, err := typed(t, "", append([]string{"evaluate", "trec"}, args...)...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v, want %q\n%s", args, err, name, out)
		}
	}
}
