package posttraining

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/stats"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// Table is the outcome of a contest.
type Table struct {
	Judge   string  `json:"judge"`
	HourUSD float64 `json:"hour_usd"`
	N       int     `json:"n"`
	// Unjudged is how many queries count for no quality: the judge said nothing of the decision
	// of a contestant.
	Unjudged int     `json:"unjudged"`
	Rows     []Entry `json:"rows"` // the teacher's first
}

// Entry is a contestant in a table. What is compared is compared with the teacher.
type Entry struct {
	Name  string `json:"name"`
	ID    string `json:"id"`
	Model string `json:"model"`
	// JudgesItself says that the judge is the model that decides.
	JudgesItself bool `json:"judges_itself,omitempty"`

	Quality        stats.Paired   `json:"quality"` // share of decisions that the judge passes
	Routed         stats.Paired   `json:"routed"`  // share whose route suits by the labels
	RoutedInterval stats.Interval `json:"routed_wilson_95"`
	Valid          int            `json:"valid"` // decisions that were valid
	ValidInterval  stats.Interval `json:"valid_wilson_95"`

	Latency stats.Paired `json:"latency_ms"` // mean
	P50     float64      `json:"p50_ms"`
	P75     float64      `json:"p75_ms"`
	Cost    stats.Paired `json:"cost_usd"` // mean of a decision

	PromptTokens     float64 `json:"prompt_tokens"` // mean of a decision
	CachedTokens     float64 `json:"cached_tokens"`
	CompletionTokens float64 `json:"completion_tokens"`
}

func (c Contest) table(queries []Query, tallies []tally) Table {
	groups := make([]string, len(queries))
	for i, q := range queries {
		if groups[i] = q.Cluster; groups[i] == "" {
			groups[i] = testset.Normalise(q.Text)
		}
	}
	judged := judgedByAll(tallies)
	out := Table{Judge: c.Judge.ID(), HourUSD: c.HourUSD, N: len(queries), Unjudged: len(queries) - len(judged)}
	teacher, n := tallies[0], float64(len(queries))
	for i, t := range tallies {
		const seed = 1
		e := Entry{
			Name: c.Contestants[i].Name, ID: c.Contestants[i].Router.ID(), Model: t.model, JudgesItself: c.Contestants[i].JudgesItself,
			Quality: stats.Compare(at(t.passed, judged), at(teacher.passed, judged), at(groups, judged), seed), Routed: stats.Compare(t.routed, teacher.routed, groups, seed),
			Latency: stats.Compare(t.took, teacher.took, groups, seed), Cost: stats.Compare(t.costs, teacher.costs, groups, seed),
			P50: stats.Quantile(append([]float64{}, t.took...), .5), P75: stats.Quantile(append([]float64{}, t.took...), .75),
			Valid: count(t.valid), ValidInterval: stats.Wilson(count(t.valid), len(queries)), RoutedInterval: stats.Wilson(count(t.routed), len(queries)),
			PromptTokens: float64(t.tokens.Prompt) / n, CachedTokens: float64(t.tokens.Cached) / n, CompletionTokens: float64(t.tokens.Completion) / n,
		}
		out.Rows = append(out.Rows, e)
	}
	return out
}

// judgedByAll returns the queries, by index, of which every decision has a verdict or is none.
func judgedByAll(tallies []tally) []int {
	var out []int
	for i := range tallies[0].unjudged {
		if !slices.ContainsFunc(tallies, func(t tally) bool { return t.unjudged[i] }) {
			out = append(out, i)
		}
	}
	return out
}

func at[T any](list []T, indices []int) []T {
	out := make([]T, len(indices))
	for k, i := range indices {
		out[k] = list[i]
	}
	return out
}

func count(list []float64) int {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return int(math.Round(sum))
}

// WriteJSON writes the table with every figure.
func (t Table) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(t)
}

