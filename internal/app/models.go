package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/supervise"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/guard"
	"github.com/parallel-fusion/pfr/router-worker/llm"
	"github.com/parallel-fusion/pfr/router-worker/rollout"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// ModelConfig is a language model: how to ask it, and how much to ask of it.
type ModelConfig struct {
	llm.Config `yaml:",inline"`
	// Replicas are more servers of the same model, for hedges and for when one is down.
	Replicas []string     `yaml:"replicas"`
	Guard    guard.Config `yaml:"guard"`
}

func defaultModelConfig() ModelConfig {
	m := ModelConfig{Config: llm.DefaultConfig(), Guard: guard.DefaultConfig()}
	// A query waits as long as its own deadline lets it; the answer is of use later too.
	m.Timeout = m.Guard.Timeout
	return m
}

// UnmarshalYAML reads a model whose missing settings are the defaults, wherever it stands.
func (c *ModelConfig) UnmarshalYAML(unmarshal func(any) error) error {
	type plain ModelConfig
	v := plain(defaultModelConfig())
	if err := unmarshal(&v); err != nil {
		return err
	}
	*c = ModelConfig(v)
	return nil
}

// Validate reports every problem at once. A model without a URL is switched off.
func (c ModelConfig) Validate() error {
	if c.URL == "" {
		return nil
	}
	c.Guard.Timeout = c.Timeout
	errs := []error{c.Guard.Validate()}
	for _, address := range c.urls() {
		one := c.Config
		one.URL = address
		errs = append(errs, one.Validate())
	}
	return errors.Join(errs...)
}

func (c ModelConfig) urls() []string { return append([]string{c.URL}, c.Replicas...) }

// models are the language models of a process and the roll-out that chooses among them.
type models struct {
	askers  map[string]router.Asker
	guards  map[string]*guard.Guard
	clients map[string][]*llm.Client
	rollout *rollout.Live
}

// newModels makes the clients of every model that has a URL. It does no network.
func newModels(cfg RouterConfig, manifest *routes.Manifest, log *slog.Logger, reg prometheus.Registerer) (*models, error) {
	ms := &models{askers: map[string]router.Asker{}, guards: map[string]*guard.Guard{}, clients: map[string][]*llm.Client{}}
	for _, name := range slices.Sorted(maps.Keys(cfg.models())) {
		if err := ms.add(name, cfg.models()[name], manifest, log, reg); err != nil {
			ms.close()
			return nil, err
		}
	}
	known := rollout.Known{Routes: manifest.Names(), Models: slices.Sorted(maps.Keys(ms.askers))}
	var err error
	if ms.rollout, err = rollout.Open(cfg.Rollout, known, log, reg); err != nil {
		ms.close()
		return nil, err
	}
	ms.rollout.Changed = func(p *rollout.Policy) {
		for name, g := range ms.guards {
			limits := cfg.models()[name].Guard.Limits
			if p.Limits != nil {
				limits = *p.Limits
			}
			g.SetLimits(limits, p.Markets)
		}
	}
	return ms, nil
}

// models returns the models that have a URL, by name. The default one is "".
func (c RouterConfig) models() map[string]ModelConfig {
	all := maps.Clone(c.Models)
	if all == nil {
		all = map[string]ModelConfig{}
	}
	all[""] = c.LLM
	maps.DeleteFunc(all, func(_ string, m ModelConfig) bool { return m.URL == "" })
	return all
}

// add makes the clients and the guard of one model.
//
//nolint:revive // Five arguments: what every part gets, and which model.
func (ms *models) add(name string, cfg ModelConfig, manifest *routes.Manifest, log *slog.Logger, reg prometheus.Registerer) error {
	label := name
	if label == "" {
		label = "default"
	}
	var replicas []guard.Replica
	for _, address := range cfg.urls() {
		one := cfg.Config
		one.URL = address
		c, err := llm.New(one, manifest, log, labelled(reg, prometheus.Labels{"model": label, "server": hostOf(address)}))
		if err != nil {
			return fmt.Errorf("language model %s: %w", label, err)
		}
		ms.clients[name] = append(ms.clients[name], c)
		replicas = append(replicas, replica{c})
	}
	cfg.Guard.Timeout = cfg.Timeout
	g, err := guard.New(label, cfg.Guard, replicas, log, reg)
	if err != nil {
		return err
	}
	ms.guards[name], ms.askers[name] = g, g
	return nil
}

// hostOf names a server in metrics.
func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "unknown"
	}
	return u.Host
}

func labelled(reg prometheus.Registerer, labels prometheus.Labels) prometheus.Registerer {
	if reg == nil {
		return nil
	}
	return prometheus.WrapRegistererWith(labels, reg)
}

// replica is a client as the guard sees it: a server that takes a schema and does not
// enforce it can be used, because every answer is checked. /readyz says so.
type replica struct{ *llm.Client }

// Probe implements [guard.Replica].
func (r replica) Probe(ctx context.Context) error {
	if err := r.Client.Probe(ctx); !errors.Is(err, llm.ErrNotEnforced) {
		return err
	}
	return nil
}

// parts probe the models and follow the roll-out.
func (ms *models) parts() []supervise.Part {
	parts := []supervise.Part{{Name: "router/rollout", Run: ms.rollout.Run}}
	for _, name := range slices.Sorted(maps.Keys(ms.guards)) {
		g := ms.guards[name]
		parts = append(parts, supervise.Part{Name: "router/llm " + name, Run: func(ctx context.Context, ready func()) error {
			ready() // a model that is away holds up nobody
			return g.Run(ctx, func() {})
		}})
	}
	return parts
}

func (ms *models) close() {
	for _, clients := range ms.clients {
		for _, c := range clients {
			c.Close()
		}
	}
}

// ModelStatus is a language model as /readyz shows it.
type ModelStatus struct {
	guard.Status
	Servers []llm.Status `json:"servers"`
}

// RouterStatus is the router as /readyz shows it.
type RouterStatus struct {
	Versions router.Versions        `json:"versions"`
	Rollout  rollout.Status         `json:"rollout"`
	Models   map[string]ModelStatus `json:"models,omitempty"`
}

func (ms *models) status(r *router.Router) RouterStatus {
	s := RouterStatus{Versions: r.Versions(), Rollout: ms.rollout.Status(), Models: map[string]ModelStatus{}}
	for name, g := range ms.guards {
		m := ModelStatus{Status: g.Status()}
		for _, c := range ms.clients[name] {
			m.Servers = append(m.Servers, c.Status())
		}
		s.Models[name] = m
	}
	return s
}

// newRouter makes the router of a process with everything that it decides with.
func newRouter(cfg RouterConfig, know knowledge, log *slog.Logger, reg prometheus.Registerer) (*router.Router, *models, error) {
	student, err := know.student(cfg.Student)
	if err != nil {
		return nil, nil, err
	}
	vocabulary, err := know.vocabulary()
	if err != nil {
		return nil, nil, err
	}
	ms, err := newModels(cfg, know.manifest, log, reg)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range cfg.models() { // an answer that comes late is kept all the same
		cfg.Cache.ComputeTimeout = max(cfg.Cache.ComputeTimeout, m.Timeout+time.Second)
	}
	r, err := router.New(cfg.Config, know.manifest, router.Ports{
		Student: student, Models: ms.askers, Rollout: ms.rollout, Vocabulary: vocabulary,
	}, log, reg)
	if err != nil {
		ms.close()
		return nil, nil, err
	}
	return r, ms, nil
}
