package posttraining_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	posttraining "github.com/parallel-fusion/pfr/post-training"
	"github.com/parallel-fusion/pfr/schemas"
)

// knower decides rightly for the queries of a kind, and counts how often it is asked.
type knower struct {
	name    string
	right   func(i int) bool
	invalid func(i int) bool
	fail    string // cannot be asked about this query
	cost    float64
	asked   int
}

func (k *knower) ID() string { return k.name }

func (k *knower) Sample(_ context.Context, a posttraining.Ask) (posttraining.Sample, error) {
	k.asked++
	var i int
	if _, err := fmt.Sscanf(a.Query.Text, "query %d", &i); err != nil {
		return posttraining.Sample{}, err
	}
	s := posttraining.Sample{Route: "search", Model: k.name + "-model", CostUSD: k.cost, Tokens: schemas.Tokens{Prompt: 100, Cached: 90, Completion: 10}}
	switch {
	case a.Query.Text == k.fail:
		return s, errors.New("away")
	case k.invalid != nil && k.invalid(i):
		return s, fmt.Errorf("%w: prose", posttraining.ErrInvalid)
	case k.right(i):
		s.Route = "similar_artists"
	}
	return s, nil
}

// asLabelled passes the route that is labelled.
type asLabelled struct{}

func (asLabelled) ID() string { return "as-labelled" }

func (asLabelled) Judge(_ context.Context, q posttraining.Query, d posttraining.Decision) (posttraining.Verdict, error) {
	return posttraining.Verdict{Pass: d.Route == q.Gold[0].Route}, nil
}

func asked(n int) []posttraining.Query {
	var out []posttraining.Query
	for i := range n {
		text := fmt.Sprintf("query %d", i)
		out = append(out, posttraining.Query{ID: text, Text: text, Split: testset.Test, Gold: []testset.Gold{{Route: "similar_artists"}}})
	}
	return out
}

func everyNth(n int) func(int) bool { return func(i int) bool { return i%n == 0 } }

func contest(t *testing.T, answers string, routers ...*knower) posttraining.Contest {
	t.Helper()
	c := posttraining.Contest{Judge: asLabelled{}, Form: plainForm{"form-1"}, Answers: answers, Seen: func(int, int) {}}
	for _, r := range routers {
		c.Contestants = append(c.Contestants, posttraining.Contestant{Name: r.name, Router: r})
	}
	return c
}

func TestContest(t *testing.T) {
	teacher := &knower{name: "teacher", right: everyNth(2), cost: .01}
	small := &knower{name: "small", right: func(i int) bool { return i%4 != 3 }, invalid: everyNth(10), cost: .0001}
	table, err := contest(t, "", teacher, small).Run(t.Context(), asked(200))
	if err != nil {
		t.Fatal(err)
	}
	first, second := table.Rows[0], table.Rows[1]
	if first.Quality.A != .5 || first.Valid != 200 || *first.Quality.Relative != 0 {
		t.Errorf("teacher %+v", first)
	}
	// Three of four are right, but for those of every tenth that would be.
	if want := float64(150-20) / 200; second.Quality.A != want || second.Valid != 180 || !second.Quality.Better() || second.Model != "small-model" {
		t.Errorf("small %+v, want quality %v", second, want)
	}
	if r := *second.Cost.Relative; r > -.98 || second.PromptTokens != 100 || second.CompletionTokens != 10 {
		t.Errorf("small costs %+v", second.Cost)
	}
	var md bytes.Buffer
	if err := table.Write(&md); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"as-labelled", "| **quality** | – | +30.0 %", "| **cost** | – | -99.0 %", "90.0 ("} {
		if !strings.Contains(md.String(), want) {
			t.Errorf("%s\nlacks %q", md.String(), want)
		}
	}
}

// A contest that stops goes on from what was answered, whatever line was cut off.
func TestContestGoesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "answers.jsonl")
	teacher, small := &knower{name: "teacher", right: everyNth(2)}, &knower{name: "small", right: everyNth(3), fail: "query 30"}
	if _, err := contest(t, file, teacher, small).Run(t.Context(), asked(50)); err == nil || !strings.Contains(err.Error(), "away") {
		t.Fatalf("error %v", err)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"contestant":"sma`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	teacher.asked, small.asked, small.fail = 0, 0, ""
	table, err := contest(t, file, teacher, small).Run(t.Context(), asked(50))
	if err != nil || table.N != 50 {
		t.Fatalf("%d: %v", table.N, err)
	}
	if teacher.asked != 19 || small.asked != 20 {
		t.Errorf("asked %d and %d times, want 19 and 20", teacher.asked, small.asked)
	}
	if _, err := contest(t, file, teacher, small).Run(t.Context(), asked(50)); err != nil || teacher.asked != 19 {
		t.Errorf("asked %d times: %v", teacher.asked, err)
	}
}

// Two servers of one model have one ID, and each is asked.
func TestContestOfTwins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "answers.jsonl")
	good, bad := &knower{name: "model", right: everyNth(1)}, &knower{name: "model", right: everyNth(50)}
	c := contest(t, file, good, bad)
	if _, err := c.Run(t.Context(), asked(50)); err == nil || !strings.Contains(err.Error(), `"model" is there twice`) {
		t.Errorf("equal names: %v", err)
	}
	c.Contestants[1].Name = "cpu"
	for range 2 {
		table, err := c.Run(t.Context(), asked(50))
		if err != nil || table.Rows[0].Quality.A != 1 || table.Rows[1].Quality.A != .02 {
			t.Errorf("%+v: %v", table.Rows, err)
		}
	}
	if good.asked != 50 || bad.asked != 50 {
		t.Errorf("asked %d and %d times", good.asked, bad.asked)
	}
}

