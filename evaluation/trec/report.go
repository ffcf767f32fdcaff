package trec

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// Write writes the summary as trec_eval does: measure, "all" and value, with tabs between,
// values with four decimals. What no topic has a value of is "nan".
func (e Evaluation) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	for i, value := range e.Summary() {
		m := e.Measures[i]
		if m.summary == label {
			fmt.Fprintf(out, "%-22s\tall\t%s\n", m.Name, e.RunID)
			continue
		}
		line(out, m, "all", value)
	}
	return out.Flush()
}

// WriteTopics writes the values of each topic as trec_eval's -q does, which leaves out what
// makes sense of all topics only.
func (e Evaluation) WriteTopics(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, t := range e.Topics {
		for i, m := range e.Measures {
			if m.ofTopics() {
				line(out, m, t.Name, t.Values[i])
			}
		}
	}
	return out.Flush()
}

// ofTopics reports whether a measure has a value for one topic.
func (m Measure) ofTopics() bool {
	return m.summary == mean || m.summary == total && m.Name != "num_q"
}

func line(w io.Writer, m Measure, topic string, value float64) {
	switch {
	case math.IsNaN(value):
		fmt.Fprintf(w, "%-22s\t%s\tnan\n", m.Name, topic)
	case m.summary == total:
		fmt.Fprintf(w, "%-22s\t%s\t%d\n", m.Name, topic, int64(value))
	default:
		fmt.Fprintf(w, "%-22s\t%s\t%6.4f\n", m.Name, topic, value)
	}
}

// WriteCSV writes topics and their mean as ndeval does: lines of run, topic and values with
// six decimals, and zeros for topics of the run that have no judgments, which count in no
// mean.
func (e Evaluation) WriteCSV(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "runid,topic")
	for _, m := range e.Measures {
		fmt.Fprint(out, ",", m.Name)
	}
	fmt.Fprintln(out)
	row := func(topic string, values []float64) {
		fmt.Fprintf(out, "%s,%s", e.RunID, topic)
		for _, v := range values {
			fmt.Fprintf(out, ",%.6f", v)
		}
		fmt.Fprintln(out)
	}
	unassessed := e.Unassessed
	for _, t := range e.Topics {
		for len(unassessed) > 0 && byNumber(unassessed[0], t.Name) < 0 {
			row(unassessed[0], make([]float64, len(e.Measures)))
			unassessed = unassessed[1:]
		}
		row(t.Name, t.Values)
	}
	for _, name := range unassessed {
		row(name, make([]float64, len(e.Measures)))
	}
	row("amean", e.Summary())
	return out.Flush()
}

// Values are the values of measures by name; nil is one that says nothing.
type Values map[string]*float64

// Report is an evaluation for JSON.
type Report struct {
	Run        string            `json:"run"`
	Queries    int               `json:"queries"`
	Summary    Values            `json:"summary"`
	Topics     map[string]Values `json:"topics,omitempty"`
	Missing    []string          `json:"missing,omitempty"`    // topics with judgments that the run lacks
	Unassessed []string          `json:"unassessed,omitempty"` // topics of the run without judgments
}

// Report returns the evaluation as it is written as JSON.
func (e Evaluation) Report() Report {
	r := Report{
		Run: e.RunID, Queries: e.Queries(), Summary: e.named(e.Summary()), Topics: map[string]Values{},
		Missing: e.Missing, Unassessed: e.Unassessed,
	}
	for _, t := range e.Topics {
		r.Topics[t.Name] = e.named(t.Values)
		for _, m := range e.Measures {
			if !m.ofTopics() {
				delete(r.Topics[t.Name], m.Name)
			}
		}
	}
	return r
}

func (e Evaluation) named(values []float64) Values {
	out := Values{}
	for i, m := range e.Measures {
		switch {
		case m.summary == label:
		case math.IsNaN(values[i]):
			out[m.Name] = nil
		default:
			out[m.Name] = &values[i]
		}
	}
	return out
}

// Comparison is how two runs did on the same topics.
type Comparison struct {
	A           string       `json:"a"` // runs
	B           string       `json:"b"`
	Topics      int          `json:"topics"` // that are compared
	OnlyA       []string     `json:"only_a,omitempty"`
	OnlyB       []string     `json:"only_b,omitempty"`
	Differences []Difference `json:"differences"`
}

// Difference is how a measure of two runs differs.
type Difference struct {
	Measure string `json:"measure"`
	stats.Paired
}

// ErrMeasures means that evaluations are of other measures.
var ErrMeasures = errors.New("evaluations of other measures")

// Compare compares two evaluations of the same measures on the topics that both have: for
// each measure that is a mean, the difference with its paired bootstrap interval and the p of
// Fisher's randomisation test, both over topics; see stats.Compare. Nothing is corrected for
// looking at many measures. Where missing topics count, they do so here. Equal seeds give
// equal results.
func Compare(a, b Evaluation, seed uint64) (Comparison, error) {
	c := Comparison{A: a.RunID, B: b.RunID}
	if len(a.Measures) != len(b.Measures) {
		return c, ErrMeasures
	}
	inA, inB := a.byName(), b.byName()
	var topics []string
	for _, t := range slices.Concat(a.Topics, a.absent) {
		if inB[t.Name] == nil {
			c.OnlyA = append(c.OnlyA, t.Name)
			continue
		}
		topics = append(topics, t.Name)
	}
	for _, t := range slices.Concat(b.Topics, b.absent) {
		if inA[t.Name] == nil {
			c.OnlyB = append(c.OnlyB, t.Name)
		}
	}
	c.Topics = len(topics)
	for i, m := range a.Measures {
		if m.Name != b.Measures[i].Name {
			return c, fmt.Errorf("%w: %s and %s", ErrMeasures, m.Name, b.Measures[i].Name)
		}
		if m.summary != mean {
			continue
		}
		var x, y []float64
		var groups []string
		for _, t := range topics {
			if va, vb := inA[t][i], inB[t][i]; !math.IsNaN(va) && !math.IsNaN(vb) {
				x, y, groups = append(x, va), append(y, vb), append(groups, t)
			}
		}
		c.Differences = append(c.Differences, Difference{m.Name, stats.Compare(x, y, groups, seed)})
	}
	return c, nil
}

func (e Evaluation) byName() map[string][]float64 {
	out := map[string][]float64{}
	for _, t := range slices.Concat(e.Topics, e.absent) {
		out[t.Name] = t.Values
	}
	return out
}

// Write writes a line for each measure: its name, the mean of each run, the difference, the
// ends of its 95 % interval, and p, with tabs between. Lines that begin with # say what is
// compared.
func (c Comparison) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# %s against %s on %d topics\n", c.A, c.B, c.Topics)
	for _, only := range []struct {
		run    string
		topics []string
	}{{c.A, c.OnlyA}, {c.B, c.OnlyB}} {
		if len(only.topics) > 0 {
			fmt.Fprintf(out, "# only %s has %s\n", only.run, strings.Join(only.topics, ", "))
		}
	}
	fmt.Fprintf(out, "# %-20s\t%s\t%s\tdifference\tlow\thigh\tp\n", "measure", c.A, c.B)
	for _, d := range c.Differences {
		fmt.Fprintf(out, "%-22s\t%6.4f\t%6.4f\t%+.4f\t%+.4f\t%+.4f\t%.4f\n",
			d.Measure, d.A, d.B, d.Difference, d.DifferenceInterval.Low, d.DifferenceInterval.High, d.P)
	}
	return out.Flush()
}
