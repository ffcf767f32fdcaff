package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/consumers/experiments"
	"github.com/parallel-fusion/pfr/internal/llamacpp"
	chat "github.com/parallel-fusion/pfr/internal/llm"
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
	Replicas []string `yaml:"replicas"`
	// Local runs the model in this process, in place of a server.
	Local llamacpp.Config `yaml:"local"`
	Guard guard.Config    `yaml:"guard"`
}

func defaultModelConfig() ModelConfig {
	m := ModelConfig{Config: llm.DefaultConfig(), Local: llamacpp.DefaultConfig(), Guard: guard.DefaultConfig()}
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

// off reports whether there is no model.
func (c ModelConfig) off() bool { return c.URL == "" && c.Local.Model == "" }

// Validate reports every problem at once. A model without a URL that is not in this process
// is switched off.
func (c ModelConfig) Validate() error {
	if c.off() {
		return nil
	}
	errs := []error{c.guard().Validate()}
	if c.Local.Model != "" {
		return errors.Join(append(errs, c.validateLocal())...)
	}
	hosts := map[string]bool{}
	for _, address := range c.urls() {
		one := c.Config
		one.URL = address
		errs = append(errs, one.Validate())
		if hosts[hostOf(address)] {
			errs = append(errs, errors.New("url and replicas: each must have a host and port of its own"))
		}
		hosts[hostOf(address)] = true
	}
	return errors.Join(errs...)
}

// guard returns the settings of the guard, which shares the timeouts of the client.
func (c ModelConfig) guard() guard.Config {
	g := c.Guard
	g.Timeout, g.ProbeTimeout = c.Timeout, c.ProbeTimeout
	return g
}

// urls returns the addresses of the servers; "" is this process.
func (c ModelConfig) urls() []string { return append([]string{c.URL}, c.Replicas...) }

// models are the language models of a process and the roll-out that chooses among them.
type models struct {
	askers  map[string]router.Asker
	guards  map[string]*guard.Guard
	clients map[string][]*llm.Client
	locals  map[string]*llamacpp.Model
	rollout *rollout.Live
	names   *names         // of the catalogue, known to the student
	probing sync.WaitGroup // until every model was probed once
}

// newModels makes the clients of every model, and loads those of this process. It does no
// network.
func newModels(cfg RouterConfig, manifest *routes.Manifest, log *slog.Logger, reg prometheus.Registerer) (*models, error) {
	ms := &models{
		askers: map[string]router.Asker{}, guards: map[string]*guard.Guard{},
		clients: map[string][]*llm.Client{}, locals: map[string]*llamacpp.Model{},
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.models())) {
		if err := ms.add(name, cfg.models()[name], manifest, log, reg); err != nil {
			ms.close()
			return nil, err
		}
	}
	known := rollout.Known{Routes: manifest.Names(), Models: slices.Sorted(maps.Keys(ms.askers)), Metrics: experiments.Names()}
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
	ms.rollout.Apply()
	return ms, nil
}

// models returns the models that are not switched off, by name. The default one is "".
func (c RouterConfig) models() map[string]ModelConfig {
	all := maps.Clone(c.Models)
	if all == nil {
		all = map[string]ModelConfig{}
	}
	all[""] = c.LLM
	maps.DeleteFunc(all, func(_ string, m ModelConfig) bool { return m.off() })
	return all
}

// add makes the clients and the guard of one model.
//
//nolint:revive // Five arguments: what every part gets, and which model.
func (ms *models) add(name string, cfg ModelConfig, manifest *routes.Manifest, log *slog.Logger, reg prometheus.Registerer) error {
	label := labelOf(name)
	var replicas []guard.Replica
	for _, address := range cfg.urls() {
		c, local, err := cfg.dial(address, manifest, log, labelled(reg, prometheus.Labels{"model": label, "server": hostOf(address)}))
		if err != nil {
			return fmt.Errorf("language model %s: %w", label, err)
		}
		if local != nil {
			ms.locals[name] = local
		}
		ms.clients[name] = append(ms.clients[name], c)
		replicas = append(replicas, replica{c, manifest.Routes[0].Examples[0]})
	}
	if len(cfg.Prices) == 0 {
		log.Warn("language model without prices: no limit on money holds", "model", label)
	}
	g, err := guard.New(label, cfg.guard(), replicas, log, reg)
	if err != nil {
		return err
	}
	ms.guards[name], ms.askers[name] = g, g
	return nil
}

