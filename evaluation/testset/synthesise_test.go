package testset_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// names is a catalogue of so many names a slot.
type names int

func (n names) AsOf() string { return "2025-06-28" }

func (n names) Names(s testset.Slot) []testset.Named {
	var out []testset.Named
	for i := range int(n) {
		out = append(out, testset.Named{Name: fmt.Sprintf("%s number %d", s, i), Genres: []string{"jazz"}, By: "Somebody", Weeks: 3, Popularity: 100 - i})
	}
	return out
}

func synthesis() testset.Synthesis {
	cfg := testset.DefaultSynthesis()
	cfg.Count, cfg.Typos = 200, 0
	return cfg
}

func TestSynthesise(t *testing.T) {
	cs, err := testset.Synthesise(synthesis(), names(40))
	if err != nil || len(cs) != 200 {
		t.Fatalf("%d cases, %v", len(cs), err)
	}
	if err := testset.Validate(cs); err != nil {
		t.Error(err)
	}
	counts, low := testset.Count(cs), 0
	for _, u := range []testset.UseCase{testset.SimilarArtists, testset.NewReleases, testset.BroadMusic, testset.BroadPodcast, testset.Navigational} {
		n := 0
		for _, s := range testset.Splits() {
			n += counts[u].Cases[s]
		}
		if n < 30 || counts[u].Gold != n || counts[u].Needs != n {
			t.Errorf("%s: %+v", u, counts[u])
		}
	}
	for _, c := range cs {
		if strings.ContainsAny(c.Query, "{}") || c.Origin != testset.FromCatalogue || c.Market != "US" || c.AsOf != "2025-06-28" {
			t.Errorf("%+v", c)
		}
		for i := range 10 {
			if strings.Contains(c.Query+" ", fmt.Sprintf("number %d ", i)) {
				low++
			}
		}
	}
	if share := float64(low) / 200; math.Abs(share-0.4375) > 0.13 { // the better of two draws is among the best quarter in 7 of 16
		t.Errorf("%.2f of the names are of the most popular quarter", share)
	}
	again, _ := testset.Synthesise(synthesis(), names(40))
	other := synthesis()
	other.Seed++
	differ, _ := testset.Synthesise(other, names(40))
	if !reflect.DeepEqual(cs, again) || reflect.DeepEqual(cs, differ) {
		t.Error("equal seeds differ, or different ones do not")
	}
}

func TestGoldByConstruction(t *testing.T) {
	cs, err := testset.Synthesise(synthesis(), names(40))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cs {
		decision := map[testset.UseCase]string{
			testset.SimilarArtists: "similar_artists", testset.BroadPodcast: "podcast_recs", testset.BroadMusic: "personalized_recs", testset.Navigational: "search",
		}[c.UseCase]
		if c.UseCase == testset.NewReleases {
			decision = "new_releases"
			if c.Needs.Artist == "" {
				decision = "personalized_recs"
			}
			if c.Needs.WithinWeeks == 0 {
				t.Errorf("%q: %+v", c.Query, c.Needs)
			}
		}
		params := map[string]any{}
		for name, allowed := range c.Gold[0].Params {
			params[name] = allowed[len(allowed)-1]
		}
		if ok, reason := c.Accepts(decision, params); !ok {
			t.Errorf("%q: %s", c.Query, reason)
		}
	}
}

func TestTypos(t *testing.T) {
	cfg := synthesis()
	cfg.Typos = 1
	cs, err := testset.Synthesise(cfg, names(40))
	if err != nil {
		t.Fatal(err)
	}
	intact := 0
	for _, c := range cs {
		if right := regexp.MustCompile(`(artist|fresh|genre|freshgenre|topic|show|album|track|playlist) number \d`); right.MatchString(c.Query) {
			intact++ // a digit went, or two equal ones changed places
		}
	}
	if intact > len(cs)/4 {
		t.Errorf("%d of %d names are spelt right", intact, len(cs))
	}
	for _, c := range cs {
		if c.Needs.Seed != "" && !strings.Contains(c.Needs.Seed, " number ") {
			t.Errorf("%q means %q", c.Query, c.Needs.Seed)
		}
	}
}

func TestSynthesiseStopsWithTooFewNames(t *testing.T) {
	for n, want := range map[names]int{0: 0, 1: 40} { // there are forty wordings
		cs, err := testset.Synthesise(synthesis(), n)
		if !errors.Is(err, testset.ErrTooFew) || len(cs) != want {
			t.Errorf("%d names: %d cases, %v", n, len(cs), err)
		}
	}
	_, err := testset.Synthesise(testset.Synthesis{Typos: 2}, names(1))
	for _, want := range []string{"count 0", `market ""`, "typos 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

const log = `jazz	400
Jazz!	100
pop	300
who sings that song	20	who sings
lady gaga	90
bands near Pulp	9
bands near Blur	8	near blur
rare thing	6
only one of us asked this	1	x
rock	5	ROCK
`

func TestFromLog(t *testing.T) {
	cfg := testset.DefaultSampling()
	cfg.Count = 7
	cs, err := testset.FromLog(strings.NewReader(log), cfg, masker{})
	if err != nil {
		t.Fatal(err)
	}
	if err := testset.Validate(cs); err != nil {
		t.Error(err)
	}
	of := map[string]testset.Case{}
	strata := map[string][]string{}
	for _, c := range cs {
		of[c.Query] = c
		strata[c.Stratum] = append(strata[c.Stratum], c.Query)
		if c.UseCase != testset.Unlabelled || c.Gold != nil || c.Needs != nil || c.Origin != testset.FromLogs {
			t.Errorf("%+v", c)
		}
	}
	if got := strata[testset.Popular]; !slices.Equal(got, []string{"jazz"}) { // 500 of 939 searches
		t.Errorf("popular: %q", got)
	}
	slices.Sort(strata[testset.Tail])
	if got := strata[testset.Tail]; !slices.Equal(got, []string{"bands near Blur", "bands near Pulp", "rare thing", "rock"}) {
		t.Errorf("tail: %q", got)
	}
	if got := strata[testset.Reformulated]; !slices.Equal(got, []string{"who sings that song"}) {
		t.Errorf("reformulated: %q", got)
	}
	if a, b := of["bands near Blur"], of["bands near Pulp"]; a.Cluster != b.Cluster {
		t.Errorf("%q and %q", a.Cluster, b.Cluster)
	}
}

func TestFromLogNamesEveryBadLine(t *testing.T) {
	_, err := testset.FromLog(strings.NewReader("fine\t3\nno count\nbad\tmany\nbad\t0\n\t4\na\t1\tb\tc\n"), testset.DefaultSampling(), nil)
	for _, want := range []string{"line 2: ", "line 3: ", "line 4: ", "line 5: ", "line 6: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	_, err = testset.FromLog(strings.NewReader(""), testset.Sampling{Head: 2}, nil)
	for _, want := range []string{"count 0", `market ""`, "head 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
