package trec_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/trec"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

func check(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, w := range want {
		if g := got[name]; math.Abs(g-w) > 5e-5 {
			t.Errorf("%s: %v, want %v", name, g, w)
		}
	}
}

func split(s string) []string { return strings.Split(s, "") }

// What trec_eval says of this ranking, and by hand the gain of 2^level-1:
// (7/log2(3) + 1/2) / (7 + 3/log2(3) + 1/2).
func TestGraded(t *testing.T) {
	g := trec.Grade(split("cadx"), trec.Levels{"a": 3, "b": 2, "c": 0, "d": 1}, 1)
	check(t, map[string]float64{
		"ndcg": g.NDCG(3), "exponential": g.ExponentialNDCG(3), "rr": g.ReciprocalRank(), "ap": g.AveragePrecision(0),
		"recall": g.Recall(3), "p": g.Precision(5), "judged": g.Judged(0), "judged short": g.Judged(10), "rprec": g.RPrecision(), "bpref": g.Bpref(),
		"success 1": g.Success(1), "success 2": g.Success(2),
	}, map[string]float64{
		"ndcg": .5025, "exponential": .5234, "rr": .5, "ap": .3889,
		"recall": .6667, "p": .4, "judged": .75, "judged short": .75, "rprec": .6667, "bpref": 0,
		"success 1": 0, "success 2": 1,
	})
}

func TestGradedByHand(t *testing.T) {
	// Two are relevant, two are not, x is not judged: of the relevant ones the first has no
	// irrelevant one above, the second one of two.
	g := trec.Grade(split("axbc"), trec.Levels{"a": 1, "b": 0, "c": 1, "d": 0}, 1)
	if got := g.Bpref(); !near(got, (1+.5)/2) {
		t.Errorf("bpref %v", got)
	}
	// Precision 1 at recall 1/2, 2/4 at recall 1.
	if a, b := g.InterpolatedPrecision(.5), g.InterpolatedPrecision(1); !near(a, 1) || !near(b, .5) {
		t.Errorf("interpolated precision %v, %v", a, b)
	}
	if got := g.ElevenPoints(); !near(got, (6*1+5*.5)/11) {
		t.Errorf("eleven points %v", got)
	}
	// Satisfied with 7/8 by the first; if not, with 1/8 by the third.
	g = trec.Grade(split("abc"), trec.Levels{"a": 3, "c": 1}, 1)
	if got := g.ERR(0, 3); !near(got, 7./8+1./8*1./8/3) {
		t.Errorf("err %v", got)
	}
	if got := trec.Grade(split("abc"), trec.Levels{"a": 3, "c": 1}, 2); got.Relevant() != 1 || got.Found(0) != 1 {
		t.Errorf("from level 2 on: %d of %d", got.Found(0), got.Relevant())
	}
	none := trec.Grade(split("ab"), trec.Levels{"a": 0, "c": -1}, 1)
	for name, got := range map[string]float64{
		"ndcg": none.NDCG(0), "ap": none.AveragePrecision(0), "recall": none.Recall(5), "bpref": none.Bpref(), "rprec": none.RPrecision(),
		"rr": none.ReciprocalRank(), "eleven": none.ElevenPoints(), "empty": trec.Grade(nil, trec.Levels{"a": 1}, 1).Judged(5),
	} {
		if got != 0 {
			t.Errorf("%s of nothing relevant: %v", name, got)
		}
	}
}

