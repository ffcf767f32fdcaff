package serps

import (
	"fmt"
	"io"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// WriteMarkdown writes the report for people, without the single cases.
func (r Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s against %s\n\n", r.Candidate, r.Baseline)
	for _, line := range r.facts() {
		fmt.Fprintf(&b, "- %s: %s\n", line.name, line.text)
	}
	b.WriteString("\n## By use case\n\n")
	r.table(&b, "use case", append(r.UseCases, r.All))
	b.WriteString("\n## By dimension\n\n| use case |")
	for _, d := range judge.Dimensions() {
		fmt.Fprintf(&b, " %s |", d)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(judge.Dimensions())) + "\n")
	for _, c := range append(r.UseCases, r.All) {
		fmt.Fprintf(&b, "| %s |", c.Name)
		for _, d := range judge.Dimensions() {
			fmt.Fprintf(&b, " %s / %s |", percent(c.Passed[d].A), percent(c.Passed[d].B))
		}
		b.WriteByte('\n')
	}
	b.WriteString("\n## By route of " + r.Candidate + "\n\n")
	r.table(&b, "route", r.Routes)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) table(b *strings.Builder, what string, cuts []Cut) {
	fmt.Fprintf(b, "| %s | n | %s | %s | improvement (95 %%) | difference in points (95 %%) | win / tie / loss | p |\n|---|---|---|---|---|---|---|---|\n", what, r.Candidate, r.Baseline)
	for _, c := range cuts {
		p := c.Overall()
		n := fmt.Sprint(c.N)
		if c.Few {
			n += " (few)"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %d / %d / %d | %s |\n",
			c.Name, n, percent(p.A), percent(p.B), improvement(p), points(p), c.Wins, c.Ties, c.Losses, pValue(p))
	}
}

// fact is a line about a report as a whole.
type fact struct{ name, text string }

func (r Report) facts() []fact {
	out := []fact{
		{"test set", fmt.Sprintf("%s, %d cases; today is %s", r.TestSet, r.All.N, r.Today)},
		{"judge", r.Judge},
		{"agreement with people", r.Calibration},
		{"figures", "shares of pages that pass overall; intervals by the paired bootstrap over " + fmt.Sprint(r.All.Overall().Groups) + " clusters of cases, " + fmt.Sprint(stats.Resamples) + " draws; p by the randomisation test"},
		{"positions", fmt.Sprintf("%d pairs, the same answer in both orders for %s, the first page chosen in %s", r.Positions.Pairs, percent(r.Positions.Consistency()), percent(r.Positions.FirstRate()))},
	}
	if r.Cards > 0 {
		out = append(out, fact{"behaviour", fmt.Sprintf("judges saw what listeners did with %d items of the pages", r.Cards)})
	}
	if r.CostUSD > 0 {
		out = append(out, fact{"cost of judging", fmt.Sprintf("$%.4f", r.CostUSD)})
	}
	if r.Warning != "" {
		out = append(out, fact{"warning", r.Warning})
	}
	if r.Missing != (Missing{}) {
		out = append(out, fact{"pages that did not come", fmt.Sprintf("%d of %s, %d of %s: they do not pass", r.Missing.Candidate, r.Candidate, r.Missing.Baseline, r.Baseline)})
	}
	if len(r.Unjudged) > 0 {
		out = append(out, fact{"not judged", fmt.Sprintf("%d cases, left out: the first, %s, because %s", len(r.Unjudged), r.Unjudged[0].Case, firstLine(r.Unjudged[0].Why))})
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// improvement is the relative difference with its interval, as in the article's Table 2.
func improvement(p stats.Paired) string {
	switch {
	case p.Relative == nil && p.A > 0:
		return "from nothing"
	case p.Relative == nil:
		return "–"
	case p.RelativeInterval == nil:
		return fmt.Sprintf("%+.0f %%", 100**p.Relative)
	}
	return fmt.Sprintf("%+.0f %% (%+.0f to %+.0f)", 100**p.Relative, 100*p.RelativeInterval.Low, 100*p.RelativeInterval.High)
}

func points(p stats.Paired) string {
	return fmt.Sprintf("%+.1f (%+.1f to %+.1f)", 100*p.Difference, 100*p.DifferenceInterval.Low, 100*p.DifferenceInterval.High)
}

func pValue(p stats.Paired) string {
	if p.P < .001 {
		return "< .001"
	}
	return fmt.Sprintf("%.3f", p.P)
}
