package routing

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/parallel-fusion/pfr/evaluation/frames"
	"github.com/parallel-fusion/pfr/evaluation/stats"
	"github.com/parallel-fusion/pfr/schemas"
)

// Share is a count of successes with its Wilson 95 % interval.
type Share struct {
	N        int            `json:"n"`
	Right    int            `json:"right"`
	Accuracy float64        `json:"accuracy"` // 0 of none
	Interval stats.Interval `json:"wilson_95"`
}

func share(right, n int) Share {
	return Share{N: n, Right: right, Accuracy: float64(right) / float64(max(n, 1)), Interval: stats.Wilson(right, n)}
}

// Report says how good a router is.
type Report struct {
	Micro  Share                  `json:"micro"`
	Macro  float64                `json:"macro_accuracy"` // mean over the routes that occur
	Routes map[string]Share       `json:"routes"`
	Frames Share                  `json:"frames"` // of the cases whose parameters are known
	Params map[string]ParamReport `json:"params,omitempty"`
	Errors map[frames.Kind]int    `json:"frame_errors,omitempty"`
	Tiers  map[schemas.Source]int `json:"tiers"`  // that answered
	Failed int                    `json:"failed"` // cases without a decision
	ECE    float64                `json:"ece"`
	Bins   []stats.Bin            `json:"calibration"`
	Curve  []stats.CoveragePoint  `json:"risk_coverage"`
	TookMS Latency                `json:"took_ms"`
	Tokens schemas.Tokens         `json:"tokens"`
	Cost   float64                `json:"cost_usd"`
	Wrong  []Mistake              `json:"mistakes"`
}

// ParamReport is one parameter over the cases whose parameters are known.
type ParamReport struct {
	frames.Tally
	F1 float64 `json:"f1"`
}

// Latency is the time of decisions, in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Mistake is a case whose route is wrong.
type Mistake struct {
	Query      string         `json:"query"`
	Want       []string       `json:"want"`
	Got        string         `json:"got"`
	Source     schemas.Source `json:"source"`
	Confidence float64        `json:"confidence"`
	Error      string         `json:"error,omitempty"`
}

// tally collects a report.
type tally struct {
	r           Report
	n, right    map[string]int // by best route
	framesN     int
	framesRight int
	params      map[string]frames.Tally
	predictions []stats.Prediction
	took        []float64
}

func newTally() *tally {
	return &tally{
		r: Report{Errors: map[frames.Kind]int{}, Tiers: map[schemas.Source]int{}},
		n: map[string]int{}, right: map[string]int{}, params: map[string]frames.Tally{},
	}
}

func (t *tally) add(c Case, d schemas.Decision, err error) {
	best := c.Routes[0]
	t.n[best]++
	right := err == nil && slices.Contains(c.Routes, d.Route)
	if right {
		t.right[best]++
	} else {
		m := Mistake{Query: c.Query, Want: c.Routes, Got: d.Route, Source: d.Source, Confidence: d.Confidence}
		if err != nil {
			m.Error = err.Error()
		}
		t.r.Wrong = append(t.r.Wrong, m)
	}
	if err != nil {
		t.r.Failed++
	} else {
		t.predictions = append(t.predictions, stats.Prediction{Confidence: d.Confidence, Right: right})
		t.r.Tiers[d.Source]++
	}
	t.took = append(t.took, d.TookMS)
	t.r.Cost += d.Cost
	t.r.Tokens.Prompt += d.Tokens.Prompt
	t.r.Tokens.Cached += d.Tokens.Cached
	t.r.Tokens.Completion += d.Tokens.Completion
	if c.Wish != nil {
		t.frame(frames.Frame{Name: d.Route, Params: d.Params}, frames.Wish{Name: best, Params: c.Wish})
	}
}

func (t *tally) frame(f frames.Frame, w frames.Wish) {
	t.framesN++
	problems := frames.Check([]frames.Frame{f}, []frames.Wish{w})
	if len(problems) == 0 {
		t.framesRight++
	}
	for _, p := range problems {
		t.r.Errors[p.Kind]++
	}
	frames.Count(t.params, f, w)
}