// What ndeval says, and by hand: gains of 2, 1/2, 0 and 1.
func TestCovered(t *testing.T) {
	c := trec.Cover(split("abdc"), trec.Aspects{"a": {"1", "2"}, "b": {"1"}, "c": {"3"}, "d": nil})
	check(t, map[string]float64{
		"alpha-nDCG": c.AlphaNDCG(.5, 5), "ERR-IA": c.ERRIA(.5, 10), "nERR-IA": c.NERRIA(.5, 0), "strec": c.SubtopicRecall(5), "strec 2": c.SubtopicRecall(2),
		"NRBP": c.NRBP(.5, .5), "P-IA": c.PrecisionIA(2), "P-IA 10": c.PrecisionIA(10), "MAP-IA": c.AveragePrecisionIA(), "nNRBP": c.NNRBP(.5, .5),
		"alpha-DCG": c.AlphaDCG(.5, 2),
	}, map[string]float64{
		"alpha-nDCG": .953214, "ERR-IA": .601194, "nERR-IA": .9375, "strec": 1, "strec 2": 2. / 3,
		"NRBP": (2 + .25 + .125) * .75 / 3, "P-IA": 3. / 6, "P-IA 10": 4. / 30, "MAP-IA": (1 + 1 + .25) / 3, "nNRBP": (2 + .25 + .125) / (2 + .5 + .125),
		"alpha-DCG": (2 + .5/math.Log2(3)) / (3 + 1.5/math.Log2(3)),
	})
	lists := trec.CoverLists([][]string{{"1", "2"}, {"1", "1"}, {"?"}, {"3"}}, [][]string{{"1", "2"}, nil, {"1"}, {"3"}})
	if a, b := lists.AlphaNDCG(.5, 5), c.AlphaNDCG(.5, 5); a != b {
		t.Errorf("without names %v, with them %v", a, b)
	}
	none := trec.Cover(split("ab"), trec.Aspects{"a": nil})
	for name, got := range map[string]float64{
		"alpha-nDCG": none.AlphaNDCG(.5, 5), "ERR-IA": none.ERRIA(.5, 5), "NRBP": none.NRBP(.5, .5), "nNRBP": none.NNRBP(.5, .5),
		"MAP-IA": none.AveragePrecisionIA(), "P-IA": none.PrecisionIA(5), "strec": none.SubtopicRecall(5),
	} {
		if got != 0 {
			t.Errorf("%s of nothing to cover: %v", name, got)
		}
	}
}

func TestIntents(t *testing.T) {
	// Nobody who wants what is new is satisfied by the first.
	if got := trec.RecencyERR([]float64{.5, .5}, []float64{0, 1}, .5, 0); !near(got, .5*(.5+.5*.5/2)+.5*(.5/2)) {
		t.Errorf("recency %v", got)
	}
	if a, b := trec.RecencyERR([]float64{.5, .5}, nil, 0, 0), trec.IntentAwareERR([]trec.Intent{{1, []float64{.5, .5}}}, 2); a != b {
		t.Errorf("nobody wants what is new: %v, want %v", a, b)
	}
	for age, want := range map[float64]float64{0: 1, -3: 1, 10: .5, 20: .25} {
		if got := trec.Decay(age, 10); !near(got, want) {
			t.Errorf("after %v days %v, want %v", age, got, want)
		}
	}
	if got := trec.Decay(math.NaN(), 10); got != 0 {
		t.Errorf("age not known: %v", got)
	}
}

func TestAges(t *testing.T) {
	date := func(s string) time.Time { d, _ := time.Parse(time.DateOnly, s); return d }
	dates := map[string]time.Time{"a": date("2026-03-01"), "b": date("2025-03-11"), "c": date("2026-03-21"), "d": date("2026-02-09")}
	ages := trec.Age(split("axbcd"), dates, date("2026-03-11"))
	check(t, map[string]float64{
		"dated": ages.Dated(0), "dated 2": ages.Dated(2), "fresh": ages.Fresh(28, 0), "fresh 3": ages.Fresh(28, 3), "edge": ages.Fresh(10, 1),
		"median": ages.Median(0), "median 4": ages.Median(4), "median 1": ages.Median(1), "first": ages.Decayed(10)[0], "second": ages.Decayed(10)[1],
	}, map[string]float64{
		"dated": .8, "dated 2": .5, "fresh": .5, "fresh 3": .5, "edge": 1,
		"median": 20, "median 4": 10, "median 1": 10, "first": .5, "second": 0,
	})
	if unknown := trec.Age(split("x"), dates, date("2026-03-11")); !math.IsNaN(unknown.Median(0)) || unknown.Fresh(28, 0) != 0 {
		t.Errorf("no dates: %v, %v", unknown.Median(0), unknown.Fresh(28, 0))
	}
}

func TestRBO(t *testing.T) {
	for _, c := range []struct {
		a, b    string
		p, want float64
	}{
		{"abcdefg", "hijklmn", .9, 0},
		{"abcdefg", "bcagfed", .9, .80069},
		{"abcde", "abcfg", .9, .719335},
		{"abc", "abcdefgh", .9, 1},
		{"a", "ba", .9, .45},
		{"abcdefgh", "hgxyab", .9, .337118},
		{"abcdefg", "bcagfed", .5, .344271},
		{"abcde", "abcfg", .5, .959375},
		{"abcdefgh", "hgxyab", .5, .019736},
	} {
		if got := trec.RBO(split(c.a), split(c.b), c.p); !near(got, c.want) {
			t.Errorf("%s and %s, p %v: %v, want %v", c.a, c.b, c.p, got, c.want)
		}
	}
	if trec.RBO(nil, nil, .9) != 1 || trec.RBO(nil, split("a"), .9) != 0 {
		t.Error("of nothing")
	}
	if a, b := trec.RBO(split("abab"), split("ba"), .9), trec.RBO(split("ab"), split("ba"), .9); a != b {
		t.Errorf("repeated %v, once %v", a, b)
	}
}

