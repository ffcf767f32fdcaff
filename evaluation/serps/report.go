package serps

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/stats"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// Format is the version of a report.
const Format = 1

// seed of the bootstrap: equal outcomes give equal reports.
const seed = 1

// few is the number of cases below which a cut says so: its interval covers nearly anything.
const few = 30

// mostUnjudged is the share of the cases from which on a gate is shut for want of judgments:
// those that a judge fails on are not like the others.
const mostUnjudged = .05

// Report says how much better the candidate's pages are than the baseline's. It depends on
// the outcomes alone: equal ones give equal bytes.
type Report struct {
	Format    int    `json:"format"`
	Candidate string `json:"candidate"`
	Baseline  string `json:"baseline"`
	TestSet   string `json:"test_set"` // with its hash
	Today     string `json:"today"`
	Judge     string `json:"judge"`
	// Calibration says how far the judge agrees with people, or that nobody knows.
	Calibration string `json:"calibration"`
	Warning     string `json:"warning,omitempty"` // about the judge
	// Cards is of how many items judges were told what listeners did; see [judge.Behaviour].
	Cards int `json:"cards,omitempty"`

	All      Cut   `json:"all"`
	UseCases []Cut `json:"use_cases"`
	Routes   []Cut `json:"routes"` // by the route that the candidate took

	Positions judge.Positions `json:"positions"`
	CostUSD   float64         `json:"judging_usd"`
	Missing   Missing         `json:"missing"`
	Unjudged  []Unjudged      `json:"unjudged,omitempty"` // left out of every figure
	Cases     []Result        `json:"cases"`
}

// Missing is how many pages did not come. They count as pages that do not pass.
type Missing struct {
	Candidate int `json:"candidate"`
	Baseline  int `json:"baseline"`
}

// Cut is the report of some of the cases. Its intervals draw clusters of cases, see
// [testset.Case], as cases of one wording are not independent.
type Cut struct {
	Name string `json:"name"`
	N    int    `json:"n"`
	// Passed compares the shares of pages that pass, by dimension.
	Passed map[judge.Dimension]stats.Paired `json:"passed"`
	Wins   int                              `json:"wins"`
	Ties   int                              `json:"ties"`
	Losses int                              `json:"losses"`
	Few    bool                             `json:"few,omitempty"` // too few cases to say much
}

// Overall is the comparison on the overall verdict.
func (c Cut) Overall() stats.Paired { return c.Passed[judge.Overall] }

// Result is the outcome of a case in short.
type Result struct {
	Case       string                   `json:"case"`
	UseCase    testset.UseCase          `json:"use_case"`
	Query      string                   `json:"query"`
	Cluster    string                   `json:"cluster,omitempty"`
	Route      string                   `json:"route,omitempty"`
	Candidate  map[judge.Dimension]bool `json:"candidate"`
	Baseline   map[judge.Dimension]bool `json:"baseline"`
	Preference judge.Choice             `json:"preference"`
}

// Unjudged is a case that a judge did not answer for.
type Unjudged struct {
	Case string `json:"case"`
	Why  string `json:"why"`
}

// About is what a report says of its making.
type About struct {
	Candidate, Baseline string // names of the systems
	TestSet, Today      string
	Judge, Calibration  string
	Cards               int // items of the pages with a card
}

// NewReport sums up outcomes.
func NewReport(about About, j Judged) Report {
	r := Report{
		Format: Format, Candidate: about.Candidate, Baseline: about.Baseline, TestSet: about.TestSet, Today: about.Today,
		Judge: about.Judge, Calibration: about.Calibration, Positions: j.Positions, CostUSD: j.CostUSD, Cards: about.Cards,
	}
	if j.Positions.Pairs > 0 {
		r.Warning = j.Positions.Warning()
	}
	for _, o := range j.Outcomes {
		r.Missing.count(o.Pages)
		if o.Unjudged != "" {
			r.Unjudged = append(r.Unjudged, Unjudged{o.Case.ID, o.Unjudged})
			continue
		}
		r.Cases = append(r.Cases, result(o))
	}
	r.All = cut("all", r.Cases)
	r.UseCases = cuts(r.Cases, func(c Result) string { return string(c.UseCase) })
	r.Routes = cuts(r.Cases, func(c Result) string { return c.Route })
	return r
}

