package posttraining_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	posttraining "github.com/parallel-fusion/pfr/post-training"
)

// results samples the script with two decisions kept.
func results(t *testing.T) posttraining.Results {
	t.Helper()
	s := readScript(t, read(t, "testdata/scripted/script.txt"))
	s.queries[0].Template = "artists like {artist}" // as if a name had been filled in
	cfg := config(t.TempDir())
	cfg.Keep = 2
	if _, err := sample(t, cfg, parts(t, s)); err != nil {
		t.Fatal(err)
	}
	r, err := posttraining.Read(cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func export(f posttraining.Format) posttraining.Export {
	return posttraining.Export{Format: f, Form: plainForm{"form-1"}, Selection: posttraining.DefaultSelection()}
}

// Every format is what is written down, byte by byte, and holds by its schema; what the
// assistant says is one object as minified JSON.
func TestExports(t *testing.T) {
	r := results(t)
	for _, f := range posttraining.Formats() {
		t.Run(string(f), func(t *testing.T) {
			var b bytes.Buffer
			n, err := export(f).Write(&b, r)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "exports/"+f.File(), b.String())
			if got := strings.Count(b.String(), "\n"); got != n || n == 0 {
				t.Errorf("says %d lines, wrote %d", n, got)
			}
			if f == posttraining.StudentTSV {
				return
			}
			checkLines(t, string(f), b.String())
			for line := range strings.Lines(b.String()) {
				checkAnswers(t, line)
			}
		})
	}
}

func checkLines(t *testing.T, schema, lines string) {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile("schemas/" + schema + ".json")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(lines) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(v); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// checkAnswers finds whatever an assistant says in a line, and checks it.
func checkAnswers(t *testing.T, line string) {
	t.Helper()
	var find func(v any) int
	find = func(v any) int {
		n := 0
		switch v := v.(type) {
		case map[string]any:
			if v["role"] == "assistant" {
				text, _ := v["content"].(string)
				var compact bytes.Buffer
				if err := json.Compact(&compact, []byte(text)); err != nil || compact.String() != text || text[0] != '{' {
					t.Errorf("%q is no minified object: %v", text, err)
				}
				return 1
			}
			for _, member := range v {
				n += find(member)
			}
		case []any:
			for _, entry := range v {
				n += find(entry)
			}
		}
		return n
	}
	var v any
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		t.Fatal(err)
	}
	if find(v) == 0 {
		t.Errorf("nobody answers in %s", line)
	}
}

// The files of a run hold by their schemas too, and a schema refuses what is not of its form.
func TestSchemas(t *testing.T) {
	s := readScript(t, read(t, "testdata/scripted/script.txt"))
	dir := t.TempDir()
	if _, err := sample(t, config(dir), parts(t, s)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rows", "rejections"} {
		checkLines(t, name, read(t, dir+"/"+name+".jsonl"))
	}
	good := read(t, "testdata/exports/trl-sft.jsonl")
	line, _, _ := strings.Cut(good, "\n")
	compiled, err := jsonschema.NewCompiler().Compile("schemas/trl-sft.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"role":     strings.Replace(line, `"role":"system"`, `"role":"developer"`, 1),
		"order":    strings.Replace(line, `"role":"user"`, `"role":"system"`, 1),
		"member":   strings.Replace(line, `"completion"`, `"response"`, 1),
		"weight 0": line[:strings.LastIndex(line, ":")] + ":0}",
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if err != nil {
			t.Fatal(err)
		}
		if compiled.Validate(v) == nil || bad == line {
			t.Errorf("%s: %s is accepted", name, bad)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	r := results(t)
	var b bytes.Buffer
	e := export(posttraining.TRLCompletion)
	e.Leaks = func(queries []posttraining.Query) []posttraining.Leak {
		if len(queries) != 5 { // the hard one too: it is in some formats
			t.Errorf("looks for leaks in %d queries, want 5", len(queries))
		}
		return []posttraining.Leak{{QueryID: queries[1].ID, Why: queries[1].Text + " is tested on"}}
	}
	if _, err := e.Write(&b, r); !errors.Is(err, posttraining.ErrLeak) || !strings.Contains(err.Error(), "new indie rock releases is tested on") {
		t.Errorf("leak: %v", err)
	}
	e.Leaks = nil
	e.Form = plainForm{"form-2"}
	if _, err := e.Write(&b, r); err == nil || !strings.Contains(err.Error(), "form-2") {
		t.Errorf("another form: %v", err)
	}
	e = export("csv")
	if _, err := e.Write(&b, r); err == nil {
		t.Error("an unknown format is written")
	}
	e = export(posttraining.TRLCompletion)
	e.Selection = posttraining.Selection{Cap: -1, Caps: map[string]int{"search": -2}, Balance: math.NaN()}
	if _, err := e.Write(&b, r); err == nil || !strings.Contains(err.Error(), "cap -1") || !strings.Contains(err.Error(), `cap -2 of route "search"`) || !strings.Contains(err.Error(), "balance") {
		t.Errorf("a bad selection: %v", err)
	}
	e.Selection = posttraining.Selection{Caps: map[string]int{"serach": 2}}
	if _, err := e.Write(&b, r); err == nil || !strings.Contains(err.Error(), `"serach": no query counts for it; there are personalized_recs, podcast_recs, search`) {
		t.Errorf("a cap of no route: %v", err)
	}
	if b.Len() > 0 {
		t.Errorf("wrote %q", b.String())
	}
}

// Queries that leak are left out where that is wanted, of every format.
func TestDropLeaks(t *testing.T) {
	r := results(t)
	for _, f := range posttraining.Formats() {
		e := export(f)
		e.DropLeaks = true
		e.Leaks = func([]posttraining.Query) []posttraining.Leak { return []posttraining.Leak{{QueryID: "b"}} }
		var with, without bytes.Buffer
		if _, err := e.Write(&without, r); err != nil {
			t.Fatal(err)
		}
		if _, err := export(f).Write(&with, r); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(with.String(), "indie rock releases") || strings.Contains(without.String(), "indie rock releases") {
			t.Errorf("%s: with the leak\n%s\nwithout\n%s", f, with.String(), without.String())
		}
	}
	if len(r.Rows) != 5 {
		t.Errorf("%d rows are left of what was given", len(r.Rows))
	}
}

// rowsOf returns rows: n queries of each route, the last query of the last route with two
// decisions.
func rowsOf(n map[string]int, routes ...string) []posttraining.Row {
	var out []posttraining.Row
	for _, route := range routes {
		for i := range n[route] {
			r := posttraining.Row{}
			r.QueryID, r.Route, r.Decision = fmt.Sprintf("%s/%d", route, i), route, fmt.Sprint(i)
			out = append(out, r)
		}
	}
	last := out[len(out)-1]
	last.Decision, last.Route = "another", routes[0]
	return append(out, last)
}

// Weights are (1/k)·(m/n)^balance, scaled to a mean of 1: by hand for 6 queries of a, 2 of b,
// the last of which has a decision of a too. Then n is 6.5 and 1.5, m is 4.
func TestWeights(t *testing.T) {
	rows := rowsOf(map[string]int{"a": 6, "b": 2}, "a", "b")
	for balance, want := range map[float64][3]float64{ // of a, of b, of b's half; a's half is half of a
		0:   {9.0 / 8, 9.0 / 8, 9.0 / 16},
		0.5: weights(0.5),
		1:   weights(1),
	} {
		got := posttraining.Selection{Balance: balance, Seed: 1}.Of(rows)
		sum := 0.0
		for _, w := range got {
			sum += w.Weight
		}
		for i, at := range map[int]float64{0: want[0], 6: want[1], 7: want[2], 8: want[0] / 2} {
			if math.Abs(got[i].Weight-at) > 1e-4 {
				t.Errorf("balance %v, row %d: weight %.5f, want %.5f", balance, i, got[i].Weight, at)
			}
		}
		if math.Abs(sum-9) > 1e-3 {
			t.Errorf("balance %v: the weights add up to %v, want 9", balance, sum)
		}
	}
}

func weights(balance float64) [3]float64 {
	a, b := math.Pow(4/6.5, balance), math.Pow(4/1.5, balance)
	scale := 9 / (6.5*a + 1.5*b)
	return [3]float64{a * scale, b * scale, b * scale / 2}
}

// A cap leaves so many queries of each route, whole, chosen by the seed.
func TestCap(t *testing.T) {
	rows := rowsOf(map[string]int{"a": 50, "b": 3, "c": 20}, "a", "b", "c")
	pick := func(s posttraining.Selection) map[string]bool {
		queries := map[string]bool{}
		for _, w := range s.Of(rows) {
			queries[w.QueryID] = true
		}
		return queries
	}
	one := pick(posttraining.Selection{Cap: 10, Seed: 1})
	perRoute := map[string]int{}
	for id := range one {
		perRoute[id[:1]]++
	}
	if perRoute["a"] != 10 || perRoute["b"] != 3 || perRoute["c"] != 10 {
		t.Errorf("kept %v", perRoute)
	}
	if same := pick(posttraining.Selection{Cap: 10, Seed: 1}); fmt.Sprint(same) != fmt.Sprint(one) {
		t.Error("equal seeds choose differently")
	}
	if other := pick(posttraining.Selection{Cap: 10, Seed: 2}); fmt.Sprint(other) == fmt.Sprint(one) {
		t.Error("another seed chooses the same")
	}
	ofRoutes := pick(posttraining.Selection{Cap: 10, Caps: map[string]int{"a": 4, "c": 0}, Seed: 1})
	perRoute = map[string]int{}
	for id := range ofRoutes {
		if perRoute[id[:1]]++; id[:1] == "a" && !one[id] {
			t.Errorf("%s is under a cap of 4 and not under one of 10", id)
		}
	}
	if perRoute["a"] != 4 || perRoute["b"] != 3 || perRoute["c"] != 20 {
		t.Errorf("with caps of routes kept %v", perRoute)
	}
	if all := pick(posttraining.Selection{Seed: 1}); len(all) != 73 {
		t.Errorf("without a cap %d queries of 73", len(all))
	}
}