func TestCompatibility(t *testing.T) {
	levels := trec.Levels{"a": 2, "b": 1, "c": 1, "d": 0}
	for docs, want := range map[string]float64{
		"abc": 1, "acb": 1, // those of a level in any order
		"": 0, "d": 0,
		"ba": (.9/2*2 + .81*2/3) / (1 + .9 + .81), // against abc: 0, 2 and 2 in common
	} {
		if got := trec.Compatibility(split(docs), levels, .9); !near(got, want) {
			t.Errorf("%q: %v, want %v", docs, got, want)
		}
	}
}

func TestMeasures(t *testing.T) {
	names := func(of ...string) string {
		measures, err := trec.Measures(of...)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, m := range measures {
			out = append(out, m.Name)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ want, of string }{
		{"map P_3 P_10 ndcg_cut_5", "ndcg_cut_5 P.10,3,3 map P_3"},
		{"iprec_at_recall_0.25", "iprec_at_recall.0.25"},
		{"success_1 success_5 success_10 fresh_10", "success fresh_10"},
	} {
		if got := names(strings.Fields(c.of)...); got != c.want {
			t.Errorf("%s: %s, want %s", c.of, got, c.want)
		}
	}
	usual, official := names(), names("official")
	if !strings.HasPrefix(usual, official) || !strings.HasSuffix(official, "P_1000") || !strings.HasSuffix(usual, "ndcg_cut_1000") || strings.Contains(names("all_trec"), "fresh") {
		t.Errorf("usual: %s", usual)
	}
	_, err := trec.Measures("map", "mop", "P.0", "ndcg_cut.x")
	if err == nil {
		t.Fatal("measures that are not known")
	}
	_, err = trec.Measures("map", "mop", "maps")
	if err == nil || !strings.Contains(err.Error(), `"mop"`) || !strings.Contains(err.Error(), `"maps"`) {
		t.Error(err)
	}
}

func TestEvaluateWhatIsMissing(t *testing.T) {
	e := evaluated(t, trec.DefaultConfig(), "run.txt", "map", "num_rel")
	if e.Queries() != 9 || !slices.Equal(e.Missing, []string{"7"}) || !slices.Equal(e.Unassessed, []string{"8"}) {
		t.Errorf("%d queries, missing %v, without judgments %v", e.Queries(), e.Missing, e.Unassessed)
	}
	_, err := trec.Evaluate(trec.DefaultConfig(), trec.Qrels{"1": nil}, trec.Run{Rankings: map[string][]string{"2": nil}}, nil)
	if !errors.Is(err, trec.ErrNoTopics) {
		t.Error(err)
	}
	measures, err := trec.Measures("fresh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trec.Evaluate(trec.DefaultConfig(), nil, trec.Run{}, measures); err == nil || !strings.Contains(err.Error(), "dates") {
		t.Error(err)
	}
}

// A measure that says nothing of a topic does not count it as 0.
func TestMedianAgeOfDatedTopicsOnly(t *testing.T) {
	asOf := time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC)
	cfg := trec.DefaultConfig()
	cfg.Dates, cfg.AsOf, cfg.Complete = map[string]time.Time{"a": asOf.AddDate(0, 0, -40)}, asOf, true
	measures, err := trec.Measures("median_age_days_5", "fresh_5")
	if err != nil {
		t.Fatal(err)
	}
	e, err := trec.Evaluate(cfg, trec.Qrels{"1": {"a": 1}, "2": {"b": 1}, "3": {"a": 1}}, trec.Run{Rankings: map[string][]string{"1": {"a"}, "2": {"b"}}}, measures)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Summary(); got[0] != 0 || got[1] != 40 || e.Queries() != 3 {
		t.Errorf("%v of %d", got, e.Queries())
	}
	if r := e.Report(); r.Topics["2"]["median_age_days_5"] != nil || *r.Summary["median_age_days_5"] != 40 {
		t.Errorf("%+v", r)
	}
}

func TestValidate(t *testing.T) {
	err := trec.Config{Dates: map[string]time.Time{}}.Validate()
	for _, want := range []string{"level 0", "highest", "patience", "fresh days", "the day of the run"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if err := (trec.DiversityConfig{Beta: 1}).Validate(); err == nil {
		t.Error("an infinite sum")
	}
	if err := errors.Join(trec.DefaultConfig().Validate(), trec.DefaultDiversityConfig().Validate()); err != nil {
		t.Error(err)
	}
}