// defaultModel is what the model without a name is called outside the settings.
const defaultModel = "default"

func labelOf(name string) string { return cmp.Or(name, defaultModel) }

// inProcess names the server that there is none of.
const inProcess = "in-process"

// hostOf names a server in metrics.
func hostOf(rawURL string) string {
	if rawURL == "" {
		return inProcess
	}
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

// replica is a client as the guard sees it.
type replica struct {
	*llm.Client
	example string // a query
}

// Probe implements [guard.Replica]. A server that takes a schema and does not enforce it
// can be used if it writes valid answers all the same, because every answer is checked;
// /readyz says so.
func (r replica) Probe(ctx context.Context) error {
	err := r.Client.Probe(ctx)
	if errors.Is(err, chat.ErrNotEnforced) {
		_, err = r.Client.Route(ctx, r.example)
	}
	return err
}

// Route implements [router.LLM].
func (r replica) Route(ctx context.Context, text string) (router.Answer, error) {
	a, err := r.Client.Route(ctx, text)
	return a, limited(err)
}

// Compose implements [router.LLM].
func (r replica) Compose(ctx context.Context, text string) (router.Answer, error) {
	a, err := r.Client.Compose(ctx, text)
	return a, limited(err)
}

// limited marks a refusal for too many requests.
func limited(err error) error {
	if status, ok := errors.AsType[*chat.StatusError](err); ok && status.Code == http.StatusTooManyRequests {
		return fmt.Errorf("%w: %w", router.ErrLimited, err)
	}
	return err
}

// parts probe the models and follow the roll-out.
func (ms *models) parts() []supervise.Part {
	parts := []supervise.Part{{Name: "router/rollout", Run: ms.rollout.Run}}
	for _, name := range slices.Sorted(maps.Keys(ms.guards)) {
		g := ms.guards[name]
		ms.probing.Add(1)
		probed := sync.OnceFunc(ms.probing.Done)
		parts = append(parts, supervise.Part{Name: "router/llm " + labelOf(name), Run: func(ctx context.Context, ready func()) error {
			ready() // a model that is away holds up nobody
			return g.Run(ctx, probed)
		}})
		if local := ms.locals[name]; local != nil {
			parts = append(parts, supervise.Part{Name: "router/llm adapter " + labelOf(name), Run: func(ctx context.Context, ready func()) error {
				ready()
				local.Run(ctx)
				return nil
			}})
		}
	}
	return parts
}

// maxProbing bounds how long the cache stays cold because a model says nothing.
const maxProbing = 10 * time.Second

// probed waits until every model was probed, or for long enough. It reports false when ctx
// has ended.
func (ms *models) probed(ctx context.Context) bool {
	done := make(chan struct{})
	go func() { // ends with the parts, which Run to their end
		ms.probing.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(maxProbing):
	case <-ctx.Done():
		return false
	}
	return true
}

func (ms *models) close() {
	for _, clients := range ms.clients {
		for _, c := range clients {
			c.Close()
		}
	}
	for _, local := range ms.locals {
		local.Close()
	}
}

// ModelStatus is a language model as /readyz shows it.
type ModelStatus struct {
	guard.Status
	Servers []chat.Status `json:"servers"`
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
		s.Models[labelOf(name)] = m
	}
	return s
}

// newRouter makes the router of a process with everything that it decides with.
func newRouter(cfg RouterConfig, know knowledge, log *slog.Logger, reg prometheus.Registerer) (*router.Router, *models, error) {
	known, err := know.names(cfg.Student)
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
		Student: known, Models: ms.askers, Rollout: ms.rollout, Vocabulary: known,
	}, log, reg)
	if err != nil {
		ms.close()
		return nil, nil, err
	}
	ms.names = known
	return r, ms, nil
}
