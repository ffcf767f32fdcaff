package nlu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// Report says how often a model was right.
type Report struct {
	N, Right int            // texts, and those whose intent was right
	Interval stats.Interval // 95 %, of the share of right intents
	ECE      float64        // expected calibration error of intents
	Frames   int            // texts with intent and all spans right
	All      PRF            // of spans with their slots, as conlleval counts
	Slots    map[string]PRF // by slot
}

// PRF counts the spans of one slot.
type PRF struct{ Want, Got, Hit int }

// F1 is the harmonic mean of precision and recall; 0 if nothing was hit.
func (p PRF) F1() float64 {
	if p.Hit == 0 {
		return 0
	}
	return 2 * float64(p.Hit) / float64(p.Want+p.Got)
}

// Evaluate compares what m makes of examples with what they mean.
func Evaluate(m *Model, examples []Example) Report {
	r := Report{N: len(examples), Slots: map[string]PRF{}}
	intents := make([]stats.Prediction, 0, len(examples))
	var p Parse
	for _, e := range examples {
		m.Parse(e.Text, &p)
		hit := r.spans(p.Spans, e.Spans)
		intents = append(intents, stats.Prediction{Confidence: p.P, Right: p.Intent == e.Intent})
		if p.Intent != e.Intent {
			continue
		}
		r.Right++
		if hit == len(e.Spans) && hit == len(p.Spans) {
			r.Frames++
		}
	}
	r.ECE, _ = stats.ECE(intents)
	for _, c := range r.Slots {
		r.All.Want, r.All.Got, r.All.Hit = r.All.Want+c.Want, r.All.Got+c.Got, r.All.Hit+c.Hit
	}
	r.Interval = stats.Wilson(r.Right, r.N)
	return r
}

// spans counts the spans of a text and returns how many were hit.
func (r *Report) spans(got, want []Span) (hit int) {
	for _, s := range got {
		c := r.Slots[s.Slot]
		c.Got++
		if slices.Contains(want, s) {
			c.Hit++
			hit++
		}
		r.Slots[s.Slot] = c
	}
	for _, s := range want {
		c := r.Slots[s.Slot]
		c.Want++
		r.Slots[s.Slot] = c
	}
	return hit
}

// String returns a few lines for people.
func (r Report) String() string {
	var b strings.Builder
	share := func(n, of int) float64 { return float64(n) / float64(max(of, 1)) }
	fmt.Fprintf(&b, "n %d, intent %.4f (95 %% %.4f to %.4f), ECE %.4f, frames %.3f, slots %d: precision %.4f, recall %.4f, F1 %.4f\n",
		r.N, share(r.Right, r.N), r.Interval.Low, r.Interval.High, r.ECE, share(r.Frames, r.N), r.All.Want, share(r.All.Hit, r.All.Got), share(r.All.Hit, r.All.Want), r.All.F1())
	names := make([]string, 0, len(r.Slots))
	for s := range r.Slots {
		names = append(names, s)
	}
	slices.Sort(names)
	for _, s := range names {
		c := r.Slots[s]
		fmt.Fprintf(&b, "  %-28s want %4d, got %4d, F1 %.3f\n", s, c.Want, c.Got, c.F1())
	}
	return b.String()
}
