package precompute

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Stop says why a run ended before everything was done.
type Stop string

// Reasons to stop. "" means that everything was done.
const (
	StopSpent       Stop = "spend cap reached"
	StopBusy        Stop = "the tier cannot be asked"
	StopInterrupted Stop = "interrupted"
	StopStore       Stop = "decisions cannot be kept"
)

// Report is what came of a run. Left = Queries - Skipped - RefusedBefore - Published -
// len(Refusals) - len(Failures).
type Report struct {
	Tier     schemas.Source `json:"tier"`
	Versions Versions       `json:"versions"`
	DryRun   bool           `json:"dry_run,omitempty"`
	Stopped  Stop           `json:"stopped,omitempty"`

	Queries       int `json:"queries"`        // taken up
	Skipped       int `json:"skipped"`        // have a current entry
	RefusedBefore int `json:"refused_before"` // by an earlier run, says the journal
	Routed        int `json:"routed"`         // decided by the tier in this run
	Published     int `json:"published"`
	Left          int `json:"left"`      // for the next run
	Withdrawn     int `json:"withdrawn"` // stale and expired entries

	// Refusals of the gate, and Failures to get a decision, the heaviest first.
	Refusals []Verdict `json:"refusals,omitempty"`
	Failures []Verdict `json:"failures,omitempty"`

	Tokens  schemas.Tokens `json:"tokens"`
	CostUSD float64        `json:"cost_usd"`
	// CostPer1000 is CostUSD for each 1,000 searches of the demand that this run's entries
	// cover; 0 if they cover none.
	CostPer1000 float64 `json:"cost_per_1000_covered_searches_usd"`
	TookMS      float64 `json:"took_ms"`

	Traffic  float64 `json:"traffic"`  // weight of all searches
	Coverage []Point `json:"coverage"` // of current entries, the heaviest first
}

// Verdict is why a query has no entry.
type Verdict struct {
	Query      string  `json:"query"`
	Route      string  `json:"route,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	Reason     string  `json:"reason"`
	weight     float64
}

// Point of a coverage curve: the share of the traffic that the first entries serve.
type Point struct {
	Entries int     `json:"entries"`
	Share   float64 `json:"share"`
}

// Covered returns the share of the traffic that current entries serve.
func (r *Report) Covered() float64 {
	if len(r.Coverage) == 0 {
		return 0
	}
	return r.Coverage[len(r.Coverage)-1].Share
}

func (r *Report) spend(d schemas.Decision) {
	r.Tokens.Prompt += d.Tokens.Prompt
	r.Tokens.Cached += d.Tokens.Cached
	r.Tokens.Completion += d.Tokens.Completion
	r.CostUSD += d.Cost
}

// finish adds what can be said at the end.
func (r *run) finish(began time.Time) {
	r.report.Traffic = r.demand.Total
	for _, list := range [][]Verdict{r.report.Refusals, r.report.Failures} { // they came in any order
		slices.SortFunc(list, func(a, b Verdict) int {
			return cmp.Or(cmp.Compare(b.weight, a.weight), strings.Compare(a.Query, b.Query))
		})
	}
	r.report.Coverage = coverage(r.demand, r.covered)
	if r.gained > 0 {
		r.report.CostPer1000 = 1000 * r.report.CostUSD / r.gained
	}
	r.report.TookMS = float64(time.Since(began).Microseconds()) / 1000
}

// coverage returns the curve of the covered texts of a sorted demand, at powers of ten and
// at the last one.
func coverage(d Demand, covered map[string]bool) []Point {
	curve := []Point{}
	n, sum, mark := 0, 0.0, 1
	share := func() float64 {
		if d.Total == 0 {
			return 0
		}
		return min(sum/d.Total, 1)
	}
	for _, q := range d.Queries {
		if !covered[q.Text] {
			continue
		}
		n++
		sum += q.Weight
		if n == mark {
			curve = append(curve, Point{n, share()})
			mark *= 10
		}
	}
	if n > 0 && curve[len(curve)-1].Entries != n {
		curve = append(curve, Point{n, share()})
	}
	return curve
}

// Write prints the report for people, with at most n refusals and failures each.
func (r Report) Write(out io.Writer, n int) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name string, value int, of string) { fmt.Fprintf(w, "%s\t%d\t%s\n", name, value, of) }
	row("queries", r.Queries, "through the "+string(r.Tier))
	row("skipped", r.Skipped, "have a current entry")
	row("refused before", r.RefusedBefore, "says the journal")
	row("routed", r.Routed, fmt.Sprintf("in %.1f s", r.TookMS/1000))
	row("published", r.Published, "")
	row("refused", len(r.Refusals), "by the gate")
	row("failed", len(r.Failures), "no decision")
	row("left", r.Left, string(r.Stopped))
	row("withdrawn", r.Withdrawn, "stale or expired")
	fmt.Fprintf(w, "tokens\t%d\tread, %d of them from a prefix cache; %d written\n", r.Tokens.Prompt, r.Tokens.Cached, r.Tokens.Completion)
	fmt.Fprintf(w, "cost\t%.6f USD\t%.6f USD per 1,000 searches covered\n", r.CostUSD, r.CostPer1000)
	fmt.Fprintln(w, "\nentries\ttraffic served\t")
	for _, p := range r.Coverage {
		fmt.Fprintf(w, "%d\t%.2f %%\t\n", p.Entries, 100*p.Share)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if r.DryRun {
		fmt.Fprintln(out, "\nNothing was asked, published or withdrawn: this is what a run would cover if it refused nothing.")
	}
	verdicts(out, "Refused", r.Refusals, n)
	verdicts(out, "Failed", r.Failures, n)
	return nil
}

func verdicts(out io.Writer, title string, list []Verdict, n int) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s:\n", title)
	for _, v := range list[:min(n, len(list))] {
		fmt.Fprintf(out, "  %s: %s\n", v.Query, v.Reason)
	}
	if more := len(list) - n; more > 0 {
		fmt.Fprintf(out, "  and %d more\n", more)
	}
}