// Write writes the table as Markdown, in the form of the article's Table 1: relative to the
// teacher, with 95 % intervals by the paired bootstrap.
func (t Table) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d queries; quality is the share of decisions that the judge %s passes; everything is relative to the teacher, %s.\n\n", t.N, t.Judge, t.Rows[0].Name)
	if t.Unjudged > 0 {
		fmt.Fprintf(&b, "**Of %d queries the judge gave no verdict on every decision: they count for no quality.**\n\n", t.Unjudged)
	}
	for _, e := range t.Rows {
		if e.JudgesItself {
			fmt.Fprintf(&b, "**The judge is the model of %s: it may pass what it wrote itself.**\n\n", e.Name)
		}
	}
	b.WriteString("| |")
	for _, e := range t.Rows {
		fmt.Fprintf(&b, " %s |", e.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(t.Rows)) + "\n")
	for _, line := range t.lines() {
		fmt.Fprintf(&b, "| %s |", line.name)
		for i, e := range t.Rows {
			fmt.Fprintf(&b, " %s |", line.text(i, e))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	for _, e := range t.Rows {
		fmt.Fprintf(&b, "- %s: %s\n", e.Name, e.ID)
	}
	price := "the price list of the settings alone"
	if t.HourUSD > 0 {
		price = fmt.Sprintf("the price list of the settings, and %g USD for an hour of the machine", t.HourUSD)
	}
	fmt.Fprintf(&b, "- cost: by %s\n", price)
	_, err := io.WriteString(w, b.String())
	return err
}

// line is a row of the printed table.
type line struct {
	name string
	text func(i int, e Entry) string
}

func (t Table) lines() []line {
	relative := func(of func(Entry) stats.Paired) func(int, Entry) string {
		return func(i int, e Entry) string {
			if i == 0 {
				return "–"
			}
			return change(of(e))
		}
	}
	return []line{
		{"**quality**", relative(func(e Entry) stats.Paired { return e.Quality })},
		{"**latency**", relative(func(e Entry) stats.Paired { return e.Latency })},
		{"**cost**", relative(func(e Entry) stats.Paired { return e.Cost })},
		{"quality, %", func(_ int, e Entry) string { return fmt.Sprintf("%.1f", 100*e.Quality.A) }},
		{"route suits, % (Wilson)", func(_ int, e Entry) string {
			return fmt.Sprintf("%.1f (%.1f to %.1f)", 100*e.Routed.A, 100*e.RoutedInterval.Low, 100*e.RoutedInterval.High)
		}},
		{"valid decisions, % (Wilson)", func(_ int, e Entry) string {
			return fmt.Sprintf("%.1f (%.1f to %.1f)", 100*float64(e.Valid)/float64(t.N), 100*e.ValidInterval.Low, 100*e.ValidInterval.High)
		}},
		{"latency, ms: mean, p50, p75", func(_ int, e Entry) string { return fmt.Sprintf("%.4g, %.4g, %.4g", e.Latency.A, e.P50, e.P75) }},
		{"tokens: prompt (cached), answer", func(_ int, e Entry) string {
			return fmt.Sprintf("%.0f (%.0f), %.0f", e.PromptTokens, e.CachedTokens, e.CompletionTokens)
		}},
		{"USD for 1,000 decisions", func(_ int, e Entry) string { return fmt.Sprintf("%.3g", 1000*e.Cost.A) }},
		{"model", func(_ int, e Entry) string { return e.Model }},
	}
}

// change is a relative difference with its interval, and nothing where there is none to
// relate to.
func change(p stats.Paired) string {
	switch {
	case p.Relative == nil:
		return "n/a"
	case p.RelativeInterval == nil:
		return fmt.Sprintf("%+.0f %%", 100**p.Relative)
	}
	return fmt.Sprintf("%+.1f %% (%+.1f to %+.1f)", 100**p.Relative, 100*p.RelativeInterval.Low, 100*p.RelativeInterval.High)
}
