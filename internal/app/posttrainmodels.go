package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	posttraining "github.com/parallel-fusion/pfr/post-training"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/llm"
	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// workshop makes teachers and judges, and closes what they opened.
type workshop struct {
	cfg      RouterConfig
	manifest *routes.Manifest
	known    *names
	log      *slog.Logger
	closers  []func()
}

func (w *workshop) close() {
	for _, c := range slices.Backward(w.closers) {
		c()
	}
}

// patience is the least time that a teacher or judge has for an answer: nobody waits for a
// page here.
const patience = time.Minute

// model returns the settings of a language model by name.
func (w *workshop) model(name string) (ModelConfig, error) {
	all := w.cfg.models()
	key := name
	if name == llmName {
		key = ""
	}
	m, ok := all[key]
	if !ok {
		return m, fmt.Errorf("there is no language model %q: set --llm, or router.models.%s", name, name)
	}
	m.Timeout = max(m.Timeout, patience)
	return m, nil
}

// teacher returns who decides under a name.
func (w *workshop) teacher(ctx context.Context, name string, temperature float64) (posttraining.Teacher, error) {
	if !(temperature > 0 && temperature <= maxTemperature) {
		return nil, fmt.Errorf("temperature %v: must lie above 0 and at or below %v", temperature, maxTemperature)
	}
	switch name {
	case goldName:
		return posttraining.Gold{Manifest: w.manifest}, nil
	case studentName:
		return studentTeacher{w.known.student.Load(), w.manifest, temperature}, nil
	}
	return w.modelTeacher(ctx, name, temperature)
}

// modelTeacher returns a language model as a teacher. At a temperature of 0 it decides as it
// would for a listener.
func (w *workshop) modelTeacher(ctx context.Context, name string, temperature float64) (posttraining.Teacher, error) {
	cfg, err := w.model(name)
	if err != nil {
		return nil, err
	}
	cfg.Temperature = temperature
	client, local, err := cfg.dial(cfg.URL, w.manifest, w.log, nil)
	if err != nil {
		return nil, err
	}
	if local != nil {
		w.closers = append(w.closers, local.Close)
	}
	w.closers = append(w.closers, client.Close)
	if err := client.Identify(ctx); err != nil {
		return nil, err
	}
	// A router of its own has the answers parsed, grounded and resolved as live ones are. It
	// asks one model and keeps nothing.
	r, err := router.New(router.DefaultConfig(), w.manifest, router.Ports{
		Student: w.known, Models: map[string]router.Asker{"": seededAsker{client}}, Vocabulary: w.known,
	}, w.log, nil)
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, func() { _ = r.Close() }) // of a cache without files
	return modelTeacher{r, client, temperature}, nil
}

// maxTemperature is the highest that servers take.
const maxTemperature = 2

// judge returns who rejects under a name.
func (w *workshop) judge(ctx context.Context, name string) (posttraining.Judge, error) {
	if name == labelsName {
		return posttraining.Labels{Manifest: w.manifest}, nil
	}
	cfg, err := w.model(name)
	if err != nil {
		return nil, err
	}
	cfg.Temperature = 0 // a judge says the same twice
	client, err := chat.New(cfg.Config.Config, w.log, nil)
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, client.Close)
	if err := client.Identify(ctx); err != nil {
		return nil, err
	}
	return posttraining.NewModelJudge(w.manifest, judgingModel{client}), nil
}

// studentTeacher is the in-process model as a teacher.
type studentTeacher struct {
	student     *student.Student
	manifest    *routes.Manifest
	temperature float64
}

// ID implements [posttraining.Teacher].
func (t studentTeacher) ID() string {
	return fmt.Sprintf("%s at temperature %g", t.student.Version(), t.temperature)
}

