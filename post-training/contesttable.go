package posttraining

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

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
