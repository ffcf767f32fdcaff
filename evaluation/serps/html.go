package serps

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/stats"
)

//go:embed report.html
var page string

// Page is a report with the single cases, for [Page.Write].
type Page struct {
	Report

	Outcomes []Outcome
}

// Facts lists what is said of the report as a whole, name and text.
func (p Page) Facts() [][2]string {
	var out [][2]string
	for _, f := range p.facts() {
		out = append(out, [2]string{f.name, f.text})
	}
	return out
}

// Rows are the use cases and all of them.
func (p Page) Rows() []Cut { return append(append([]Cut{}, p.UseCases...), p.All) }

// Case is an outcome as the page shows it.
type Case struct {
	Outcome

	Verdict, Class string
}

// Sorted returns the outcomes: losses, what neither page serves, then the rest.
func (p Page) Sorted() []Case {
	var groups [4][]Case
	for _, o := range p.Outcomes {
		a, b := o.CandidateVerdicts[judge.Overall].Pass, o.BaselineVerdicts[judge.Overall].Pass
		switch {
		case o.Unjudged != "":
			groups[3] = append(groups[3], Case{o, "not judged", "even"})
		case o.Preference == judge.Second || b && !a:
			groups[0] = append(groups[0], Case{o, "loss", "worse"})
		case !a && !b:
			groups[1] = append(groups[1], Case{o, "neither", "even"})
		case o.Preference == judge.First:
			groups[2] = append(groups[2], Case{o, "win", "better"})
		default:
			groups[2] = append(groups[2], Case{o, "tie", "even"})
		}
	}
	return slices.Concat(groups[:]...)
}

// Write writes the report as one HTML file that needs nothing else: tables, plots, and both
// pages of every case side by side.
func (p Page) Write(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent": percent, "improvement": improvement, "points": points, "pvalue": pValue,
		"dimensions": judge.Dimensions, "plot": newPlot, "upto": upto,
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return t.Execute(w, p)
}

// upto cuts a list of items.
func upto(n int, items []judge.Item) []judge.Item { return items[:min(n, len(items))] }

// bar is an interval in a plot, in pixels.
type bar struct {
	Name      string
	Y         int
	Low, High int // ends of the interval
	At        int // the estimate
	Class     string
	Text      string
}

// plot is differences in points with their intervals, one below the other.
type plot struct {
	Width, Height, Zero int
	Bars                []bar
	Ticks               []tick
}

type tick struct {
	X    int
	Text string
}

// Sizes of a plot, in pixels: a row, the column of names, and the room for the intervals.
const (
	plotRow, plotNames, plotRoom = 26, 150, 520
)

// newPlot draws the differences of the overall verdict. The axis goes from -100 to 100
// points.
func newPlot(cuts []Cut) plot {
	p := plot{Width: plotNames + plotRoom + 150, Height: plotRow*len(cuts) + 24, Zero: x(0)}
	for i, c := range cuts {
		o := c.Overall()
		p.Bars = append(p.Bars, bar{
			Name: strings.ReplaceAll(c.Name, "_", " "), Y: plotRow*i + plotRow/2, Low: x(o.DifferenceInterval.Low), High: x(o.DifferenceInterval.High),
			At: x(o.Difference), Class: class(o), Text: fmt.Sprintf("%+.1f", 100*o.Difference),
		})
	}
	for _, t := range []float64{-1, -.5, 0, .5, 1} {
		p.Ticks = append(p.Ticks, tick{x(t), fmt.Sprintf("%+.0f", 100*t)})
	}
	return p
}

func x(share float64) int { return plotNames + int((min(max(share, -1), 1)+1)/2*plotRoom) }

func class(p stats.Paired) string {
	switch {
	case p.Better():
		return "better"
	case p.Worse():
		return "worse"
	}
	return "even"
}
