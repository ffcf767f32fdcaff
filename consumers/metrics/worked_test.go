package metrics_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// line is a page or an event of testdata/day.jsonl. Times are of 4 March 2026; "+1d" is the
// day after.
type line struct {
	Page, At, Client, Text, Route, Tier, Market, Platform, Arm, Status string

	Sections, Omitted []string // id, tool, component and status
	TotalMS           float64  `json:"total_ms"`
	Cost              float64
	LLM               string // what came of asking the language model
	Probe             bool

	Event, Of, Did, Sent, Received, Section string

	PlayedMS int `json:"played_ms"`
	Position int
	Times    int // 0 for once
}

func clockTime(t *testing.T, s string) time.Time {
	t.Helper()
	day := 4
	if rest, next := strings.CutPrefix(s, "+1d "); next {
		s, day = rest, 5
	}
	at, err := time.Parse("15:04:05", s)
	if err != nil {
		t.Fatal(err)
	}
	return at.AddDate(2026, 2, day-1)
}

func number16(s string) string { return fmt.Sprintf("%016x", []byte(s)) }

func (l line) id() string {
	n, _ := strconv.Atoi(strings.TrimLeft(l.Page+l.Of, "qh"))
	if strings.HasPrefix(l.Page, "h") {
		n += 1000
	}
	return queryID(n)
}

func (l line) serp(t *testing.T) *schemas.SERP {
	at := clockTime(t, l.At)
	p := &schemas.SERP{
		CorrelationID: l.id(), Query: l.Text, Market: l.Market, Status: schemas.SERPComplete, Cost: l.Cost, Probe: l.Probe,
		Route:   schemas.RouteSummary{Name: l.Route, Source: schemas.Source(l.Tier), Arm: l.Arm},
		Timings: schemas.Timings{TotalMS: l.TotalMS}, CreatedAt: at.Add(time.Second), Asked: &schemas.Asked{At: at, Platform: l.Platform},
	}
	if l.Client != "" {
		p.Asked.Client = number16(l.Client)
	}
	if l.Status != "" {
		p.Status = schemas.SERPStatus(l.Status)
	}
	if l.LLM != "" {
		p.Route.Tiers = []schemas.Tier{{Source: schemas.SourceLLM, Outcome: schemas.Outcome(l.LLM)}}
	}
	for to, list := range map[*[]schemas.Section][]string{&p.Sections: l.Sections, &p.Omitted: l.Omitted} {
		for _, s := range list {
			f := strings.Fields(s)
			*to = append(*to, schemas.Section{ID: f[0], Tool: f[1], Component: f[2], Status: schemas.SectionStatus(f[3])})
		}
	}
	return p
}

func (l line) interaction(t *testing.T, n int) *schemas.Interaction {
	i := &schemas.Interaction{
		EventID: fmt.Sprint(l.Event, "-", n), ActionName: l.Did, QueryID: l.id(), SectionID: l.Section, MSPlayed: l.PlayedMS,
		Timestamp: clockTime(t, l.At),
	}
	i.EventAttributes.Position.Ordinal = l.Position
	i.SentAt, i.ReceivedAt = i.Timestamp, i.Timestamp
	if l.Sent != "" {
		i.SentAt, i.ReceivedAt = clockTime(t, l.Sent), clockTime(t, l.Received)
	}
	return i
}

func readDay(t *testing.T) (log []delivery) {
	t.Helper()
	file, err := os.Open("testdata/day.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for in := bufio.NewScanner(file); in.Scan(); {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if l.Page != "" {
			p := l.serp(t)
			log = append(log, delivery{page: p, at: outcome.Record{Time: p.CreatedAt}})
			continue
		}
		for n := range max(l.Times, 1) {
			e := l.interaction(t, n)
			log = append(log, delivery{event: e, at: outcome.Record{Time: e.ReceivedAt}})
		}
	}
	number(log)
	return log
}

// readWorked returns the expected counts and rates by cell.
func readWorked(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/worked.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, cell := map[string]map[string]string{}, ""
	for l := range strings.Lines(string(text)) {
		l, _, _ = strings.Cut(strings.TrimRight(l, "\n"), "#")
		name, value, _ := strings.Cut(strings.TrimSpace(l), " ")
		switch {
		case name == "":
		case strings.HasPrefix(l, " "):
			want[cell][name] = strings.TrimSpace(value)
		default:
			cell = strings.TrimSpace(l)
			want[cell] = map[string]string{}
		}
	}
	return want
}

// named returns the counts and rates of a cell by the names of their JSON.
func named(t *testing.T, m schemas.OnlineMetrics) map[string]float64 {
	t.Helper()
	out := maps.Clone(m.Rates)
	v := reflect.ValueOf(m.Counts)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if v.Field(i).CanInt() {
			out[name] = float64(v.Field(i).Int())
		}
	}
	for rank, n := range m.Counts.Ranks {
		out[fmt.Sprint("rank_", rank)] = float64(n)
	}
	return out
}

// matches compares with a number, a fraction, or a number with ~ in front.
func matches(t *testing.T, got float64, want string) bool {
	t.Helper()
	about := 1e-12
	if rest, ok := strings.CutPrefix(want, "~"); ok {
		want, about = rest, schemas.HistogramAccuracy
	}
	a, b, fraction := strings.Cut(want, "/")
	x, err := strconv.ParseFloat(a, 64)
	if err != nil {
		t.Fatal(err)
	}
	if fraction {
		y, err := strconv.ParseFloat(b, 64)
		if err != nil {
			t.Fatal(err)
		}
		x /= y
	}
	return math.Abs(got-x) <= about*math.Max(1e-9, math.Abs(x))+1e-12
}

func TestWorkedByHand(t *testing.T) {
	log := readDay(t)
	want := readWorked(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 { // in any order
		p := newPipeline(t, patient(), metrics.DefaultConfig())
		for _, d := range log {
			p.take(d)
		}
		for cell, values := range want {
			compare(t, cell, named(t, find(t, p, cell)), values)
		}
		r.Shuffle(len(log), func(i, k int) { log[i], log[k] = log[k], log[i] })
	}
}

// find returns the cell of a line such as "1m 12:33 route=search" or "all route=search".
func find(t *testing.T, p pipeline, cell string) schemas.OnlineMetrics {
	t.Helper()
	kind, cut, _ := strings.Cut(cell, " ")
	var start time.Time
	if kind != schemas.WindowAll {
		at, rest, _ := strings.Cut(cut, " ")
		start, cut = clockTime(t, at+":00"), rest
	}
	for _, m := range p.windows.List(kind, start, noon) {
		if m.Cut.String() == cut {
			return m
		}
	}
	t.Fatalf("no cell %s", cell)
	return schemas.OnlineMetrics{}
}

func compare(t *testing.T, cell string, got map[string]float64, want map[string]string) {
	t.Helper()
	for name, v := range want {
		if g, ok := got[name]; !ok || !matches(t, g, v) {
			t.Errorf("%s: %s is %v, want %s", cell, name, g, v)
		}
	}
	for name, g := range got {
		if _, listed := want[name]; !listed && g != 0 {
			t.Errorf("%s: %s is %v, want none", cell, name, g)
		}
	}
}