// mumbling gives no verdict on some queries.
type mumbling struct {
	asLabelled

	none func(i int) bool
}

func (m mumbling) Judge(ctx context.Context, q posttraining.Query, d posttraining.Decision) (posttraining.Verdict, error) {
	var i int
	if _, err := fmt.Sscanf(q.Text, "query %d", &i); err != nil {
		return posttraining.Verdict{}, err
	}
	if m.none(i) && d.Route == "search" {
		return posttraining.Verdict{None: true, Reason: "prose"}, nil
	}
	return m.asLabelled.Judge(ctx, q, d)
}

// What the judge says nothing of is no fault of a router: the query counts for none of them.
func TestContestWithoutVerdict(t *testing.T) {
	c := contest(t, "", &knower{name: "teacher", right: everyNth(1)}, &knower{name: "small", right: everyNth(2)})
	c.Judge = mumbling{none: func(i int) bool { return i < 20 }} // 10 of them the small one gets wrong
	table, err := c.Run(t.Context(), asked(100))
	if err != nil {
		t.Fatal(err)
	}
	if q := table.Rows[1].Quality; table.Unjudged != 10 || q.N != 90 || q.A != 50./90 || table.Rows[1].Latency.N != 100 {
		t.Errorf("%d unjudged, %+v", table.Unjudged, q)
	}
	var md bytes.Buffer
	if err := table.Write(&md); err != nil || !strings.Contains(md.String(), "Of 10 queries the judge gave no verdict") {
		t.Errorf("%v\n%s", err, md.String())
	}
	c.Judge = mumbling{none: func(int) bool { return true }}
	c.Contestants[1].Router = &knower{name: "small", right: func(int) bool { return false }}
	if _, err := c.Run(t.Context(), asked(100)); !errors.Is(err, posttraining.ErrSilent) {
		t.Errorf("a judge that says nothing: %v", err)
	}
}

// critic is a language model as a judge: it is paid, it reads decisions as they are written,
// and it is away now and then.
type critic struct {
	asked int
	away  int // times that it cannot be asked
}

func (*critic) ID() string { return "critic" }

func (c *critic) Judge(_ context.Context, q posttraining.Query, d posttraining.Decision) (posttraining.Verdict, error) {
	c.asked++
	if c.away--; c.away >= 0 {
		return posttraining.Verdict{}, errors.New("503")
	}
	if q.Text == "query 7" {
		return posttraining.Verdict{None: true, Prompt: "rubric-1", Reason: "prose"}, nil
	}
	return posttraining.Verdict{Pass: strings.Contains(d.Text, `"similar_artists"`), Prompt: "rubric-1", CostUSD: .001}, nil
}

// What a language model said is paid for once: of equal decisions, and when the contest runs
// again, which then comes to the same bytes.
func TestContestKeepsVerdicts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "answers.jsonl")
	judge := &critic{}
	run := func() string {
		c := contest(t, file, &knower{name: "teacher", right: everyNth(1)}, &knower{name: "small", right: everyNth(2)})
		c.Judge = judge
		table, err := c.Run(t.Context(), asked(50))
		if err != nil {
			t.Fatal(err)
		}
		if q := table.Rows[1].Quality; q.A != 25./49 || table.Unjudged != 1 {
			t.Errorf("%+v", table.Rows[1])
		}
		var out bytes.Buffer
		if err := table.WriteJSON(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first := run()
	if judge.asked != 75 {
		t.Errorf("asked %d times of 50 decisions and 25 others", judge.asked)
	}
	if again := run(); again != first || judge.asked != 75 {
		t.Errorf("asked %d times after running again:\n%s\nwas\n%s", judge.asked, again, first)
	}
}

// A judge that is away for a moment is asked again; one that stays away ends the contest, which
// goes on with what it has.
func TestContestWaitsForItsJudge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "answers.jsonl")
		judge := &critic{away: 3}
		c := contest(t, file, &knower{name: "teacher", right: everyNth(1)}, &knower{name: "small", right: everyNth(2)})
		c.Judge, c.Retry = judge, posttraining.Retry{Times: 2, First: time.Second}
		if _, err := c.Run(t.Context(), asked(50)); err == nil || !strings.Contains(err.Error(), "503") || judge.asked != 3 {
			t.Fatalf("asked %d times: %v", judge.asked, err)
		}
		judge.asked, judge.away = 0, 2
		began := time.Now()
		table, err := c.Run(t.Context(), asked(50))
		if err != nil || table.N != 50 || judge.asked != 77 || time.Since(began) != 3*time.Second {
			t.Errorf("asked %d times in %v: %v", judge.asked, time.Since(began), err)
		}
	})
}

// A decision that cannot be written as the small router must write it is none.
func TestContestOfWhatCannotBeWritten(t *testing.T) {
	c := contest(t, "", &knower{name: "teacher", right: everyNth(1)}, &knower{name: "small", right: everyNth(2)})
	c.Form = speechless{}
	table, err := c.Run(t.Context(), asked(10))
	if err != nil || table.Rows[0].Valid != 10 || table.Rows[1].Valid != 5 {
		t.Errorf("%+v: %v", table.Rows, err)
	}
}

// speechless cannot write searches.
type speechless struct{ plainForm }

func (f speechless) Answer(route string, params schemas.Params) (string, error) {
	if route == "search" {
		return "", errors.New("no words")
	}
	return f.plainForm.Answer(route, params)
}

func TestContestNeedsTwo(t *testing.T) {
	if _, err := contest(t, "", &knower{name: "teacher"}).Run(t.Context(), asked(3)); err == nil {
		t.Error("one alone is compared")
	}
}
