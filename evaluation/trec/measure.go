package trec

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ranked is a ranking with all that is known of it.
type ranked struct {
	Graded
	docs   []string
	levels Levels
	ages   Ages
	cfg    Config
}

// summary is how the values of topics become one.
type summary int

const (
	mean summary = iota
	total
	geometric // the values are logarithms
	label     // of the run, no number
)

// Measure is one of the measures of an evaluation.
type Measure struct {
	Name string // as trec_eval prints it, such as ndcg_cut_10

	cut     float64 // k, or recall
	of      func(r ranked, cut float64) float64
	summary summary
}

// family is measures that differ in their cutoff.
type family struct {
	name    string
	form    string // of the name with a cutoff
	cuts    []float64
	of      func(r ranked, cut float64) float64
	summary summary
	usual   bool // printed if nothing is asked for
	dates   bool // needs dates
}

// smallest is what trec_eval takes the logarithm of instead of 0.
const smallest = 0.00001

const places = "%s_%.0f"

func depths() []float64 { return []float64{5, 10, 15, 20, 30, 100, 200, 500, 1000} }

// families are all measures, in the order in which trec_eval prints them; those that it does
// not have come last.
func families() []family {
	recalls := []float64{0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1}
	return append([]family{
		{name: "runid", of: plain(func(ranked) float64 { return math.NaN() }), summary: label, usual: true},
		{name: "num_q", of: plain(func(ranked) float64 { return 1 }), summary: total, usual: true},
		{name: "num_ret", of: count(func(r ranked) int { return r.Retrieved() }), summary: total, usual: true},
		{name: "num_rel", of: count(func(r ranked) int { return r.Relevant() }), summary: total, usual: true},
		{name: "num_rel_ret", of: count(func(r ranked) int { return r.Found(0) }), summary: total, usual: true},
		{name: "map", of: plain(func(r ranked) float64 { return r.AveragePrecision(0) }), usual: true},
		{name: "gm_map", of: plain(func(r ranked) float64 { return math.Log(max(r.AveragePrecision(0), smallest)) }), summary: geometric, usual: true},
		{name: "Rprec", of: plain(func(r ranked) float64 { return r.RPrecision() }), usual: true},
		{name: "bpref", of: plain(func(r ranked) float64 { return r.Bpref() }), usual: true},
		{name: "recip_rank", of: plain(func(r ranked) float64 { return r.ReciprocalRank() }), usual: true},
		{name: "iprec_at_recall", form: "%s_%.2f", cuts: recalls, of: func(r ranked, recall float64) float64 { return r.InterpolatedPrecision(recall) }, usual: true},
		{name: "P", form: places, cuts: depths(), of: at(Graded.Precision), usual: true},
		{name: "recall", form: places, cuts: depths(), of: at(Graded.Recall), usual: true},
		{name: "11pt_avg", of: plain(func(r ranked) float64 { return r.ElevenPoints() })},
		{name: "ndcg", of: plain(func(r ranked) float64 { return r.NDCG(0) }), usual: true},
		{name: "ndcg_cut", form: places, cuts: depths(), of: at(Graded.NDCG), usual: true},
		{name: "map_cut", form: places, cuts: depths(), of: at(Graded.AveragePrecision)},
		{name: "success", form: places, cuts: []float64{1, 5, 10}, of: at(Graded.Success)},
		{name: "set_P", of: plain(func(r ranked) float64 { return r.Precision(0) })},
		{name: "set_recall", of: plain(func(r ranked) float64 { return r.Recall(0) })},
	}, own()...)
}

// own are the measures that trec_eval does not have.
func own() []family {
	return []family{
		{name: "ndcg_exp_cut", form: places, cuts: []float64{5, 10, 20}, of: at(Graded.ExponentialNDCG)},
		{name: "err_cut", form: places, cuts: []float64{5, 10, 20}, of: func(r ranked, k float64) float64 { return r.ERR(int(k), r.cfg.Highest) }},
		{name: "judged", form: places, cuts: []float64{5, 10, 20}, of: at(Graded.Judged)},
		{name: "compat", of: plain(func(r ranked) float64 { return Compatibility(r.docs, r.levels, r.cfg.Patience) })},
		{name: "dated", form: places, cuts: []float64{5, 10}, dates: true, of: func(r ranked, k float64) float64 { return r.ages.Dated(int(k)) }},
		{name: "fresh", form: places, cuts: []float64{5, 10}, dates: true, of: func(r ranked, k float64) float64 { return r.ages.Fresh(r.cfg.FreshDays, int(k)) }},
		{name: "median_age_days", form: places, cuts: []float64{5, 10}, dates: true, of: func(r ranked, k float64) float64 { return r.ages.Median(int(k)) }},
		{name: "recency_err_cut", form: places, cuts: []float64{5, 10}, dates: true, of: func(r ranked, k float64) float64 {
			return RecencyERR(r.Grades(r.cfg.Highest), r.ages.Decayed(r.cfg.FreshDays), r.cfg.Recency, int(k))
		}},
	}
}

