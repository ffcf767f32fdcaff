package outcome_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// ledger notes what holds for each search. It fails the test if a change does not begin
// with what held before.
type ledger struct {
	t       *testing.T
	holds   map[outcome.ID]string
	settled time.Time
}

func (l *ledger) Changed(c outcome.Change) {
	before := ""
	if c.Before != nil {
		before = render(c.Before)
	}
	if was := l.holds[c.After.ID]; was != before {
		l.t.Errorf("before is %q, was told %q", before, was)
	}
	l.holds[c.After.ID] = render(c.After)
}

func (l *ledger) Settled(before time.Time) { l.settled = before }

func render(o *outcome.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s client=%s user=%s events=%d clicks=%d streams=%d viewed=%v first=%v", o.At.Format("15:04:05.000"), o.Client, o.User, o.Events, o.Clicks, o.Streams, o.Viewed, o.First)
	fmt.Fprintf(&b, " typed=%v reformulated=%v flooded=%v abandoned=%v", o.Typed, o.Reformulated, o.Flooded, o.Abandoned())
	for _, s := range o.Sections {
		fmt.Fprintf(&b, " %s:%s:%d/%d/%v", s.ID, s.Status, s.Clicks, s.Streams, s.Viewed)
	}
	return b.String()
}

// bench is a join with its ledger and its counters.
type bench struct {
	*outcome.Join
	*ledger
	reg  *prometheus.Registry
	next map[string]int64
}

func newBench(t *testing.T, cfg outcome.Config, more ...outcome.Subscriber) *bench {
	t.Helper()
	reg := prometheus.NewRegistry()
	j, err := outcome.New(cfg, reg)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{j, &ledger{t: t, holds: map[outcome.ID]string{}}, reg, map[string]int64{}}
	j.Subscribe(b.ledger)
	for _, s := range more {
		j.Subscribe(s)
	}
	return b
}

func id(n int) string { return fmt.Sprintf("01890a5d-ac96-774b-bcce-b302%08x", n*257) }

func (b *bench) at(topic string, when time.Time) outcome.Record {
	b.next[topic]++
	return outcome.Record{Topic: topic, Offset: b.next[topic] - 1, Time: when}
}

// page takes a page of client "c" with sections s0 and s1, asked for a while after noon.
func (b *bench) page(n int, text string, after time.Duration) {
	asked := noon.Add(after)
	b.Page(schemas.SERP{
		CorrelationID: id(n), Query: text, Market: "SE", Status: schemas.SERPComplete, CreatedAt: asked,
		Route: schemas.RouteSummary{Name: "search", Source: schemas.SourceLLM},
		Sections: []schemas.Section{
			{ID: "s0", Tool: "search", Component: "list", Status: schemas.SectionOK}, {ID: "s1", Tool: "dj", Component: "mix", Status: schemas.SectionOK},
		},
		Asked: &schemas.Asked{At: asked, Client: "00000000000000c1", User: "00000000000000e1", Platform: "web"},
	}, b.at(schemas.TopicSERPs, asked))
}

// click takes a click on s0 of a search, a while after noon and received at once.
func (b *bench) click(event string, n int, after time.Duration) {
	b.interaction(click(event, n, after))
}

func click(event string, n int, after time.Duration) schemas.Interaction {
	at := noon.Add(after)
	return schemas.Interaction{EventID: event, QueryID: id(n), ActionName: "click", SectionID: "s0", Timestamp: at, SentAt: at, ReceivedAt: at}
}

func (b *bench) interaction(i schemas.Interaction) {
	b.Interaction(i, b.at(schemas.TopicInteractions, i.ReceivedAt))
}

func (b *bench) of(n int) string {
	id, _ := outcome.ParseID(id(n))
	return b.holds[id]
}

// counter returns a counter by its name and the value of its label.
func (b *bench) counter(t *testing.T, name, label string) int {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "pfr_outcome_"+name && m.GetLabel()[0].GetValue() == label {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return 0
}
