package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/fusion-aggregator/refine"
	"github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/tool-workers/dj/host"
)

// AgentsConfig is the work beside routing that language models are asked for. Each piece
// is off until it is enabled, and has a budget of its own.
type AgentsConfig struct {
	DJ     AgentConfig `yaml:"dj"`     // hosts the mixes of the tool dj
	Refine AgentConfig `yaml:"refine"` // puts finished pages in order, where the manifest says so
}

// AgentConfig is one of them. Without a URL it asks the server of router.llm.
type AgentConfig struct {
	Enabled         bool `yaml:"enabled"`
	llm.AgentConfig `yaml:",inline"`
}

// defaultAgentsConfig gives a question a little less time than a mix and the refinement of a
// page have by the manifest, so that a model that hangs is seen to hang.
func defaultAgentsConfig() AgentsConfig {
	c := AgentsConfig{DJ: AgentConfig{AgentConfig: llm.DefaultAgentConfig()}, Refine: AgentConfig{AgentConfig: llm.DefaultAgentConfig()}}
	c.DJ.Timeout, c.Refine.Timeout = 300*time.Millisecond, 100*time.Millisecond
	c.DJ.Budget.Least = 100 * time.Millisecond
	return c
}

// validate reports every problem at once.
func (c AgentsConfig) validate(router ModelConfig) error {
	var errs []error
	for name, a := range map[string]AgentConfig{"dj": c.DJ, "refine": c.Refine} {
		if !a.Enabled {
			continue
		}
		full := a.on(router)
		if full.URL == "" {
			errs = append(errs, fmt.Errorf("agents.%s: %w", name, errors.New("enabled, but there is no url here or under router.llm")))
		} else if err := full.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("agents.%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// on returns the settings of an agent with the server of the router's model, unless it has
// its own.
func (c AgentConfig) on(router ModelConfig) llm.AgentConfig {
	out := c.AgentConfig
	if out.URL == "" {
		out.URL, out.Model, out.Profile, out.KeyFile, out.KeyEnv = router.URL, router.Model, router.Profile, router.KeyFile, router.KeyEnv
		out.Prices, out.ReasoningEffort = router.Prices, router.ReasoningEffort
	}
	return out
}

// newAgent returns the agent called name and the part that runs it, or neither where it is
// off. It closes with in.
func newAgent(in *infra, name string, agent AgentConfig, router ModelConfig) (*llm.Agent, []supervise.Part, error) {
	if !agent.Enabled {
		return nil, nil, nil
	}
	cfg := agent.on(router)
	a, err := llm.NewAgent(cfg, in.log.With("agent", name), labelled(in.reg, prometheus.Labels{"model": name, "server": hostOf(cfg.URL)}))
	if err != nil {
		return nil, nil, fmt.Errorf("agent %s: %w", name, err)
	}
	in.closers = append(in.closers, func() error { a.Close(); return nil })
	in.details["agent "+name] = func() any { return a.Status() }
	return a, []supervise.Part{{Name: "agents/" + name, Run: a.Run}}, nil
}

// newHost returns who hosts mixes, or nil where that is off.
func newHost(in *infra, cfg Config) (*host.Host, []supervise.Part, error) {
	a, parts, err := newAgent(in, "dj", cfg.Agents.DJ, cfg.Router.LLM)
	if a == nil || err != nil {
		return nil, nil, err
	}
	return host.New(a, in.log, in.reg), parts, nil
}

// newRefiner returns what refines pages, or nil where that is off.
func newRefiner(in *infra, cfg Config) (fusion.Refiner, []supervise.Part, error) {
	a, parts, err := newAgent(in, "refine", cfg.Agents.Refine, cfg.Router.LLM)
	if a == nil || err != nil {
		return nil, nil, err
	}
	return refine.New(a, in.log), parts, nil
}
