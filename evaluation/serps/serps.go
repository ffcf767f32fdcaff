// Package serps compares two search systems by the pages they make: the same cases are put
// to both, judges look at the pages without knowing whose they are, and a report says by
// use case how much better one is than the other, as the article's Table 2 does.
//
// The vocabulary: a system makes a page for a case; the candidate is the system that is
// measured, the baseline the one it is measured against; an outcome is what judges said of
// both pages of a case; a win, a tie or a loss is the candidate's.
package serps

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/schemas"
)

// System makes pages. It is safe for concurrent use.
type System interface {
	Name() string
	// Page answers a case. An error is that of one case, and counts as a page with nothing.
	Page(ctx context.Context, c testset.Case) (schemas.SERP, error)
}

// Pages is what both systems made of a case.
type Pages struct {
	Case      testset.Case `json:"case"`
	Today     string       `json:"today"` // that dates are read against, YYYY-MM-DD
	Candidate Made         `json:"candidate"`
	Baseline  Made         `json:"baseline"`
}

// Made is a page with what it took.
type Made struct {
	Page    judge.Page `json:"page"`
	Route   string     `json:"route,omitempty"`
	Source  string     `json:"source,omitempty"` // the tier that decided
	TookMS  float64    `json:"took_ms"`
	CostUSD float64    `json:"cost_usd,omitempty"`
	Error   string     `json:"error,omitempty"` // why there is no page
}

// subject returns what a judge may see of a page.
func (p Pages) subject(m Made) judge.Subject {
	return judge.Subject{Case: p.Case, Today: p.Today, Page: m.Page}
}

// WithCards returns the pages with what is known of listeners on their items, by id, and how
// many items of all pages have such a card. It changes nothing of pages.
func WithCards(pages []Pages, known map[string]judge.Behaviour) (out []Pages, cards int) {
	out = slices.Clone(pages)
	for i := range out {
		for _, m := range []*Made{&out[i].Candidate, &out[i].Baseline} {
			m.Page = judge.WithCards(m.Page, known)
			cards += m.Page.Cards()
		}
	}
	return out, cards
}

// Collection says how pages are collected. See [DefaultCollection].
type Collection struct {
	Today      string // of cases that name no day, YYYY-MM-DD
	PerSection int    // items of a section that a judge sees
	Parallel   int    // cases under way
	Progress   func(done, of int)
}

// DefaultCollection returns the settings of a report, without a day.
func DefaultCollection() Collection {
	return Collection{PerSection: 10, Parallel: 4, Progress: func(int, int) {}}
}

// Validate reports every problem at once.
func (c Collection) Validate() error {
	var errs []error
	if c.Today == "" {
		errs = append(errs, errors.New("today: must say what day it is"))
	}
	if c.PerSection < 1 || c.Parallel < 1 {
		errs = append(errs, fmt.Errorf("per section %d, parallel %d: must be positive", c.PerSection, c.Parallel))
	}
	return errors.Join(errs...)
}

// Collect puts every case to both systems and returns their pages, in the order of the
// cases. It ends early, with an error, when ctx ends.
//
//nolint:revive // Five arguments: both systems are as much the question as the cases are.
func Collect(ctx context.Context, cfg Collection, candidate, baseline System, cases []testset.Case) ([]Pages, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("collect pages: %w", err)
	}
	out := make([]Pages, len(cases))
	var (
		workers sync.WaitGroup
		mu      sync.Mutex // guards done
		done    int
		next    = make(chan int)
	)
	for range cfg.Parallel {
		workers.Go(func() {
			for i := range next {
				out[i] = cfg.pages(ctx, candidate, baseline, cases[i])
				mu.Lock()
				done++
				cfg.Progress(done, len(cases))
				mu.Unlock()
			}
		})
	}
	for i := range cases {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return out, ctx.Err()
}

// pages puts a case to both systems, one after the other, so that they do not slow each
// other. Which comes first is decided by the case, so that neither always finds caches warm.
func (c Collection) pages(ctx context.Context, candidate, baseline System, one testset.Case) Pages {
	today := one.AsOf
	if today == "" {
		today = c.Today
	}
	out := Pages{Case: one, Today: today}
	name := fnv.New32a()
	name.Write([]byte(one.ID))
	if name.Sum32()%2 == 0 {
		out.Candidate = c.made(ctx, candidate, one)
		out.Baseline = c.made(ctx, baseline, one)
		return out
	}
	out.Baseline = c.made(ctx, baseline, one)
	out.Candidate = c.made(ctx, candidate, one)
	return out
}

func (c Collection) made(ctx context.Context, s System, one testset.Case) Made {
	page, err := s.Page(ctx, one)
	if err != nil {
		return Made{Error: err.Error()}
	}
	return Made{
		Page: judge.PageOf(page, c.PerSection), Route: page.Route.Name, Source: string(page.Route.Source),
		TookMS: page.Timings.TotalMS, CostUSD: page.Cost,
	}
}

// Records returns the pages as a judge or a person may see them, for labelling: candidate
// and baseline of each case in an order that does not say which is which.
func Records(pages []Pages, candidate, baseline string) ([]judge.Record, error) {
	var out []judge.Record
	for _, p := range pages {
		a, err := judge.NewRecord(candidate, p.subject(p.Candidate))
		if err != nil {
			return nil, err
		}
		b, err := judge.NewRecord(baseline, p.subject(p.Baseline))
		if err != nil {
			return nil, err
		}
		pair := []judge.Record{a, b}
		slices.SortFunc(pair, func(x, y judge.Record) int {
			if x.Hash < y.Hash {
				return -1
			}
			return 1
		})
		out = append(out, pair...)
	}
	return out, nil
}
