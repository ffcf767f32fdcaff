package student_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

var _ router.Model = (*student.Student)(nil)

func music(t testing.TB) *routes.Manifest {
	t.Helper()
	m, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func gazetteer(t testing.TB) student.Gazetteer {
	t.Helper()
	dir, err := student.Data()
	if err != nil {
		t.Fatal(err)
	}
	d, err := student.ReadTrainingData(dir, music(t).Names())
	if err != nil {
		t.Fatal(err)
	}
	return d.Gazetteer
}

func newStudent(t testing.TB, gaz student.Gazetteer) *student.Student {
	t.Helper()
	s, err := student.New(student.DefaultConfig(), gaz, music(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func examples(t testing.TB, name string) []student.Example {
	t.Helper()
	dir, err := student.Data()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := fs.ReadFile(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	list, err := student.ReadExamples(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Each line of testdata/params.tsv is a query, its route and its canonical parameters.
func TestParameters(t *testing.T) {
	manifest := music(t)
	s := newStudent(t, gazetteer(t))
	raw, err := os.ReadFile("testdata/params.tsv")
	if err != nil {
		t.Fatal(err)
	}
	list, err := student.ReadExamples(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 60 {
		t.Fatalf("%d queries", len(list))
	}
	for _, e := range list {
		g := s.Guess(e.Query)
		route, _ := manifest.Route(g.Route)
		got, _ := json.Marshal(manifest.Canonical(route, g.Params))
		want, _ := json.Marshal(e.Params)
		if e.Params == nil {
			want = []byte("{}")
		}
		if g.Route != e.Routes[0] || string(got) != string(want) {
			t.Errorf("%s\n got %s %s\nwant %s %s", e.Query, g.Route, got, e.Routes[0], want)
		}
	}
}

func TestHoldout(t *testing.T) {
	list := examples(t, "holdout.tsv")
	r := student.Evaluate(newStudent(t, gazetteer(t)), list)
	t.Logf("held out: %s", r)
	for _, w := range r.Wrong {
		t.Logf("%-50s want %v, got %s %.2f", w.Query, w.Want, w.Got, w.Confidence)
	}
	if r.N < 300 || r.Macro < 0.88 || r.ECE > 0.06 {
		t.Errorf("n %d, macro %.3f, ECE %.3f", r.N, r.Macro, r.ECE)
	}
}

// A catalogue that lacks the names costs accuracy, but not the plot.
func TestHoldoutWithoutNames(t *testing.T) {
	r := student.Evaluate(newStudent(t, student.Gazetteer{}), examples(t, "holdout.tsv"))
	t.Logf("without names: %s", r)
	if r.Macro < 0.75 {
		t.Errorf("macro %.3f", r.Macro)
	}
}

func TestEvaluate(t *testing.T) {
	list := []student.Example{
		{Query: "a", Routes: []string{"x"}},
		{Query: "b", Routes: []string{"y", "x"}},
		{Query: "c", Routes: []string{"y"}},
		{Query: "d", Routes: []string{"y"}},
	}
	r := student.Evaluate(always{router.Guess{Route: "x", Confidence: 0.9}}, list)
	want := []student.RouteReport{{Route: "x", N: 1, Right: 1}, {Route: "y", N: 3, Right: 1}}
	if r.Right != 2 || !reflect.DeepEqual(r.Routes, want) || len(r.Wrong) != 2 {
		t.Errorf("%+v", r)
	}
	if got := fmt.Sprintf("%.4f %.4f %.4f %.4f", r.Macro, r.ECE, r.Interval.Low, r.Interval.High); got != "0.6667 0.4000 0.1500 0.8500" {
		t.Error(got)
	}
}

type always struct{ guess router.Guess }

func (a always) Guess(string) router.Guess { return a.guess }
func (a always) Version() string           { return "always" }

func TestGuessIsDeterministic(t *testing.T) {
	gaz := gazetteer(t)
	a, b := newStudent(t, gaz), newStudent(t, gaz)
	if a.Version() != b.Version() {
		t.Errorf("versions %s and %s", a.Version(), b.Version())
	}
	list := examples(t, "holdout.tsv")
	for i, e := range list {
		b.Guess(list[len(list)-1-i].Query) // dirties the scratch memory
		if x, y := a.Guess(e.Query), b.Guess(e.Query); !reflect.DeepEqual(x, y) {
			t.Errorf("%s: %v and %v", e.Query, x, y)
		}
	}
	gaz.Artists = gaz.Artists[1:]
	if newStudent(t, gaz).Version() == a.Version() {
		t.Error("another gazetteer, the same version")
	}
}

func TestNewRefusesForeignRoutes(t *testing.T) {
	raw, err := os.ReadFile("../../schemas/routes/testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	shop, err := routes.Parse("shop.yaml", raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := student.New(student.DefaultConfig(), student.Gazetteer{}, shop); err == nil {
		t.Error("a model for music answered for a shop")
	}
	if _, err := student.New(student.Config{}, student.Gazetteer{}, music(t)); err == nil {
		t.Error("an invalid config passed")
	}
}

// The alternatives are the other routes that are most probable, and with the first choice
// they make a distribution.
func TestAlternatives(t *testing.T) {
	s := newStudent(t, gazetteer(t))
	for _, e := range examples(t, "holdout.tsv") {
		g := s.Guess(e.Query)
		sum, last, seen := g.Confidence, g.Confidence, map[string]bool{g.Route: true}
		if len(g.Alternatives) != 3 {
			t.Fatalf("%s: %+v", e.Query, g)
		}
		for _, a := range g.Alternatives {
			if a.Confidence > last || a.Confidence < 0 || seen[a.Route] {
				t.Errorf("%s: %+v", e.Query, g)
			}
			sum, last, seen[a.Route] = sum+a.Confidence, a.Confidence, true
		}
		if sum > 1+1e-9 || sum < 4.0/7 { // the best four of seven
			t.Errorf("%s: probabilities add up to %v", e.Query, sum)
		}
	}
}

func FuzzGuess(f *testing.F) {
	for _, q := range []string{"", " ", "!!!", "\x03", "\u031c", "new\u0085releases\x00", "new", "\xff\xfe", "AC/DC", "the 's", "'s's's", "ｎｅｗ ａｌｂｕｍ", "for for for", "like", "podcast for", "0s", "1990s-2000s", "$$$", "{artist}", "é́́́", "新しい音楽", "a.b.c.", strings.Repeat("like ", 300)} {
		f.Add(q)
	}
	manifest := music(f)
	s := newStudent(f, gazetteer(f))
	f.Fuzz(func(t *testing.T, q string) {
		g := s.Guess(q)
		route, ok := manifest.Route(g.Route)
		if !ok || !(g.Confidence > 0 && g.Confidence <= 1) {
			t.Fatalf("%q: %+v", q, g)
		}
		for name, v := range g.Params {
			if text, ok := v.(string); ok && !utf8.ValidString(text) {
				t.Errorf("%q: %s is %q", q, name, text)
			}
		}
		d := manifest.Decide(route, g.Params, "q")
		d.Source, d.Confidence = schemas.SourceStudent, g.Confidence
		if err := d.Validate(); err != nil {
			t.Errorf("%q: %v", q, err)
		}
	})
}

// The public sets say how the student does on what others wrote. SNIPS commands and SLURP
// sentences have one domain each, so that only the domain can be checked.
func TestPublicQueries(t *testing.T) {
	dir := os.Getenv("PFR_QUERY_DATA")
	if dir == "" {
		t.Skip("PFR_QUERY_DATA is not set: the public query sets are not here")
	}
	s := newStudent(t, gazetteer(t))
	for file, c := range map[string]struct {
		accept string
		least  float64
	}{
		"AddToPlaylist":        {"out_of_scope", 0.85},
		"BookRestaurant":       {"out_of_scope", 0.85},
		"GetWeather":           {"out_of_scope", 0.85},
		"RateBook":             {"out_of_scope", 0.85},
		"SearchScreeningEvent": {"out_of_scope", 0.8},
		"SearchCreativeWork":   {"search,out_of_scope", 0.75},
		"PlayMusic":            {"search,personalized_recs,new_releases,similar_artists", 0.8},
	} {
		r := student.Evaluate(s, snips(t, filepath.Join(dir, "snips", "validate_"+file+".json"), file, strings.Split(c.accept, ",")))
		t.Logf("%s: %s", file, r)
		if r.N == 0 || r.Macro < c.least {
			t.Errorf("%s: n %d, accuracy %.3f, want %.2f", file, r.N, r.Macro, c.least)
		}
	}
}

func snips(t *testing.T, file, intent string, accept []string) []student.Example {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string][]struct {
		Data []struct{ Text string }
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var out []student.Example
	for _, q := range doc[intent] {
		var b strings.Builder
		for _, part := range q.Data {
			b.WriteString(part.Text)
		}
		out = append(out, student.Example{Query: b.String(), Routes: accept})
	}
	return out
}

func BenchmarkGuess(b *testing.B) {
	s := newStudent(b, gazetteer(b))
	list := examples(b, "holdout.tsv")
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Guess(list[i%len(list)].Query)
		i++
	}
}

func BenchmarkNew(b *testing.B) {
	gaz, manifest := gazetteer(b), music(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := student.New(student.DefaultConfig(), gaz, manifest); err != nil {
			b.Fatal(err)
		}
	}
}