func plain(of func(r ranked) float64) func(ranked, float64) float64 {
	return func(r ranked, _ float64) float64 { return of(r) }
}

func count(of func(r ranked) int) func(ranked, float64) float64 {
	return func(r ranked, _ float64) float64 { return float64(of(r)) }
}

func at(of func(g Graded, k int) float64) func(ranked, float64) float64 {
	return func(r ranked, k float64) float64 { return of(r.Graded, int(k)) }
}

// Measures returns measures by name, in the order in which they are printed. A name is as
// trec_eval's -m takes it: that of a measure (map), of a family (ndcg_cut), of a family with
// cutoffs (P.3,10), or as it is printed (ndcg_cut_10); official is what trec_eval prints if
// nothing is asked for, all_trec all measures that need no dates, and all every one. Without names it is
// official with recall, ndcg and ndcg_cut. The error names everything that is not known.
func Measures(names ...string) ([]Measure, error) {
	var out []Measure
	unknown := slices.Clone(names)
	for _, f := range families() {
		cuts, chosen := []float64(nil), len(names) == 0 && f.usual
		for _, name := range names {
			more, ok, err := f.match(name)
			if err != nil {
				return nil, err
			}
			if ok {
				cuts, chosen = append(cuts, more...), true
				unknown = slices.DeleteFunc(unknown, func(n string) bool { return n == name })
			}
		}
		if !chosen {
			continue
		}
		if len(names) == 0 {
			cuts = f.cuts
		}
		out = append(out, f.measures(cuts)...)
	}
	var errs []error
	for _, name := range unknown {
		errs = append(errs, fmt.Errorf("measure %q is not known", name))
	}
	return out, errors.Join(errs...)
}

// NeedsDates reports whether a measure cannot be computed without dates.
func (m Measure) NeedsDates() bool {
	return slices.ContainsFunc(families(), func(f family) bool {
		return f.dates && (m.Name == f.name || strings.HasPrefix(m.Name, f.name+"_"))
	})
}

// official reports whether trec_eval prints the family if nothing is asked for.
func (f family) official() bool {
	return f.usual && f.name != "recall" && f.name != "ndcg" && f.name != "ndcg_cut"
}

// match reports whether a name means the family, and which cutoffs of it.
func (f family) match(name string) (cuts []float64, ok bool, err error) {
	switch {
	case name == f.name, name == "all", name == "all_trec" && !f.dates, name == "official" && f.official():
		return f.cuts, true, nil
	case f.form == "":
		return nil, false, nil
	}
	if list, ok := strings.CutPrefix(name, f.name+"."); ok {
		for s := range strings.SplitSeq(list, ",") {
			cut, err := strconv.ParseFloat(s, 64)
			if err != nil || !f.takes(cut) {
				return nil, false, fmt.Errorf("measure %q: %q is no cutoff", name, s)
			}
			cuts = append(cuts, cut)
		}
		return cuts, true, nil
	}
	if s, ok := strings.CutPrefix(name, f.name+"_"); ok {
		if cut, err := strconv.ParseFloat(s, 64); err == nil && f.takes(cut) {
			return []float64{cut}, true, nil
		}
	}
	return nil, false, nil
}

// takes reports whether a cutoff is possible: a recall, or a whole number of places.
func (f family) takes(cut float64) bool {
	if f.form == places {
		return cut >= 1 && cut <= math.MaxInt32 && cut == math.Trunc(cut)
	}
	return cut >= 0 && cut <= 1
}

func (f family) measures(cuts []float64) []Measure {
	if f.form == "" {
		return []Measure{{Name: f.name, of: f.of, summary: f.summary}}
	}
	slices.Sort(cuts)
	var out []Measure
	for _, cut := range slices.Compact(cuts) {
		out = append(out, Measure{Name: fmt.Sprintf(f.form, f.name, cut), cut: cut, of: f.of, summary: f.summary})
	}
	return out
}
