package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/routing"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	posttraining "github.com/parallel-fusion/pfr/post-training"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/llm"
	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Contest says which routers are compared, on what, and by whom they are judged. A router is
// "student", "student:DIR" with a model in a folder, "llm", or a name of router.models; with
// NAME= in front it has that name in the table.
type Contest struct {
	Teacher string
	Routers []string
	Judge   string // labels, llm, a name of router.models, or rules, which judge pages

	Own    bool     // test on the cases of the product of the split test
	Public string   // and on the half to test on of the public query sets in this folder
	Files  []string // and on lines of query, tab, routes that suit
	Learnt []string // folders of runs: what is like one of their rows is no test and is left out
	Limit  int      // queries, spread evenly over all; 0: all

	HourUSD float64 // price of the machine that decides
	Answers string  // file that keeps what was answered
}

// Run compares. It returns how many queries were left out, being too much like a row.
func (c Contest) Run(ctx context.Context, cfg Config, log *slog.Logger, seen func(done, of int)) (posttraining.Table, int, error) {
	know, err := newKnowledge(cfg.Tools)
	if err != nil {
		return posttraining.Table{}, 0, err
	}
	known, err := know.names(cfg.Router.Student)
	if err != nil {
		return posttraining.Table{}, 0, err
	}
	w := workshop{cfg: cfg.Router, manifest: know.manifest, known: known, log: log}
	defer w.close()
	queries, leaks, err := c.queries(cfg.Tools.Catalog, know.manifest.Names())
	if err != nil {
		return posttraining.Table{}, 0, err
	}
	if c.Judge == rulesName && (c.Public != "" || len(c.Files) > 0) {
		return posttraining.Table{}, 0, errors.New("the judge rules judges pages, and knows what pages need for the cases of the product alone: take no other queries")
	}
	run := posttraining.Contest{
		Form: llm.NewTrained(know.manifest), Retry: posttraining.DefaultRetry(), HourUSD: c.HourUSD, Answers: c.Answers, Seen: seen,
	}
	if run.Contestants, err = c.contestants(ctx, &w, know); err != nil {
		return posttraining.Table{}, 0, err
	}
	if c.Judge != rulesName {
		if run.Judge, err = w.judge(ctx, c.Judge); err != nil {
			return posttraining.Table{}, 0, fmt.Errorf("judge %s: %w", c.Judge, err)
		}
		table, err := run.Run(ctx, queries)
		return table, leaks, err
	}
	var table posttraining.Table
	err = withPageJudge(ctx, cfg, log, func(ctx context.Context, pages posttraining.Judge) error {
		run.Judge = pages
		table, err = run.Run(ctx, queries)
		return err
	})
	return table, leaks, err
}

// contestants returns the routers, the teacher first.
func (c Contest) contestants(ctx context.Context, w *workshop, know knowledge) ([]posttraining.Contestant, error) {
	var out []posttraining.Contestant
	for _, spec := range append([]string{c.Teacher}, c.Routers...) {
		title, name, found := strings.Cut(spec, "=")
		if !found {
			name = title
		}
		r, err := w.contestant(ctx, name, know)
		if err != nil {
			return nil, fmt.Errorf("router %s: %w", name, err)
		}
		itself, err := w.sameModel(ctx, name, c.Judge)
		if err != nil {
			return nil, fmt.Errorf("router %s beside judge %s: %w", name, c.Judge, err)
		}
		out = append(out, posttraining.Contestant{Name: title, Router: r, JudgesItself: itself})
	}
	return out, nil
}

// contestant returns a router by name, deciding as it would for a listener.
func (w *workshop) contestant(ctx context.Context, name string, know knowledge) (posttraining.Teacher, error) {
	kind, dir, _ := strings.Cut(name, ":")
	switch {
	case name == studentName:
		return decidingStudent{w.known.student.Load(), w.manifest}, nil
	case kind == studentName:
		known, err := know.names(dir)
		if err != nil {
			return nil, err
		}
		return decidingStudent{known.student.Load(), w.manifest}, nil
	}
	return w.modelTeacher(ctx, name, 0)
}

