package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

type metricsCmd struct {
	Window string `enum:"1m,1h,1d,all" default:"all" help:"Length of a window: ${enum}."`
	Cut    string `default:"route" help:"What to cut by: all, or dimensions such as route+market."`
	Last   int    `default:"1" help:"How many windows, the latest."`
	JSON   bool   `name:"json" help:"Print the series as JSON."`
	remote
}

// online is a series of the gateway.
type online struct {
	AsOf   time.Time `json:"as_of"`
	Window string    `json:"window"`
	Cut    string    `json:"cut"`
	Cuts   []string  `json:"cuts"`
	Series []point   `json:"series"`
}

type point struct {
	Start  time.Time            `json:"start"`
	Cut    schemas.Cut          `json:"cut"`
	Counts schemas.SearchCounts `json:"counts"`
	Rates  map[string]float64   `json:"rates"`
}

// Run asks the gateway what came of searches.
func (c *metricsCmd) Run(ctx context.Context, p *program) error {
	data, err := c.get(ctx, "/v1/metrics/online?"+url.Values{"window": {c.Window}, "cut": {c.Cut}}.Encode())
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printIndented(p, data)
	}
	var o online
	if err := json.Unmarshal(data, &o); err != nil {
		return fmt.Errorf("online metrics: %w", err)
	}
	out := sheet(p)
	out.online(o, max(c.Last, 1))
	_, err = fmt.Fprintln(p.out, strings.Join(out.lines, "\n"))
	return err
}

// online draws the last windows, the latest first, and in each the most searched first.
func (p *paper) online(o online, last int) {
	rows := latest(o.Series, last)
	if len(rows) == 0 {
		p.wrap(normal, "", fmt.Sprintf("No searches yet in windows of %s by %s.", o.Window, o.Cut))
		if len(o.Cuts) > 0 {
			p.wrap(faint, "", "There are: "+strings.Join(o.Cuts, ", "))
		}
		return
	}
	at := func(text func(point) string) func(int) span {
		return func(i int) span { return span{normal, text(rows[i])} }
	}
	rate := func(name string) func(int) span { return at(func(q point) string { return share(q.Rates, name) }) }
	ms := func(name string) func(int) span { return at(func(q point) string { return inMillis(q.Rates, name) }) }
	var columns []column
	if o.Window != schemas.WindowAll {
		columns = append(columns, column{"start", false, at(func(q point) string { return q.Start.UTC().Format("01-02 15:04Z") })})
	}
	p.table(append(columns,
		column{o.Cut, false, func(i int) span { return span{bold, valueOf(rows[i].Cut)} }},
		column{"searches", true, at(func(q point) string { return fmt.Sprint(q.Counts.Searches) })},
		column{"success", true, rate("success_rate")},
		column{"clicks", true, at(func(q point) string { return fmt.Sprint(q.Counts.Clicks) })},
		column{"streams", true, at(func(q point) string { return fmt.Sprint(q.Counts.Streams) })},
		column{"rescue", true, rate("rescue_rate")},
		column{"abandoned", true, rate("abandonment_rate")},
		column{"no result", true, rate("zero_result_rate")},
		column{"p50", true, ms("latency_total_p50_ms")},
		column{"p95", true, ms("latency_total_p95_ms")},
		column{"USD/1000", true, at(func(q point) string { return dollars(q.Rates) })},
	), len(rows))
	p.blank()
	p.line(span{faint, "as of " + moment(o.AsOf)})
}

// latest returns the records of the last windows.
func latest(series []point, last int) []point {
	var starts []time.Time
	for _, q := range slices.Backward(series) {
		if !slices.ContainsFunc(starts, q.Start.Equal) {
			starts = append(starts, q.Start)
		}
	}
	starts = starts[:min(last, len(starts))]
	rows := slices.DeleteFunc(slices.Clone(series), func(q point) bool { return !slices.ContainsFunc(starts, q.Start.Equal) })
	slices.SortStableFunc(rows, func(a, b point) int {
		return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(b.Counts.Searches, a.Counts.Searches))
	})
	return rows
}

// valueOf returns what a cut is about, without the names of its dimensions.
func valueOf(c schemas.Cut) string {
	values := slices.DeleteFunc([]string{c.Route, c.Tier, c.Market, c.Platform, c.Arm, c.Section, c.Tool}, func(s string) bool { return s == "" })
	return cmp.Or(strings.Join(values, " "), "all")
}

func share(rates map[string]float64, name string) string {
	v, ok := rates[name]
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*v)
}

func inMillis(rates map[string]float64, name string) string {
	v, ok := rates[name]
	if !ok {
		return "–"
	}
	return millis(v)
}

func dollars(rates map[string]float64) string {
	v, ok := rates["cost_per_1000_usd"]
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.3g", v)
}