// Sample implements [posttraining.Teacher].
func (t studentTeacher) Sample(_ context.Context, a posttraining.Ask) (posttraining.Sample, error) {
	s := posttraining.Sample{Temperature: t.temperature, Model: t.student.Version()}
	g := t.student.Sample(router.Normalise(a.Query.Text), t.temperature, rand.New(rand.NewPCG(a.Seed, 0)))
	route, ok := t.manifest.Route(g.Route)
	if !ok {
		return s, fmt.Errorf("%w: there is no route %s", posttraining.ErrInvalid, g.Route)
	}
	s.Route, s.Params = g.Route, t.manifest.Canonical(route, g.Params)
	return s, nil
}

// modelTeacher is a language model as a teacher, with the prompt that it is configured for.
type modelTeacher struct {
	router      *router.Router
	client      *llm.Client
	temperature float64
}

// ID implements [posttraining.Teacher].
func (t modelTeacher) ID() string {
	return fmt.Sprintf("%s %s at temperature %g", t.client.Status().Model, t.client.Version(), t.temperature)
}

// Warm implements [posttraining.Warmer].
func (t modelTeacher) Warm(ctx context.Context) error {
	if err := t.client.Probe(ctx); !errors.Is(err, chat.ErrNotEnforced) {
		return err
	}
	return nil
}

// Sample implements [posttraining.Teacher].
func (t modelTeacher) Sample(ctx context.Context, a posttraining.Ask) (posttraining.Sample, error) {
	ctx = context.WithValue(ctx, seedKey{}, int64(a.Seed)) //nolint:gosec // it fits, see posttraining.Ask
	d, err := t.router.Through(ctx, schemas.SourceLLM, schemas.PublicQuery{Text: a.Query.Text, Market: a.Query.Market})
	if errors.Is(err, router.ErrOutput) {
		err = fmt.Errorf("%w: %w", posttraining.ErrInvalid, err)
	}
	return posttraining.Sample{
		Route: d.Route, Params: d.Params, Temperature: t.temperature,
		Prompt: d.PromptVersion, Model: d.ModelVersion, Tokens: d.Tokens, CostUSD: d.Cost,
	}, err
}

// seedKey is where the seed of an attempt travels from the teacher to its asker.
type seedKey struct{}

// seededAsker asks a client with the seed of the context. It has no limits of its own: those
// of a run hold.
type seededAsker struct{ client *llm.Client }

// Ask implements [router.Asker].
func (a seededAsker) Ask(ctx context.Context, q router.Ask) (router.Answer, error) {
	seed, _ := ctx.Value(seedKey{}).(int64) // there is one
	return a.client.Sample(ctx, q.Text, seed)
}

// Version implements [router.Asker].
func (a seededAsker) Version() string { return a.client.Version() }

// judgingModel is a language model that judges decisions.
type judgingModel struct{ client *chat.Client }

// ID implements [posttraining.Model].
func (m judgingModel) ID() string { return m.client.Model() }

const (
	judgeTokens   = 200 // of an answer of a judge at most
	judgeCacheKey = "pfr-judge-decisions"
)

// Ask implements [posttraining.Model].
func (m judgingModel) Ask(ctx context.Context, q posttraining.Question) (posttraining.Reply, error) {
	user, err := chat.Turn(q.User)
	if err != nil {
		return posttraining.Reply{}, err
	}
	reply := posttraining.Reply{Members: map[string]string{}}
	used, err := m.client.Ask(ctx, chat.Question{
		Operation: "judge_decision", User: user,
		Task: func(chat.Profile) chat.Task {
			return chat.Task{System: q.System, Name: "verdict", Schema: q.Schema, MaxTokens: judgeTokens, CacheKey: judgeCacheKey}
		},
		Read: func(r chat.Reply) error {
			members, _, err := chat.ParseObject(r.Content)
			for _, m := range members {
				if text, ok := m.Value.(string); ok {
					reply.Members[m.Key] = text
				}
			}
			return err
		},
	})
	if errors.Is(err, chat.ErrOutput) {
		err = fmt.Errorf("%w: %w", posttraining.ErrNoVerdict, err)
	}
	reply.Tokens, reply.CostUSD = schemas.Tokens(used.Tokens), used.CostUSD
	return reply, err
}