// decidingStudent is the in-process model with its best guess.
type decidingStudent struct {
	student  *student.Student
	manifest *routes.Manifest
}

// ID implements [posttraining.Teacher].
func (t decidingStudent) ID() string { return t.student.Version() }

// Sample implements [posttraining.Teacher].
func (t decidingStudent) Sample(_ context.Context, a posttraining.Ask) (posttraining.Sample, error) {
	g := t.student.Guess(router.Normalise(a.Query.Text))
	s := posttraining.Sample{Route: g.Route, Model: t.student.Version()}
	route, ok := t.manifest.Route(g.Route)
	if !ok {
		return s, fmt.Errorf("%w: there is no route %s", posttraining.ErrInvalid, g.Route)
	}
	s.Params = t.manifest.Canonical(route, g.Params)
	return s, nil
}

// queries returns what is tested on, and how much was left out.
func (c Contest) queries(catalogue string, routeNames []string) (out []posttraining.Query, leaks int, err error) {
	if c.Own {
		cases, err := testset.Own()
		if err != nil {
			return nil, 0, err
		}
		for _, one := range testset.In(cases, testset.Test) {
			if len(one.Gold) > 0 {
				out = append(out, posttraining.Query{ID: one.ID, Text: one.Query, Split: one.Split, Market: one.Market, Cluster: one.Cluster, Gold: one.Gold})
			}
		}
	}
	if c.Public != "" {
		_, test, _, err := StudentTraining{Public: c.Public}.public()
		if err != nil {
			return nil, 0, err
		}
		for _, e := range test {
			out = append(out, tested(e.Query, e.Routes))
		}
	}
	for _, file := range c.Files {
		cases, err := readRouted(file, func(r io.Reader) ([]routing.Case, error) { return routing.Read(r, routeNames) })
		if err != nil {
			return nil, 0, err
		}
		for _, one := range cases {
			out = append(out, tested(one.Query, one.Routes))
		}
	}
	all := len(out)
	if out, err = c.unseen(out, catalogue); err != nil {
		return nil, 0, err
	}
	return spread(out, c.Limit), all - len(out), nil
}

func tested(text string, routeNames []string) posttraining.Query {
	q := posttraining.Query{ID: text, Text: text, Split: testset.Test}
	for _, r := range routeNames {
		q.Gold = append(q.Gold, testset.Gold{Route: r})
	}
	return q
}

// readRouted reads a file of queries with routes.
func readRouted(file string, read func(io.Reader) ([]routing.Case, error)) ([]routing.Case, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cases, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", file, err)
	}
	return cases, nil
}

// unseen leaves out what is like a row of a run.
func (c Contest) unseen(queries []posttraining.Query, catalogue string) ([]posttraining.Query, error) {
	if len(c.Learnt) == 0 {
		return queries, nil
	}
	names, err := NewTestNames(catalogue)
	if err != nil {
		return nil, err
	}
	var learnt []testset.Text
	for _, dir := range c.Learnt {
		results, err := posttraining.Read(dir)
		if err != nil {
			return nil, err
		}
		for _, row := range results.Rows {
			learnt = append(learnt, testset.Text{ID: row.QueryID, Text: row.Query})
		}
	}
	texts := make([]testset.Text, len(queries))
	for i, q := range queries {
		texts[i] = testset.Text{ID: q.ID, Text: q.Text}
	}
	leaked := map[string]bool{}
	for _, p := range testset.Overlap(learnt, texts, names) {
		leaked[p.Tested.Text] = true
	}
	var out []posttraining.Query
	for _, q := range queries {
		if !leaked[q.Text] {
			out = append(out, q)
		}
	}
	return out, nil
}

// spread returns at most n of a list, evenly spaced; all if n is 0.
func spread[T any](list []T, n int) []T {
	if n <= 0 || n >= len(list) {
		return list
	}
	out := make([]T, n)
	for i := range out {
		out[i] = list[i*len(list)/n]
	}
	return out
}
