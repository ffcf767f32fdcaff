package trec_test

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/evaluation/trec"
)

const slack = 1e-9

func document() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return "d" + strconv.Itoa(rapid.IntRange(0, 14).Draw(t, "n")) })
}

func ranking() *rapid.Generator[[]string] {
	return rapid.SliceOfNDistinct(document(), 0, 12, rapid.ID[string])
}

func levels() *rapid.Generator[trec.Levels] {
	return rapid.Custom(func(t *rapid.T) trec.Levels {
		return rapid.MapOf(document(), rapid.IntRange(-1, 3)).Draw(t, "levels")
	})
}

func aspects() *rapid.Generator[trec.Aspects] {
	subtopics := rapid.SliceOfNDistinct(rapid.SampledFrom(split("vwxyz")), 0, 4, rapid.ID[string])
	return rapid.Custom(func(t *rapid.T) trec.Aspects {
		return rapid.MapOf(document(), subtopics).Draw(t, "aspects")
	})
}

// of are the measures of a ranking at a cutoff; those with gain count as good for swaps.
func graded(g trec.Graded, k int) map[string]float64 {
	return map[string]float64{
		"ndcg": g.NDCG(k), "exponential": g.ExponentialNDCG(k), "err": g.ERR(k, 3), "ap": g.AveragePrecision(k),
		"p": g.Precision(k), "recall": g.Recall(k), "success": g.Success(k),
	}
}

func covered(c trec.Covered, alpha float64, k int) map[string]float64 {
	return map[string]float64{
		"alpha-dcg": c.AlphaDCG(alpha, k), "err-ia": c.ERRIA(alpha, k), "strec": c.SubtopicRecall(k), "p-ia": c.PrecisionIA(k),
	}
}

func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		docs, lv, as := ranking().Draw(t, "docs"), levels().Draw(t, "levels"), aspects().Draw(t, "aspects")
		k, alpha, p := rapid.IntRange(0, 15).Draw(t, "k"), rapid.Float64Range(0, 1).Draw(t, "alpha"), rapid.Float64Range(.05, .95).Draw(t, "p")
		g, c := trec.Grade(docs, lv, rapid.IntRange(1, 3).Draw(t, "least")), trec.Cover(docs, as)
		all := graded(g, k)
		maps.Copy(all, covered(c, alpha, k))
		maps.Copy(all, map[string]float64{
			"bpref": g.Bpref(), "rr": g.ReciprocalRank(), "rprec": g.RPrecision(), "eleven": g.ElevenPoints(), "judged": g.Judged(k),
			"nrbp": c.NRBP(alpha, p), "map-ia": c.AveragePrecisionIA(), "rbo": trec.RBO(docs, ranking().Draw(t, "other"), p), "compat": trec.Compatibility(docs, lv, p),
		})
		for name, v := range all {
			if !(v >= 0 && v <= 1+slack) {
				t.Errorf("%s is %v", name, v)
			}
		}
		// The greedy ideal gains at least 1-1/e of the best at each depth (Nemhauser et al., 1978).
		most := 1 / (1 - math.Exp(-1))
		for name, v := range map[string]float64{"alpha-ndcg": c.AlphaNDCG(alpha, k), "nerr-ia": c.NERRIA(alpha, k), "nnrbp": c.NNRBP(alpha, p)} {
			if !(v >= 0 && v <= most) {
				t.Errorf("%s is %v", name, v)
			}
		}
	})
}

func TestIdealRankingGetsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lv := levels().Draw(t, "levels")
		docs := slices.SortedFunc(maps.Keys(lv), func(a, b string) int { return lv[b] - lv[a] })
		g := trec.Grade(docs, lv, 1)
		if g.Relevant() == 0 {
			return
		}
		k := rapid.IntRange(1, 15).Draw(t, "k")
		for name, v := range map[string]float64{
			"ndcg": g.NDCG(k), "exponential": g.ExponentialNDCG(k), "ap": g.AveragePrecision(0), "rr": g.ReciprocalRank(), "bpref": g.Bpref(),
			"rprec": g.RPrecision(), "eleven": g.ElevenPoints(), "recall": g.Recall(0), "compat": trec.Compatibility(docs, lv, .9),
		} {
			if math.Abs(v-1) > slack {
				t.Errorf("%s is %v", name, v)
			}
		}
	})
}

// With one subtopic for each document, the ideal is whatever is there the fewest times next.
func TestIdealCoverageGetsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		as, time := trec.Aspects{}, map[string]int{}
		seen := map[string]int{}
		for _, doc := range rapid.SliceOfNDistinct(document(), 1, 12, rapid.ID[string]).Draw(t, "docs") {
			s := rapid.SampledFrom(split("xyz")).Draw(t, "subtopic")
			as[doc], time[doc] = []string{s}, seen[s]
			seen[s]++
		}
		docs := slices.SortedFunc(maps.Keys(as), func(a, b string) int { return time[a] - time[b] })
		c, k := trec.Cover(docs, as), rapid.IntRange(1, 15).Draw(t, "k")
		for name, v := range map[string]float64{"alpha-ndcg": c.AlphaNDCG(.5, k), "nerr-ia": c.NERRIA(.5, k), "nnrbp": c.NNRBP(.5, .5), "strec": c.SubtopicRecall(0)} {
			if math.Abs(v-1) > slack {
				t.Errorf("%s is %v", name, v)
			}
		}
	})
}