func (t *tally) report() Report {
	r := t.r
	r.Routes, r.Params = map[string]Share{}, map[string]ParamReport{}
	n, right := 0, 0
	for route := range t.n {
		s := share(t.right[route], t.n[route])
		r.Routes[route] = s
		r.Macro += s.Accuracy / float64(len(t.n))
		n += s.N
		right += s.Right
	}
	r.Micro, r.Frames = share(right, n), share(t.framesRight, t.framesN)
	for name, tally := range t.params {
		r.Params[name] = ParamReport{tally, tally.F1()}
	}
	r.ECE, r.Bins = stats.ECE(t.predictions)
	r.Curve = stats.RiskCoverage(t.predictions)
	r.TookMS = Latency{stats.Quantile(t.took, .5), stats.Quantile(t.took, .95), stats.Quantile(t.took, .99), stats.Quantile(t.took, 1)}
	slices.SortStableFunc(r.Wrong, func(a, b Mistake) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return r
}

// few is the number of cases below which an interval says little.
const few = 30

// Write writes the report for people. mistakes is how many of the wrong cases are listed,
// the most confident first.
func (r Report) Write(out io.Writer, mistakes int) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "route\tn\tright\taccuracy\tWilson 95 %\t")
	for _, name := range slices.Sorted(maps.Keys(r.Routes)) {
		s := r.Routes[name]
		note := ""
		if s.N < few {
			note = "few cases"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%.3f\t%s\t%s\n", name, s.N, s.Right, s.Accuracy, interval(s.Interval), note)
	}
	fmt.Fprintf(w, "micro\t%d\t%d\t%.3f\t%s\t\n", r.Micro.N, r.Micro.Right, r.Micro.Accuracy, interval(r.Micro.Interval))
	fmt.Fprintf(w, "macro\t%d\t\t%.3f\t\t\n", r.Micro.N, r.Macro)
	r.writeFrames(w)
	fmt.Fprintf(w, "\ncalibration\tn\tconfidence\taccuracy\t\t\n")
	for _, b := range r.Bins {
		fmt.Fprintf(w, "%.1f to %.1f\t%d\t%.3f\t%.3f\t\t\n", b.From, b.To, b.N, b.Confidence, b.Accuracy)
	}
	fmt.Fprintf(w, "ECE\t\t%.3f\t\t\t\n", r.ECE)
	fmt.Fprintf(w, "\nanswering the surest\tabove confidence\twrong\t\t\t\n")
	for _, p := range r.Curve {
		fmt.Fprintf(w, "%.0f %%\t%.3f\t%.3f\t\t\t\n", 100*p.Coverage, p.Threshold, p.Risk)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\ndecided by %s; %d without a decision\n", r.tiers(), r.Failed)
	fmt.Fprintf(out, "took p50 %.3f, p95 %.3f, p99 %.3f, at most %.3f ms\n", r.TookMS.P50, r.TookMS.P95, r.TookMS.P99, r.TookMS.Max)
	fmt.Fprintf(out, "tokens: %d prompt (%d cached), %d completion; cost %.6f USD, %.4f per 1,000 queries\n",
		r.Tokens.Prompt, r.Tokens.Cached, r.Tokens.Completion, r.Cost, 1000*r.Cost/float64(max(r.Micro.N, 1)))
	return r.writeMistakes(out, mistakes)
}

func (r Report) writeFrames(w io.Writer) {
	if r.Frames.N == 0 {
		return
	}
	fmt.Fprintf(w, "frames\t%d\t%d\t%.3f\t%s\t\n", r.Frames.N, r.Frames.Right, r.Frames.Accuracy, interval(r.Frames.Interval))
	fmt.Fprintf(w, "\nparameter\tright\twrong or made up\tmissed\tF1\t\n")
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		p := r.Params[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.3f\t\n", name, p.TruePositive, p.FalsePositive, p.FalseNegative, p.F1)
	}
}

func (r Report) writeMistakes(out io.Writer, n int) error {
	for i, m := range r.Wrong {
		if i == n {
			_, err := fmt.Fprintf(out, "and %d more mistakes\n", len(r.Wrong)-n)
			return err
		}
		got := m.Got
		if m.Error != "" {
			got = m.Error
		}
		if _, err := fmt.Fprintf(out, "%.3f  %s, want %s: %s\n", m.Confidence, got, strings.Join(m.Want, " or "), m.Query); err != nil {
			return err
		}
	}
	return nil
}

func (r Report) tiers() string {
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(r.Tiers)) {
		parts = append(parts, fmt.Sprintf("%s %d", s, r.Tiers[s]))
	}
	return strings.Join(parts, ", ")
}

func interval(i stats.Interval) string { return fmt.Sprintf("%.3f to %.3f", i.Low, i.High) }
