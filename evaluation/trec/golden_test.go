package trec_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/trec"
)

func read[T any](t *testing.T, name string, from func(io.Reader) (T, error)) T {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := from(f)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func evaluated(t *testing.T, cfg trec.Config, run string, names ...string) trec.Evaluation {
	t.Helper()
	measures, err := trec.Measures(names...)
	if err != nil {
		t.Fatal(err)
	}
	e, err := trec.Evaluate(cfg, read(t, "qrels.txt", trec.ReadQrels), read(t, run, trec.ReadRun), measures)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func sameAsFile(t *testing.T, name string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	wanted, had := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(wanted), len(had)) {
		if wanted[i] != had[i] {
			t.Fatalf("%s, line %d: %q, want %q", name, i+1, had[i], wanted[i])
		}
	}
	if len(wanted) != len(had) {
		t.Errorf("%s: %d lines, want %d", name, len(had), len(wanted))
	}
}

// shared are the measures that trec_eval has, too.
func shared() []string {
	return []string{"official", "recall", "11pt_avg", "ndcg", "ndcg_cut", "map_cut", "success", "set_P", "set_recall"}
}

// Every byte that trec_eval prints.
func TestSameAsTrecEval(t *testing.T) {
	write := func(e trec.Evaluation) []byte {
		var b bytes.Buffer
		if err := e.WriteTopics(&b); err != nil {
			t.Fatal(err)
		}
		if err := e.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	complete := trec.DefaultConfig()
	complete.Complete = true
	sameAsFile(t, "trec_eval.txt", write(evaluated(t, complete, "run.txt", shared()...)))

	strict := trec.DefaultConfig()
	strict.Level, strict.Depth = 2, 7
	sameAsFile(t, "trec_eval_l2_M7.txt", write(evaluated(t, strict, "run.txt", shared()...)))

	var b bytes.Buffer
	if err := evaluated(t, trec.DefaultConfig(), "run.txt", "official").Write(&b); err != nil {
		t.Fatal(err)
	}
	sameAsFile(t, "trec_eval_official.txt", b.Bytes())
}

// Every byte that ndeval prints.
func TestSameAsNdeval(t *testing.T) {
	cfg := trec.DefaultDiversityConfig()
	cfg.Complete = true
	e, err := trec.EvaluateDiversity(cfg, read(t, "subtopics.txt", trec.ReadSubtopics), read(t, "run.txt", trec.ReadRun))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := e.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	sameAsFile(t, "ndeval.csv", b.Bytes())
}

func TestSameAsIRMeasures(t *testing.T) {
	cfg := trec.DefaultConfig()
	cfg.Highest = 4
	topics := evaluated(t, cfg, "run.txt", "compat", "judged.5,10", "ndcg_exp_cut_10", "err_cut_10").Report().Topics
	b, err := os.ReadFile(filepath.Join("testdata", "ir_measures.txt"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		var measure, topic string
		var want float64
		if _, err := fmt.Sscan(line, &measure, &topic, &want); err != nil {
			t.Fatal(err)
		}
		n++
		if got := topics[topic][measure]; got == nil || math.Abs(*got-want) > 1e-5 {
			t.Errorf("%s of topic %s: %v, want %v", measure, topic, got, want)
		}
	}
	if n != 45 {
		t.Errorf("%d values, want 45", n)
	}
}