func (m *Missing) count(p Pages) {
	if p.Candidate.Error != "" {
		m.Candidate++
	}
	if p.Baseline.Error != "" {
		m.Baseline++
	}
}

func result(o Outcome) Result {
	return Result{
		Case: o.Case.ID, UseCase: o.Case.UseCase, Query: o.Case.Query, Cluster: o.Case.Cluster, Route: o.Candidate.Route,
		Candidate: passes(o.CandidateVerdicts), Baseline: passes(o.BaselineVerdicts), Preference: o.Preference,
	}
}

// group names the cases that a case is drawn together with: its cluster, or else those with
// the same words.
func (r Result) group() string { return cmp.Or(r.Cluster, testset.Normalise(r.Query)) }

func passes(verdicts map[judge.Dimension]judge.Verdict) map[judge.Dimension]bool {
	out := map[judge.Dimension]bool{}
	for d, v := range verdicts {
		out[d] = v.Pass
	}
	return out
}

// cuts returns a cut for each value of by, in the order of use cases where they are that,
// else by name.
func cuts(cases []Result, by func(Result) string) []Cut {
	groups := map[string][]Result{}
	for _, c := range cases {
		groups[by(c)] = append(groups[by(c)], c)
	}
	var out []Cut
	for name, group := range groups {
		out = append(out, cut(name, group))
	}
	slices.SortFunc(out, func(a, b Cut) int {
		if d := place(a.Name) - place(b.Name); d != 0 {
			return d
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return out
}

// place is where a use case stands in reports.
func place(name string) int {
	if i := slices.Index(testset.UseCases(), testset.UseCase(name)); i >= 0 {
		return i
	}
	return len(testset.UseCases())
}

func cut(name string, cases []Result) Cut {
	c := Cut{Name: name, N: len(cases), Passed: map[judge.Dimension]stats.Paired{}, Few: len(cases) < few}
	groups := make([]string, len(cases))
	for i, one := range cases {
		groups[i] = one.group()
		switch one.Preference {
		case judge.First:
			c.Wins++
		case judge.Second:
			c.Losses++
		case judge.Tie:
			c.Ties++
		}
	}
	for _, d := range judge.Dimensions() {
		a, b := make([]float64, len(cases)), make([]float64, len(cases))
		for i, one := range cases {
			a[i], b[i] = number(one.Candidate[d]), number(one.Baseline[d])
		}
		c.Passed[d] = stats.Compare(a, b, groups, seed)
	}
	return c
}

func number(pass bool) float64 {
	if pass {
		return 1
	}
	return 0
}

// Write writes the report as JSON.
func (r Report) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(r)
}

// Read reads what [Report.Write] wrote.
func Read(r io.Reader) (Report, error) {
	var out Report
	if err := json.NewDecoder(r).Decode(&out); err != nil {
		return Report{}, fmt.Errorf("read report: %w", err)
	}
	if out.Format != Format {
		return Report{}, fmt.Errorf("read report: format %d; this program reads %d", out.Format, Format)
	}
	return out, nil
}

// Gate returns an error that names every use case in which the candidate is not better than
// the baseline beyond chance, or of which there are no cases. One case in twenty may be
// unjudged.
func (r Report) Gate(useCases []testset.UseCase) error {
	var errs []error
	errs = append(errs, r.judgedEnough())
	for _, u := range useCases {
		i := slices.IndexFunc(r.UseCases, func(c Cut) bool { return c.Name == string(u) })
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s: no case was judged", u))
			continue
		}
		if p := r.UseCases[i].Overall(); !p.Better() {
			errs = append(errs, fmt.Errorf("%s: %s passes %.3f, %s %.3f: the difference is %+.3f, 95 %% %+.3f to %+.3f",
				u, r.Candidate, p.A, r.Baseline, p.B, p.Difference, p.DifferenceInterval.Low, p.DifferenceInterval.High))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("the gate is shut:\n%w", err)
	}
	return nil
}

// judgedEnough returns an error if more than one case in twenty is unjudged.
func (r Report) judgedEnough() error {
	if n := len(r.Unjudged); float64(n) > mostUnjudged*float64(n+len(r.Cases)) {
		return fmt.Errorf("%d of %d cases were not judged", n, n+len(r.Cases))
	}
	return nil
}
