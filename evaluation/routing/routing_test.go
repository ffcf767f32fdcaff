package routing_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/routing"
	"github.com/parallel-fusion/pfr/schemas"
)

var known = []string{"search", "new_releases", "podcast_recs"}

func read(t *testing.T, text string) []routing.Case {
	t.Helper()
	cases, err := routing.Read(strings.NewReader(text), known)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestEveryBadLineIsNamed(t *testing.T) {
	_, err := routing.Read(strings.NewReader("# a comment\n\nok\tsearch\nno tab\nbad\tteleport\n\tsearch\nparams\tsearch\t[1]\n"), known)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"line 4: want query", `line 5: no route "teleport"`, "line 6: query", "line 7: parameters"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if _, err := routing.Read(strings.NewReader("# nothing\n"), known); err == nil {
		t.Error("an empty file: no error")
	}
}

// A log is of the same form, and may leave the labels out.
func TestReadLog(t *testing.T) {
	got, err := routing.ReadLog(strings.NewReader("\ufeff# asked\npulp\r\nblur \t search , new_releases\t{\"artist\":{\"any\":[\"Blur\",\"\"]}}\nsuede\t\n"), known)
	if err != nil || len(got) != 3 || got[0].Query != "pulp" || len(got[0].Routes) != 0 || got[2].Query != "suede" || len(got[2].Routes) != 0 {
		t.Fatalf("%+v: %v", got, err)
	}
	if blur := got[1]; !slices.Equal(blur.Routes, []string{"search", "new_releases"}) || len(blur.Wish["artist"]) != 2 {
		t.Errorf("%+v", blur)
	}
	for text, want := range map[string]string{
		"a\nb\tteleport": `line 2: no route "teleport"`, "a\t\t{}": "line 1: it has parameters and no route",
		"a\tsearch\t{}\tb": "parameters: want a JSON object", "": "it has no queries",
		strings.Repeat("a\tteleport\n", 50): "line 20: ",
	} {
		if _, err := routing.ReadLog(strings.NewReader(text), known); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "line 21") {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

const cases = "pulp\tsearch\t{}\n" +
	"common people\tsearch,new_releases\n" +
	"new pulp album\tnew_releases,search\t{\"artist\":\"Pulp\",\"entity_types\":{\"any\":[[\"album\"],\"\"]}}\r\n" +
	"latest by blur\tnew_releases\t{\"artist\":\"Blur\"}\n" +
	"space\tpodcast_recs\n"

// decisions are the answers of a made-up router, worked out by hand below.
var decisions = map[string]schemas.Decision{
	"pulp":           {Route: "search", Confidence: .95, Source: schemas.SourceStudent, TookMS: 1},
	"common people":  {Route: "new_releases", Confidence: .95, Source: schemas.SourceStudent, TookMS: 2},
	"new pulp album": {Route: "new_releases", Params: schemas.Params{"artist": "pulp"}, Confidence: .85, Source: schemas.SourceLLM, Cost: .002, TookMS: 30},
	"latest by blur": {Route: "search", Params: schemas.Params{"text": "blur"}, Confidence: .55, Source: schemas.SourceStudent, TookMS: 4},
}

func TestReport(t *testing.T) {
	r, err := routing.Evaluate(t.Context(), read(t, cases), func(_ context.Context, q string) (schemas.Decision, error) {
		d, ok := decisions[q]
		if !ok {
			return d, errors.New("no answer")
		}
		return d, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	near("micro", r.Micro.Accuracy, 3./5)
	near("macro", r.Macro, (2./2+1./2+0)/3)
	near("frames", r.Frames.Accuracy, 2./3)
	near("ECE", r.ECE, (2*.05+.15+.55)/4)
	near("cost", r.Cost, .002)
	near("p50", r.TookMS.P50, 2)
	if a := r.Params["artist"]; a.TruePositive != 1 || a.FalseNegative != 1 || r.Params["text"].FalsePositive != 1 {
		t.Errorf("parameters: %+v", r.Params)
	}
	if r.Failed != 1 || r.Tiers[schemas.SourceStudent] != 3 || len(r.Wrong) != 2 || r.Wrong[0].Query != "latest by blur" {
		t.Errorf("%+v", r)
	}
	var text strings.Builder
	if err := r.Write(&text, 1); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"macro", "few cases", "and 1 more mistakes", "llm 1, student 3"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
}
