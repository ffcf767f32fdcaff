package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	posttraining "github.com/parallel-fusion/pfr/post-training"
	"github.com/parallel-fusion/pfr/router-worker/llm"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Names of who samples and who judges. Other names are those of configured language models.
const (
	studentName = "student" // the in-process model
	labelsName  = "labels"  // what people have noted of the queries
	goldName    = "gold"    // the same, as a teacher
	llmName     = "llm"     // the default language model
)

// PostTraining says what is sampled for, by whom, and who rejects.
type PostTraining struct {
	posttraining.Config
	Queries  QuerySources
	Teachers []string // student, llm, names of router.models, or gold: see [posttraining.Gold]
	Judge    string   // labels, llm, or a name of router.models
	// Temperature of every teacher. It is high, so that a rejected answer is not the answer of
	// the next attempt too.
	Temperature float64
	// Resolvable lets only decisions through whose names the catalogue has.
	Resolvable bool
}

// NewPostTraining returns the settings of a run that asks the in-process model.
func NewPostTraining() PostTraining {
	return PostTraining{
		Config: posttraining.DefaultConfig(), Teachers: []string{studentName}, Judge: labelsName, Temperature: 2,
		Queries: QuerySources{Fillings: 1, Seed: 1},
	}
}

// Sample runs until every query is done, a limit is reached, or ctx ends; see
// [posttraining.Run.Sample].
func (t PostTraining) Sample(ctx context.Context, cfg Config, log *slog.Logger, seen func(posttraining.Progress)) (posttraining.Stats, error) {
	know, err := newKnowledge(cfg.Tools)
	if err != nil {
		return posttraining.Stats{}, err
	}
	known, err := know.names(cfg.Router.Student)
	if err != nil {
		return posttraining.Stats{}, err
	}
	w := workshop{cfg: cfg.Router, manifest: know.manifest, known: known, log: log}
	defer w.close()
	parts, err := t.parts(ctx, &w)
	if err != nil {
		return posttraining.Stats{}, err
	}
	if name := t.EvaluationJudge; name != "" { // the run says so if there is none
		if t.EvaluationJudge, err = w.examiner(ctx, name, t.Judge); err != nil {
			return posttraining.Stats{}, fmt.Errorf("evaluation judge %s: %w", name, err)
		}
	}
	run, err := posttraining.Open(t.Config, parts, log, nil)
	if err != nil {
		return posttraining.Stats{}, err
	}
	stats, err := run.Sample(ctx, seen)
	return stats, errors.Join(err, run.Close())
}

func (t PostTraining) parts(ctx context.Context, w *workshop) (posttraining.Parts, error) {
	p := posttraining.Parts{Form: llm.NewTrained(w.manifest), Gates: posttraining.Gates(w.manifest)}
	if t.Resolvable {
		p.Gates = append(p.Gates, posttraining.Resolvable("names of "+w.known.Version(), []string{"artist", "show"}, func(parameter, value string) bool {
			_, ok := w.known.Canonical(parameter, value)
			return ok
		}))
	}
	var err error
	if p.Queries, err = t.Queries.Read(w.manifest.Names()); err != nil {
		return p, err
	}
	if t.Judge == labelsName {
		all := len(p.Queries)
		p.Queries = slices.DeleteFunc(p.Queries, func(q posttraining.Query) bool { return len(q.Gold) == 0 })
		if left := all - len(p.Queries); left > 0 {
			w.log.Warn("queries that nobody has labelled are left out: labels cannot judge them", "left_out", left, "queries", len(p.Queries))
		}
	}
	for _, name := range t.Teachers {
		teacher, err := w.teacher(ctx, name, t.Temperature)
		if err != nil {
			return p, fmt.Errorf("teacher %s: %w", name, err)
		}
		p.Teachers = append(p.Teachers, teacher)
	}
	if p.Judge, err = w.judge(ctx, t.Judge); err != nil {
		return p, fmt.Errorf("judge %s: %w", t.Judge, err)
	}
	return p, nil
}

// Tested are the queries to test on: no row may be too much like one.
type Tested struct {
	Own    bool     // the cases of the product that are not to train on
	Public string   // folder of the public query sets, of which the half to test on is taken; "" is none
	Files  []string // of cases, likewise, or of lines of a query up to the first tab
}

func (t Tested) read() ([]testset.Text, error) {
	var out []testset.Text
	if t.Own {
		cases, err := testset.Own()
		if err != nil {
			return nil, err
		}
		out = notToTrainOn(cases)
	}
	if t.Public != "" {
		_, test, _, err := StudentTraining{Public: t.Public}.public()
		if err != nil {
			return nil, err
		}
		for _, e := range test {
			out = append(out, testset.Text{ID: e.Source, Text: e.Query})
		}
	}
	for _, file := range t.Files {
		more, err := readTested(file)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// NewExport returns an export for the model that a router serves with the short prompt.
// Queries that are the same as one to test on, or the same once names are masked, are leaks.
func NewExport(cfg Config, against Tested) (posttraining.Export, error) {
	manifest, err := routes.Music()
	if err != nil {
		return posttraining.Export{}, err
	}
	e := posttraining.Export{Form: llm.NewTrained(manifest), Selection: posttraining.DefaultSelection()}
	tested, err := against.read()
	if err != nil || len(tested) == 0 {
		return e, err
	}
	masker, err := NewTestNames(cfg.Tools.Catalog)
	if err != nil {
		return e, err
	}
	e.Leaks = func(queries []posttraining.Query) []posttraining.Leak { return leaks(queries, tested, masker) }
	return e, nil
}

func notToTrainOn(cases []testset.Case) []testset.Text {
	return testset.Texts(append(testset.In(cases, testset.Test), testset.In(cases, testset.Development)...))
}

func readTested(file string) ([]testset.Text, error) {
	cases, err := testset.ReadFile(file)
	if err == nil {
		return notToTrainOn(cases), nil
	}
	if !errors.Is(err, testset.ErrFormat) {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	texts, err := testset.ReadTexts(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return texts, nil
}

// leaks returns every query that overlaps with one to test on. The two change places: of
// each query to learn from it is asked whether it is like any to test on.
func leaks(queries []posttraining.Query, tested []testset.Text, masker testset.Masker) []posttraining.Leak {
	learnt := make([]testset.Text, len(queries))
	for i, q := range queries {
		learnt[i] = testset.Text{ID: q.ID, Text: q.Text}
	}
	var out []posttraining.Leak
	for _, p := range testset.Overlap(tested, learnt, masker) {
		same := testset.Pair{Learnt: p.Tested, Tested: p.Learnt, How: p.How}
		out = append(out, posttraining.Leak{QueryID: p.Tested.ID, Why: same.String()})
	}
	return out
}
