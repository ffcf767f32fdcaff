package student

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/parallel-fusion/pfr/schemas/routes"
)

// publicQueries returns what the labels name, or skips.
func publicQueries(t *testing.T) (train, test []Example) {
	t.Helper()
	dir := os.Getenv("PFR_QUERY_DATA")
	if dir == "" {
		t.Skip("PFR_QUERY_DATA is not set: the public query sets are not here")
	}
	list, _, err := Labels()
	if err != nil {
		t.Fatal(err)
	}
	train, test, err = ReadPublic(os.DirFS(dir), list)
	if err != nil {
		t.Fatal(err)
	}
	return train, test
}

// What people wrote and the model has not learnt. Any of the routes of a label is right.
func TestPublicQueriesByRoute(t *testing.T) {
	_, test := publicQueries(t)
	manifest, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(DefaultConfig(), trainingData(t).Gazetteer, manifest)
	if err != nil {
		t.Fatal(err)
	}
	r := Evaluate(s, test)
	t.Logf("public queries, not learnt: %s", r)
	for _, source := range Sources() {
		var part []Example
		for _, e := range test {
			if e.Source == source {
				part = append(part, e)
			}
		}
		t.Logf("%s: %s", source, Evaluate(s, part))
	}
	if r.N < 600 || r.Macro < 0.90 || r.ECE > 0.04 {
		t.Errorf("n %d, macro %.3f, ECE %.3f; want 600, 0.90, 0.04", r.N, r.Macro, r.ECE)
	}
}

// Nothing like a query to test on is learnt: neither a near-duplicate nor one with other
// names.
func TestPublicQueriesAreSplitCleanly(t *testing.T) {
	train, test := publicQueries(t)
	v, err := plainView(trainingData(t).Gazetteer)
	if err != nil {
		t.Fatal(err)
	}
	sides := map[string]int{}
	for i, key := range v.clusters(append(append([]Example{}, train...), test...)) {
		side := 1
		if i >= len(train) {
			side = 2
		}
		if sides[key] |= side; sides[key] == 3 {
			t.Errorf("queries like %q are on both sides", key)
		}
	}
}

// The repository holds no public query of more than a few words.
func TestPublicQueriesAreNotOurs(t *testing.T) {
	train, test := publicQueries(t)
	public := map[string]bool{}
	for _, e := range append(train, test...) {
		public[fold(e.Query)] = true
	}
	for _, e := range append(trainingData(t).Examples, holdout(t)...) {
		if text := fold(e.Query); public[text] && len(strings.Fields(text)) > 4 {
			t.Errorf("%q is a public query", e.Query)
		}
	}
}

func TestLabels(t *testing.T) {
	manifest, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := Labels()
	if err != nil {
		t.Fatal(err)
	}
	train, seen := 0, map[string]bool{}
	for _, l := range list {
		if l.Train {
			train++
		}
		if at := l.Source + " " + l.ID; seen[at] {
			t.Errorf("%s has two labels", at)
		} else {
			seen[at] = true
		}
		for _, route := range l.Routes {
			if _, ok := manifest.Route(route); !ok {
				t.Errorf("%s: no route %q", l, route)
			}
		}
	}
	if len(list) < 1000 || train < len(list)*4/10 || train > len(list)*6/10 {
		t.Errorf("%d labels, %d to learn from", len(list), train)
	}
}

func TestReadLabelsRefuses(t *testing.T) {
	for _, line := range []string{"", "slurp\t1\t0123456789ab\tsearch", "slurp\t1\t01\tsearch\ttest", "slurp\t1\t0123456789ab\tsearch\tdev"} {
		if _, err := ReadLabels(line); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}

// A public set that is not the one that was labelled is refused, and the query named.
func TestReadPublicNamesWhatDiffers(t *testing.T) {
	dir := fstest.MapFS{
		"musicreconer/queries.csv":  {Data: []byte("preprocessed,original\nzero,Zero\none,One\n")},
		"slurp/media.devel.jsonl":   {Data: []byte(`{"id":7,"text":"seven"}`)},
		"slurp/other.devel.jsonl":   {Data: []byte(`{"id":8,"text":"eight"}`)},
		"snips/validate_Other.json": {Data: []byte(`{}`)},
	}
	for _, intent := range snipsIntents() {
		dir["snips/validate_"+intent+".json"] = &fstest.MapFile{Data: []byte(`{"` + intent + `":[{"data":[{"text":"Two "},{"text":"parts"}]}]}`)}
	}
	good := []Label{
		{"musicreconer", "1", textHash("One"), []string{"search"}, true},
		{"slurp", "8", textHash("eight"), []string{"search"}, false},
		{"snips", "PlayMusic/0", textHash("Two parts"), []string{"search"}, false},
	}
	train, test, err := ReadPublic(dir, good)
	if err != nil || len(train) != 1 || train[0].Query != "One" || len(test) != 2 || test[1].Query != "Two parts" || test[0].Source != "slurp" {
		t.Fatalf("%v, %v, %v", train, test, err)
	}
	for _, bad := range []Label{{"slurp", "7", textHash("other"), nil, true}, {"slurp", "9", textHash("nine"), nil, true}, {"books", "1", textHash("One"), nil, true}} {
		_, _, err := ReadPublic(dir, append(good, bad))
		if !errors.Is(err, ErrPublic) || !strings.Contains(err.Error(), bad.Source+" "+bad.ID) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	delete(dir, "slurp/other.devel.jsonl")
	if _, _, err := ReadPublic(dir, good); err == nil {
		t.Error("a missing file was no error")
	}
}
