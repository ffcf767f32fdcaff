package testset_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// ownOnce makes the cases once for all tests.
var ownOnce = sync.OnceValues(testset.Own)

func own(t *testing.T) []testset.Case {
	t.Helper()
	cs, err := ownOnce()
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// The four use cases that improvements are reported for have enough cases to test on for
// intervals that say something.
func TestOwnIsLargeEnough(t *testing.T) {
	cs := own(t)
	if len(cs) < 700 {
		t.Errorf("%d cases, want at least 700", len(cs))
	}
	counts := testset.Count(cs)
	for u, want := range map[testset.UseCase]int{
		testset.SimilarArtists: 120, testset.NewReleases: 120, testset.BroadMusic: 120, testset.BroadPodcast: 120,
		testset.Navigational: 30, testset.MultiIntent: 25, testset.OutOfScope: 25,
	} {
		if n := counts[u].Cases[testset.Test]; n < want {
			t.Errorf("%s: %d to test on, want at least %d", u, n, want)
		}
		if n := counts[u].Clusters[testset.Test]; n < want*4/5 && want >= 120 {
			t.Errorf("%s: %d clusters to test on", u, n)
		}
		for _, s := range testset.Splits() {
			if counts[u].Cases[s] == 0 {
				t.Errorf("%s: nothing in %s", u, s)
			}
		}
	}
}

func TestOwnIsWhole(t *testing.T) {
	cs := own(t)
	profiles, queries := 0, map[string]string{}
	for _, c := range cs {
		if len(c.Gold) == 0 || c.Needs == nil || c.AsOf != testset.OwnAsOf || c.Origin != testset.Written {
			t.Errorf("%s %q: gold %v, needs %v, as of %q, origin %q", c.ID, c.Query, c.Gold, c.Needs, c.AsOf, c.Origin)
		}
		if was, there := queries[testset.Normalise(c.Query)]; there {
			t.Errorf("%q is %q again", c.Query, was)
		}
		queries[testset.Normalise(c.Query)] = c.Query
		if c.Profile != nil {
			profiles++
		}
	}
	if share := float64(profiles) / float64(len(cs)); share < 0.28 || share > 0.39 {
		t.Errorf("%.2f of the cases have a profile, want about a third", share)
	}
	if err := testset.Validate(cs); err != nil {
		t.Error(err)
	}
	again, err := testset.Own()
	if err != nil || !slices.EqualFunc(cs, again, func(a, b testset.Case) bool { return a.ID == b.ID && a.Split == b.Split && a.Cluster == b.Cluster }) {
		t.Error("two calls differ")
	}
}

// Names apart, cases of one wording are one cluster.
func TestOwnClustersByWording(t *testing.T) {
	of := map[string]testset.Case{}
	for _, c := range own(t) {
		of[c.Query] = c
	}
	a, b := of["who else has that desert guitar thing going on like Khruangbin"], of["who else has that desert guitar thing going on like Hermanos Gutiérrez"]
	if a.Cluster == "" || a.Cluster != b.Cluster || a.Split != b.Split {
		t.Errorf("%q (%s) and %q (%s)", a.Cluster, a.Split, b.Cluster, b.Split)
	}
	if a.Needs.Seed != "Khruangbin" || !slices.Contains(a.Needs.Genres, "psychedelic rock") || a.Gold[0].Route != "similar_artists" {
		t.Errorf("%+v", a)
	}
}

// The page about test sets says how many cases there are.
func TestPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/test-sets.md")
	if err != nil {
		t.Fatal(err)
	}
	counts := testset.Count(own(t))
	for _, u := range testset.UseCases() {
		n := counts[u]
		row := fmt.Sprintf("| %s | %d | %d | %d | %d |\n", u, n.Cases[testset.Train], n.Cases[testset.Development], n.Cases[testset.Test], n.Clusters[testset.Test])
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/test-sets.md has no line %s", row)
		}
	}
}