func TestBetterDocumentsHigherUpNeverHurt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		docs := rapid.SliceOfNDistinct(document(), 2, 12, rapid.ID[string]).Draw(t, "docs")
		lv, as := levels().Draw(t, "levels"), aspects().Draw(t, "aspects")
		i, k := rapid.IntRange(0, len(docs)-2).Draw(t, "place"), rapid.IntRange(0, 15).Draw(t, "k")
		if lv[docs[i]] > lv[docs[i+1]] {
			lv[docs[i]], lv[docs[i+1]] = lv[docs[i+1]], lv[docs[i]]
		}
		as[docs[i+1]] = append(slices.Clone(as[docs[i]]), as[docs[i+1]]...) // covers what the one above does, and more
		swapped := slices.Clone(docs)
		swapped[i], swapped[i+1] = docs[i+1], docs[i]
		before, after := graded(trec.Grade(docs, lv, 1), k), graded(trec.Grade(swapped, lv, 1), k)
		alpha := rapid.Float64Range(0, 1).Draw(t, "alpha")
		c, d := trec.Cover(docs, as), trec.Cover(swapped, as)
		maps.Copy(before, covered(c, alpha, k))
		maps.Copy(after, covered(d, alpha, k))
		before["alpha-ndcg"], after["alpha-ndcg"] = c.AlphaNDCG(alpha, k), d.AlphaNDCG(alpha, k)
		before["nerr-ia"], after["nerr-ia"] = c.NERRIA(alpha, k), d.NERRIA(alpha, k)
		before["compat"], after["compat"] = trec.Compatibility(docs, lv, .9), trec.Compatibility(swapped, lv, .9)
		for name := range before {
			if after[name] < before[name]-slack {
				t.Errorf("%s fell from %v to %v", name, before[name], after[name])
			}
		}
	})
}

func TestWhatIsBelowTheCutoffMeansNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		docs, lv, as := ranking().Draw(t, "docs"), levels().Draw(t, "levels"), aspects().Draw(t, "aspects")
		k := rapid.IntRange(1, 12).Draw(t, "k")
		first := min(k, len(docs))
		other := append(slices.Clone(docs[:first]), rapid.Permutation(docs[first:]).Draw(t, "below")...)
		a, b := graded(trec.Grade(docs, lv, 1), k), graded(trec.Grade(other, lv, 1), k)
		c, d := trec.Cover(docs, as), trec.Cover(other, as)
		maps.Copy(a, covered(c, .5, k))
		maps.Copy(b, covered(d, .5, k))
		a["alpha-ndcg"], b["alpha-ndcg"] = c.AlphaNDCG(.5, k), d.AlphaNDCG(.5, k)
		if !maps.Equal(a, b) {
			t.Errorf("%v, then %v", a, b)
		}
	})
}

func TestOverlapIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, p := ranking().Draw(t, "a"), ranking().Draw(t, "b"), rapid.Float64Range(.05, .95).Draw(t, "p")
		if x, y := trec.RBO(a, b, p), trec.RBO(b, a, p); x != y {
			t.Errorf("%v one way, %v the other", x, y)
		}
		if v := trec.RBO(a, a, p); math.Abs(v-1) > slack {
			t.Errorf("with itself %v", v)
		}
	})
}

// ndeval's measure is that of the papers, of equal intents and a half satisfied, divided.
func TestERRIAIsIntentAwareERR(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		docs, as, k := ranking().Draw(t, "docs"), aspects().Draw(t, "aspects"), rapid.IntRange(1, 12).Draw(t, "k")
		all := map[string]bool{}
		for _, subtopics := range as {
			for _, s := range subtopics {
				all[s] = true
			}
		}
		var intents, best []trec.Intent
		for s := range all {
			grades := make([]float64, len(docs))
			for i, doc := range docs {
				if slices.Contains(as[doc], s) {
					grades[i] = .5
				}
			}
			intents = append(intents, trec.Intent{Probability: 1 / float64(len(all)), Grades: grades})
			best = append(best, trec.Intent{Probability: 1 / float64(len(all)), Grades: slices.Repeat([]float64{.5}, k)})
		}
		want := 0.0
		if len(all) > 0 {
			want = trec.IntentAwareERR(intents, k) / trec.IntentAwareERR(best, k)
		}
		if got := trec.Cover(docs, as).ERRIA(.5, k); math.Abs(got-want) > slack {
			t.Errorf("%v, want %v", got, want)
		}
	})
}
