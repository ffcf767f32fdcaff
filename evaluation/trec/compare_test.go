package trec_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/trec"
)

func TestCompare(t *testing.T) {
	cfg := trec.DefaultConfig()
	a, b := evaluated(t, cfg, "run.txt"), evaluated(t, cfg, "run2.txt")
	c, err := trec.Compare(a, b, 1)
	if err != nil {
		t.Fatal(err)
	}
	if c.Topics != 8 || !slices.Equal(c.OnlyA, []string{"9"}) || !slices.Equal(c.OnlyB, []string{"7"}) {
		t.Errorf("%d topics, only a %v, only b %v", c.Topics, c.OnlyA, c.OnlyB)
	}
	if len(c.Differences) != len(a.Measures)-6 || c.Differences[0].Measure != "map" { // less names, counts and gm_map
		t.Errorf("%d of %d measures", len(c.Differences), len(a.Measures))
	}
	back, err := trec.Compare(b, a, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range c.Differences {
		if math.Abs(d.Difference+back.Differences[i].Difference) > slack || d.P != back.Differences[i].P {
			t.Errorf("%s: %v and %v", d.Measure, d.Paired, back.Differences[i].Paired)
		}
	}
	cfg.Complete = true
	all, err := trec.Compare(evaluated(t, cfg, "run.txt"), evaluated(t, cfg, "run2.txt"), 1)
	if err != nil || all.Topics != 10 || len(all.OnlyA)+len(all.OnlyB) != 0 {
		t.Errorf("with missing topics %d, %v", all.Topics, err)
	}
	if _, err := trec.Compare(a, evaluated(t, cfg, "run.txt", "map"), 1); !errors.Is(err, trec.ErrMeasures) {
		t.Error(err)
	}
	if _, err := trec.Compare(evaluated(t, cfg, "run.txt", "ndcg"), evaluated(t, cfg, "run.txt", "map"), 1); !errors.Is(err, trec.ErrMeasures) {
		t.Error(err)
	}
}

// A run that is better on every one of ten topics is so beyond chance: of 1,024 ways to name
// the runs, two are as far apart.
func TestCompareFindsADifference(t *testing.T) {
	qrels, good, bad := trec.Qrels{}, trec.Run{ID: "good", Rankings: map[string][]string{}}, trec.Run{ID: "bad", Rankings: map[string][]string{}}
	for _, topic := range split("abcdefghij") {
		qrels[topic] = trec.Levels{"x": 1}
		good.Rankings[topic], bad.Rankings[topic] = []string{"x", "y"}, []string{"y", "x"}
	}
	measures, err := trec.Measures("recip_rank", "recall.2")
	if err != nil {
		t.Fatal(err)
	}
	var evaluations []trec.Evaluation
	for _, run := range []trec.Run{good, bad} {
		e, err := trec.Evaluate(trec.DefaultConfig(), qrels, run, measures)
		if err != nil {
			t.Fatal(err)
		}
		evaluations = append(evaluations, e)
	}
	c, err := trec.Compare(evaluations[0], evaluations[1], 1)
	if err != nil {
		t.Fatal(err)
	}
	rr, recall := c.Differences[0], c.Differences[1]
	if !rr.Better() || rr.P > .01 || recall.Better() || recall.P != 1 {
		t.Errorf("%+v", c.Differences)
	}
	var out bytes.Buffer
	if err := c.Write(&out); err != nil || !strings.Contains(out.String(), "# good against bad on 10 topics") || !strings.Contains(out.String(), "recip_rank            \t1.0000\t0.5000\t+0.5000\t+0.5000\t+0.5000\t") {
		t.Errorf("%s, %v", out.String(), err)
	}
}
