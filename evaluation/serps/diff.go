package serps

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/stats"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// Diff is how the candidate of one report does against that of another, on the cases that
// both have.
type Diff struct {
	Of, Against Report
	UseCases    []Change
	All         Change
	Apart       int      // cases that only one of the reports has judged
	Gained      []Result // cases that pass now and did not
	Lost        []Result // cases that passed and do not now
}

// Change is the comparison of a use case: A is the later report, B the earlier.
type Change struct {
	Name string
	stats.Paired
}

// Compare compares the candidates of two reports. Reports of different judges, or of test sets
// that call different queries by one name, cannot be compared.
func Compare(later, earlier Report) (Diff, error) {
	if err := earlier.JudgedBy(later.Judge); err != nil {
		return Diff{}, fmt.Errorf("compare reports: %w", err)
	}
	was := map[string]Result{}
	for _, c := range earlier.Cases {
		was[c.Case] = c
	}
	d := Diff{Of: later, Against: earlier}
	var now, then []Result
	for _, c := range later.Cases {
		old, both := was[c.Case]
		if !both {
			continue
		}
		if c.Query != old.Query || c.UseCase != old.UseCase {
			return Diff{}, fmt.Errorf("compare reports: case %s is %q (%s) in one and %q (%s) in the other", c.Case, c.Query, c.UseCase, old.Query, old.UseCase)
		}
		now, then = append(now, c), append(then, old)
		switch a, b := c.Candidate[judge.Overall], old.Candidate[judge.Overall]; {
		case a && !b:
			d.Gained = append(d.Gained, c)
		case b && !a:
			d.Lost = append(d.Lost, c)
		}
	}
	if len(now) == 0 {
		return Diff{}, fmt.Errorf("compare reports: they have no case in common")
	}
	d.Apart = len(later.Cases) + len(earlier.Cases) - 2*len(now)
	d.All = change("all", now, then, func(Result) bool { return true })
	for _, u := range testset.UseCases() {
		if c := change(string(u), now, then, func(r Result) bool { return r.UseCase == u }); c.N > 0 {
			d.UseCases = append(d.UseCases, c)
		}
	}
	return d, nil
}

func change(name string, now, then []Result, in func(Result) bool) Change {
	var a, b []float64
	var group []string
	for i, r := range now {
		if in(r) {
			a, b = append(a, number(r.Candidate[judge.Overall])), append(b, number(then[i].Candidate[judge.Overall]))
			group = append(group, r.group())
		}
	}
	return Change{name, stats.Compare(a, b, group, seed)}
}

// JudgedBy returns an error if the report is not by a judge: no other can be compared with it.
func (r Report) JudgedBy(judge string) error {
	if r.Judge != judge {
		return fmt.Errorf("one was judged by %s, the other by %s", judge, r.Judge)
	}
	return nil
}

// Gate returns an error that names every use case in which the later candidate is worse
// beyond chance. One case of the later report in twenty may be unjudged.
func (d Diff) Gate() error {
	errs := []error{d.Of.judgedEnough()}
	for _, c := range append(slices.Clone(d.UseCases), d.All) {
		if c.Worse() {
			errs = append(errs, fmt.Errorf("%s: passes %.3f, was %.3f", c.Name, c.A, c.B))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("the gate is shut: worse than before, or not known to be as good:\n%w", err)
	}
	return nil
}

// Write writes the comparison as Markdown.
func (d Diff) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s against %s, judged by %s: share of pages that pass\n\n", d.Of.Candidate, d.Against.Candidate, d.Of.Judge)
	b.WriteString("| use case | n | before | now | change (95 %) | p |\n|---|---|---|---|---|---|\n")
	for _, c := range append(slices.Clone(d.UseCases), d.All) {
		fmt.Fprintf(&b, "| %s | %d | %.3f | %.3f | %+.3f (%+.3f to %+.3f) | %s |\n",
			c.Name, c.N, c.B, c.A, c.Difference, c.DifferenceInterval.Low, c.DifferenceInterval.High, pValue(c.Paired))
	}
	if d.Apart > 0 {
		fmt.Fprintf(&b, "\nLeft out: %d cases that only one of the reports has judged\n", d.Apart)
	}
	for _, list := range []struct {
		what  string
		cases []Result
	}{{"Pass now, and did not", d.Gained}, {"Passed, and do not now", d.Lost}} {
		if len(list.cases) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s: %d\n\n", list.what, len(list.cases))
		for _, c := range list.cases {
			fmt.Fprintf(&b, "- %s `%s` %q\n", c.Case, c.UseCase, c.Query)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
