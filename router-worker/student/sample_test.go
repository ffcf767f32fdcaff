package student_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/router-worker/student"
)

// The share of a route among samples is proportional to its probability to the power of one
// over the temperature, also for seeds that follow each other.
func TestSampleFollowsTheTemperature(t *testing.T) {
	s := newStudent(t, student.Gazetteer{})
	const query = "new jazz"
	g := s.Guess(query)
	for _, temperature := range []float64{0.01, 1, 2, 5} {
		const n = 4000
		count := map[string]int{}
		for i := range n {
			count[s.Sample(query, temperature, rand.New(rand.NewPCG(uint64(i), 0))).Route]++
		}
		// Two routes at a time: their ratio does not depend on the others.
		second := g.Alternatives[0]
		want := math.Pow(g.Confidence/second.Confidence, 1/temperature)
		a, b := float64(count[g.Route]), float64(count[second.Route])
		if temperature < 0.1 {
			if a != n {
				t.Errorf("temperature %v: %v of %d samples are the guess", temperature, a, n)
			}
			continue
		}
		// The share of the first among the two, with four standard errors.
		share, expected := a/(a+b), want/(want+1)
		if math.Abs(share-expected) > 4*math.Sqrt(expected*(1-expected)/(a+b)) {
			t.Errorf("temperature %v: %.4f of %.0f, want %.4f", temperature, share, a+b, expected)
		}
	}
}

// A sample has the parameters that its route would have, and equal states of the generator
// give equal samples.
func TestSampleIsOfItsRoute(t *testing.T) {
	s := newStudent(t, student.Gazetteer{})
	const query = "new jazz albums"
	guess := s.Guess(query)
	seen := map[string]bool{}
	for i := range 300 {
		one := s.Sample(query, 8, rand.New(rand.NewPCG(uint64(i), 0)))
		two := s.Sample(query, 8, rand.New(rand.NewPCG(uint64(i), 0)))
		if one.Route != two.Route || one.Confidence != two.Confidence {
			t.Fatalf("seed %d gives %+v and %+v", i, one, two)
		}
		seen[one.Route] = true
		if one.Route == guess.Route && one.Params.Text("genre") != guess.Params.Text("genre") {
			t.Errorf("the guess with %v, a sample of its route with %v", guess.Params, one.Params)
		}
		if one.Route == "out_of_scope" && len(one.Params) > 0 {
			t.Errorf("out of scope with %v", one.Params)
		}
	}
	if len(seen) < 5 {
		t.Errorf("at temperature 8 only %v are drawn", seen)
	}
}

// Filled queries say which name went where, and are the same each time.
func TestFilledQueries(t *testing.T) {
	data := student.TrainingData{Examples: []student.Example{
		{Query: "{track} by {artist}", Routes: []string{"search"}},
		{Query: "jazz", Routes: []string{"personalized_recs"}},
		{Query: "a {thing} of {", Routes: []string{"search"}},
		{Query: "play {playlist}", Routes: []string{"search"}},
	}, Gazetteer: student.Gazetteer{Playlists: []student.Name{{Text: "rap cav", Canonical: "RapCaviar", Popularity: 90}}}}
	cfg := student.DefaultTrainConfig()
	cfg.Fillings, cfg.MadeUp = 20, 0
	list, err := data.Fill(cfg)
	if err != nil {
		t.Fatal(err)
	}
	again, err := data.Fill(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 61 || !slices.EqualFunc(list, again, func(a, b student.Filled) bool { return a.Query == b.Query }) {
		t.Fatalf("%d queries, want 61, and the same again", len(list))
	}
	for _, f := range list[:20] {
		rebuilt := f.Template
		for _, n := range f.Names {
			rebuilt = strings.Replace(rebuilt, "{"+n.Slot+"}", n.Text, 1)
		}
		if f.Template != "{track} by {artist}" || rebuilt != f.Query || len(f.Names) != 2 || f.Routes[0] != "search" {
			t.Errorf("%+v", f)
		}
	}
	if plain := list[20]; plain.Query != "jazz" || plain.Template != "" || plain.Names != nil {
		t.Errorf("%+v", plain)
	}
	if odd := list[21]; odd.Query != "a {thing} of {" {
		t.Errorf("%+v", odd)
	}
	if known := list[41]; known.Query != "play rap cav" || known.Names[0] != (student.Filling{Slot: "playlist", Text: "rap cav", Canonical: "RapCaviar"}) {
		t.Errorf("%+v", known)
	}
}
