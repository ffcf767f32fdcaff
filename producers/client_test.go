package producers_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipeline is a pretended pipeline: it takes a query and brings its page by the ways that
// are switched on.
type pipeline struct {
	refuse  error
	silent  bool // the brokers do not even refuse
	follow  error
	steps   chan schemas.Progress
	archive chan schemas.SERP
	onQuery func(schemas.Query)
}

func newPipeline() *pipeline {
	return &pipeline{steps: make(chan schemas.Progress, 8), archive: make(chan schemas.SERP, 1), onQuery: func(schemas.Query) {}}
}

func (p *pipeline) Publish(ctx context.Context, q schemas.Query) error {
	if p.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	if p.refuse == nil {
		p.onQuery(q)
	}
	return p.refuse
}

func (p *pipeline) Follow(string) (<-chan schemas.Progress, func(), error) {
	return p.steps, func() {}, p.follow
}

func (p *pipeline) Await(ctx context.Context, _ string) (schemas.SERP, error) {
	select {
	case page := <-p.archive:
		return page, nil
	case <-ctx.Done():
		return schemas.SERP{}, ctx.Err()
	}
}

func (p *pipeline) client(t *testing.T) *producers.Client {
	t.Helper()
	c, err := producers.New(producers.DefaultConfig(), producers.Ports{Queries: p, Steps: p, Archive: p}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serp(q schemas.Query) schemas.SERP { return schemas.SERP{CorrelationID: q.CorrelationID} }

func TestPageComesOverSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.onQuery = func(q schemas.Query) {
			page := serp(q)
			p.steps <- schemas.Progress{Kind: schemas.ProgressRoute}
			p.steps <- schemas.Progress{Kind: schemas.ProgressSection}
			p.steps <- schemas.Progress{Kind: schemas.ProgressSERP, SERP: &page}
		}
		c := p.client(t)
		q, err := c.Query(producers.Request{Text: "khruangbin"})
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		page, err := c.Follow(t.Context(), q, func(s schemas.Progress) { kinds = append(kinds, string(s.Kind)) })
		if err != nil || page.CorrelationID != q.CorrelationID {
			t.Errorf("page %v, err %v", page.CorrelationID, err)
		}
		if got := strings.Join(kinds, " "); got != "route section" {
			t.Errorf("steps: %s", got)
		}
	})
}

// A lost copy costs time and not the page.
func TestPageComesFromArchive(t *testing.T) {
	for name, follow := range map[string]error{"steps lost": nil, "no connection": errors.New("disconnected")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipeline()
				p.follow = follow
				p.onQuery = func(q schemas.Query) { p.archive <- serp(q) }
				if _, err := p.client(t).Search(t.Context(), producers.Request{Text: "khruangbin"}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestClosedStepsAreNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		close(p.steps)
		p.onQuery = func(q schemas.Query) { time.AfterFunc(time.Second, func() { p.archive <- serp(q) }) }
		if _, err := p.client(t).Search(t.Context(), producers.Request{Text: "khruangbin"}); err != nil {
			t.Error(err)
		}
	})
}

func TestSearchFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		start := time.Now()
		_, err := p.client(t).Search(t.Context(), producers.Request{Text: "x", Deadline: 100 * time.Millisecond})
		if !errors.Is(err, producers.ErrNoPage) {
			t.Errorf("silent pipeline: %v", err)
		}
		if took := time.Since(start); took != 2100*time.Millisecond { // deadline and grace
			t.Errorf("waited %v", took)
		}

		p.refuse = errors.New("no leader")
		if _, err = p.client(t).Search(t.Context(), producers.Request{Text: "x"}); !errors.Is(err, producers.ErrUnavailable) {
			t.Errorf("brokers away: %v", err)
		}

		p.refuse = nil
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err = p.client(t).Search(ctx, producers.Request{Text: "x"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("caller gone: %v", err)
		}
	})
}

func TestBadRequests(t *testing.T) {
	c := newPipeline().client(t)
	for name, r := range map[string]producers.Request{
		"no text":         {},
		"blank text":      {Text: " \t"},
		"long text":       {Text: strings.Repeat("ä", schemas.MaxQueryRunes+1)},
		"control":         {Text: "a\x00b"},
		"not UTF-8":       {Text: "a\xff"},
		"market":          {Text: "a", Market: "usa"},
		"short deadline":  {Text: "a", Deadline: time.Millisecond},
		"long deadline":   {Text: "a", Deadline: time.Hour},
		"correlation id":  {Text: "a", CorrelationID: "1"},
		"mode":            {Text: "a", Mode: "con-fusion"},
		"user without id": {Text: "a", User: &schemas.User{}},
	} {
		if _, err := c.Query(r); !errors.Is(err, producers.ErrInvalid) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if _, err := c.Query(producers.Request{Text: strings.Repeat("ä", schemas.MaxQueryRunes)}); err != nil {
		t.Errorf("longest text: %v", err)
	}
}

// Who resumes a search gets what is still to come, and sends no second query.
func TestResumePublishesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.onQuery = func(schemas.Query) { t.Error("a second query was published") }
		c := p.client(t)
		page := schemas.SERP{CorrelationID: "a"}
		p.steps <- schemas.Progress{Kind: schemas.ProgressSection}
		p.steps <- schemas.Progress{Kind: schemas.ProgressSERP, SERP: &page}
		var n int
		got, err := c.Resume(t.Context(), "a", time.Now().Add(time.Second), func(schemas.Progress) { n++ })
		if err != nil || got.CorrelationID != "a" || n != 1 {
			t.Errorf("page %q after %d steps, %v", got.CorrelationID, n, err)
		}
		p.archive <- schemas.SERP{CorrelationID: "b"}
		if got, err = c.Resume(t.Context(), "b", time.Now().Add(time.Second), func(schemas.Progress) {}); err != nil || got.CorrelationID != "b" {
			t.Errorf("from the archive: %q, %v", got.CorrelationID, err)
		}
		start := time.Now()
		_, err = c.Resume(t.Context(), "nothing", start.Add(300*time.Millisecond), func(schemas.Progress) {})
		if took := time.Since(start); !errors.Is(err, producers.ErrNoPage) || took != 300*time.Millisecond {
			t.Errorf("unknown id: %v after %v", err, took)
		}
	})
}

// A search whose brokers are away ends after the publish timeout, however late its deadline
// is, and says which of them is away.
func TestBrokersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.silent = true
		start := time.Now()
		_, err := p.client(t).Search(t.Context(), producers.Request{Text: "x", Deadline: 30 * time.Second})
		if took := time.Since(start); !errors.Is(err, producers.ErrUnavailable) || !errors.Is(err, producers.ErrKafka) || took != 2*time.Second {
			t.Errorf("kafka: %v after %v", err, took)
		}
		p.silent, p.follow = false, errors.New("disconnected")
		if _, err := p.client(t).Search(t.Context(), producers.Request{Text: "x"}); !errors.Is(err, producers.ErrNoPage) || !errors.Is(err, producers.ErrNATS) {
			t.Errorf("nats: %v", err)
		}
	})
}
