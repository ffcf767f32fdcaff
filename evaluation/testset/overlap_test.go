package testset_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// masker masks two names.
type masker struct{}

func (masker) Mask(text string) string {
	return strings.NewReplacer("Pulp", "<name>", "Blur", "<name>").Replace(text)
}

func texts(list ...string) []testset.Text {
	out := make([]testset.Text, len(list))
	for i, s := range list {
		out[i] = testset.Text{Text: s}
	}
	return out
}

func TestOverlap(t *testing.T) {
	learn := texts("bands near Pulp", "Blur", "who is that", "new Pulp, please!")
	for query, want := range map[string]testset.Likeness{
		"Who is THAT?":         testset.SameWords,
		"bands near Blur":      testset.SameWording,
		"Bands near  Blur!":    testset.SameWording,
		"bands nearer to Blur": "",
		"Pulp":                 "", // a name has no wording
		"blur":                 testset.SameWords,
		"Blur Pulp":            "",
		"new Blur please":      testset.SameWording,
	} {
		var got testset.Likeness
		if pairs := testset.Overlap(learn, texts(query), masker{}); len(pairs) > 0 {
			got = pairs[0].How
		}
		if got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	if pairs := testset.Overlap(learn, texts("bands near Blur"), nil); len(pairs) > 0 {
		t.Errorf("without a masker: %v", pairs)
	}
	pair := testset.Overlap(learn, texts("bands near Blur"), masker{})[0]
	if got := pair.String(); got != `"bands near Blur" to test on and "bands near Pulp" to learn from: same wording` {
		t.Error(got)
	}
}

func TestReadTexts(t *testing.T) {
	got, err := testset.ReadTexts(strings.NewReader(head + "# none\n\n{\"id\":\"x\",\"query\":\"jazz\"}\nblues\tsearch\t{}\n{artist} live\tsearch\n{\"id\":7,\"query\":\"soul\"}\n"))
	want := []testset.Text{{"x", "jazz"}, {"5", "blues"}, {"6", "{artist} live"}, {"7", "soul"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	_, err = testset.ReadTexts(strings.NewReader("{\"text\":\"x\"}\n{\"\n"))
	for _, want := range []string{"line 1: want a member", "line 2: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestClusters(t *testing.T) {
	masked := []string{"<name>", "new <name> album", "the new <name> album", "who sings <term> in 1999", "who sings <term> in 2004", "<name>", "a new <name> album now please"}
	got := testset.Clusters(masked, []string{"pulp", "1", "2", "3", "4", "blur", "6"})
	for _, c := range []struct {
		a, b int
		same bool
	}{{1, 2, true}, {3, 4, true}, {0, 5, false}, {0, 1, false}, {1, 3, false}, {1, 6, false}} {
		if (got[c.a] == got[c.b]) != c.same {
			t.Errorf("%q and %q: %q and %q", masked[c.a], masked[c.b], got[c.a], got[c.b])
		}
	}
}

// The clusters of texts do not depend on their order.
func TestClustersDoNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([]string{"new", "old", "album", "<name>", "by", "the", "song", "live", "7"})
		text := rapid.Map(rapid.SliceOfN(words, 1, 6), func(w []string) string { return strings.Join(w, " ") })
		masked := rapid.SliceOfN(text, 1, 12).Draw(t, "masked")
		perm := rapid.Permutation(masked).Draw(t, "in another order")
		of := map[string]string{}
		for i, c := range testset.Clusters(masked, masked) {
			of[masked[i]] = c
		}
		for i, c := range testset.Clusters(perm, perm) {
			if of[perm[i]] != c {
				t.Fatalf("%q: %q and %q", perm[i], of[perm[i]], c)
			}
		}
	})
}
