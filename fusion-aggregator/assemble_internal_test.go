package fusion

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// joined is a decision of three calls with what their tools found, ten items each, of
// which some are works that others have too.
func joined() (*schemas.RouteDecision, []answer) {
	now := time.Now()
	d := &schemas.RouteDecision{
		Query: schemas.PublicQuery{Text: "upbeat songs", SubmittedAt: now, Deadline: now.Add(schemas.StandardDeadline)},
		Decision: schemas.Decision{
			Route: "r", Layout: "l", Confidence: 0.9, Params: schemas.Params{},
			Lead: &schemas.Lead{Section: "b", Confidence: 0.5}, Quorum: &schemas.Quorum{Sections: 2, PatienceMS: 100},
		},
	}
	var answers []answer
	for i, section := range []string{"a", "b", "c"} {
		d.Decision.Calls = append(d.Decision.Calls, schemas.Call{
			Tool: section, Section: section, Component: "list", Limit: 10, DeadlineMS: 300, PerArtist: 2, Diversity: 0.3, Mandatory: i == 0,
		})
		items := make([]schemas.Item, 10)
		for j := range items {
			n := i*8 + j
			items[j] = schemas.Item{
				ID: fmt.Sprint("track:", i, "-", j), Type: "track", Title: fmt.Sprintf("Chanson %d (Live at Olympia)", n), Subtitle: fmt.Sprint("Björk · Album ", n/3),
				Artists: []string{fmt.Sprintf("Bjørk %d", n/2), "Another"}, Genres: []string{"pop", "rock", fmt.Sprint("genre ", n%5)},
			}
		}
		answers = append(answers, answer{i: i, resp: schemas.ToolResponse{Items: items}, took: time.Millisecond})
	}
	return d, answers
}

// join makes the page of answers: all that comes after the last of them.
func (a *Aggregator) join(d *schemas.RouteDecision, answers []answer, start time.Time) schemas.SERP {
	inOrder := *d
	inOrder.Decision.Calls = inPageOrder(inOrder.Decision)
	sections := make([]schemas.Section, len(answers))
	for i, c := range inOrder.Decision.Calls {
		sections[i] = section(c, answers[i])
	}
	return a.assemble(&inOrder, sections, start)
}

func newJoiner(tb testing.TB) *Aggregator {
	tb.Helper()
	a, err := New(DefaultConfig(), Ports{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func TestJoinAllocatesLittle(t *testing.T) {
	const budget = 60
	a, start := newJoiner(t), time.Now()
	d, answers := joined()
	page := a.join(d, answers, start)
	if got := fmt.Sprint(page.Sections[0].ID, len(page.Sections[0].Items), len(page.Sections[1].Items), len(page.Sections[2].Items)); got != "b10 8 8" {
		t.Fatalf("not the page that is meant: %s", got)
	}
	if n := testing.AllocsPerRun(200, func() { a.join(d, answers, start) }); n > budget {
		t.Errorf("%v allocations, want at most %d", n, budget)
	} else {
		t.Logf("%v allocations", n)
	}
}

// Comparing works does not allocate.
func TestWorksAreComparedWithoutAllocating(t *testing.T) {
	one := schemas.Item{ID: "track:1", Type: "track", Title: "Jóga (feat. Sigur Rós) [Live at Ｏslo] - 2011 Remaster", Artists: []string{"Björk", "Sigur Rós"}}
	two := schemas.Item{ID: "track:2", Type: "track", Title: "JOGA", Artists: []string{"BJORK"}}
	same := true
	if n := testing.AllocsPerRun(200, func() {
		w, o := workOf(&one, 0), workOf(&two, 0)
		same = same && w.same(&o)
	}); n != 0 || !same {
		t.Errorf("%v allocations, one work %v", n, same)
	}
}

// BenchmarkJoin is the join of three sections of ten items.
func BenchmarkJoin(b *testing.B) {
	a, start := newJoiner(b), time.Now()
	d, answers := joined()
	b.ReportAllocs()
	for b.Loop() {
		a.join(d, answers, start)
	}
}
