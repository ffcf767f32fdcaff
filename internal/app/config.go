package app

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/consumers/serpstore"
	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/semantic"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// Config is every setting of a process: one section for each package.
type Config struct {
	Embedded  EmbeddedConfig        `yaml:"embedded"`
	Kafka     stream.Config         `yaml:"kafka"`
	Produce   stream.ProducerConfig `yaml:"produce"`
	Topics    TopicsConfig          `yaml:"topics"`
	NATS      rpc.Config            `yaml:"nats"`
	Gateway   gateway.Config        `yaml:"gateway"`
	Producers producers.Config      `yaml:"producers"`
	Router    RouterConfig          `yaml:"router"`
	Tools     ToolsConfig           `yaml:"tools"`
	Fusion    FusionConfig          `yaml:"fusion"`
	Agents    AgentsConfig          `yaml:"agents"`
	Pages     serpstore.Config      `yaml:"pages"`
	Consumers ConsumersConfig       `yaml:"consumers"`
	Privacy   PrivacyConfig         `yaml:"privacy"`
	// Precompute decides popular queries ahead of time, on a schedule.
	Precompute PrecomputeConfig `yaml:"precompute"`
	Telemetry  telemetry.Config `yaml:"telemetry"`
	Ops        OpsConfig        `yaml:"ops"`
	Supervise  supervise.Config `yaml:"supervise"`
}

// EmbeddedConfig says whether this process brings its own brokers.
type EmbeddedConfig struct {
	Enabled       bool `yaml:"enabled"`
	inproc.Config `yaml:",inline"`
}

// RouterConfig is the router and the consumer that feeds it.
type RouterConfig struct {
	router.Config `yaml:",inline"`
	Handlers      int `yaml:"handlers"` // at once, for each partition
	// Student is a folder with a student as pfr train student writes it; "" is the embedded
	// one.
	Student string `yaml:"student"`
	// LLM is the language model that is asked where the student is not sure; without a
	// server or a model in this process the student decides alone. Models are more of them,
	// for arms of the roll-out.
	LLM    ModelConfig            `yaml:"llm"`
	Models map[string]ModelConfig `yaml:"models"`
	// Rollout is the file that says who gets which router; see package rollout.
	Rollout string `yaml:"rollout"`
	// Semantic is a cache of similar queries that never answers: it counts how often it would
	// have been wrong.
	Semantic SemanticConfig `yaml:"semantic"`
	// WarmTail is how many recent decisions of each partition fill the cache at start.
	WarmTail int `yaml:"warm_tail"`
}

// Validate reports every problem at once.
func (c RouterConfig) Validate() error {
	errs := []error{c.Config.Validate(), c.Semantic.Validate()}
	for name, m := range c.Models {
		if err := m.Validate(); err != nil || name == "" || name == defaultModel || m.off() {
			errs = append(errs, fmt.Errorf("models.%s: %w", name, cmp.Or(err, errors.New("needs a url or a local.model, and a name other than default"))))
		}
	}
	if err := c.LLM.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("llm: %w", err))
	}
	if c.Handlers < 1 || c.WarmTail < 0 {
		errs = append(errs, errors.New("handlers must be positive, warm_tail not negative"))
	}
	return errors.Join(errs...)
}

// SemanticConfig is the semantic cache in the shadow.
type SemanticConfig struct {
	Enabled         bool `yaml:"enabled"`
	semantic.Config `yaml:",inline"`
}

// OpsConfig is the HTTP interface for operators of a process without a gateway.
type OpsConfig struct {
	Addr string `yaml:"addr"` // of /metrics, /healthz and /readyz; "" for none
}

// FusionConfig is the aggregator and the consumer that feeds it.
type FusionConfig struct {
	fusion.Config `yaml:",inline"`
	Handlers      int `yaml:"handlers"` // at once, for each partition; each waits for its tools
}

// ToolsConfig is the tool workers and their catalogue.
type ToolsConfig struct {
	// Catalog is a folder with a catalogue: versions that were built, of which the current
	// one is followed live, or one in text form. "" is the embedded sample.
	Catalog string `yaml:"catalog"`
	// Models is the folder of the recommenders; "" is "models" in that of the catalogue.
	Models string `yaml:"models"`
	// Follow is how often the two folders are looked at for a new version.
	Follow  time.Duration `yaml:"follow"`
	Workers int           `yaml:"workers"` // calls at once, for each tool
	Backlog int           `yaml:"backlog"` // calls that wait, for each tool; more are refused
	// Only names the tools to serve; empty means all.
	Only []string `yaml:"only"`
	// Extra are tools that are configured, not written.
	Extra ExtraTools `yaml:"extra"`
	// Results is the memory of answers that serve equal calls.
	Results tools.ResultsConfig `yaml:"results"`
}

// DefaultConfig returns the settings of a process that joins brokers on this machine.
func DefaultConfig() Config {
	nats := rpc.DefaultConfig()
	nats.Name = "pfr"
	return Config{
		Embedded: EmbeddedConfig{Config: inproc.DefaultConfig()},
		Kafka:    stream.DefaultConfig(), Produce: stream.DefaultProducerConfig(), Topics: defaultTopicsConfig(), NATS: nats,
		Gateway: gateway.DefaultConfig(), Producers: producers.DefaultConfig(),
		Router: RouterConfig{Config: router.DefaultConfig(), Handlers: 8, LLM: defaultModelConfig(), Models: map[string]ModelConfig{}, Semantic: SemanticConfig{Config: semantic.DefaultConfig()}, WarmTail: 20_000}, Fusion: FusionConfig{fusion.DefaultConfig(), 64},
		Tools:  ToolsConfig{Follow: 2 * time.Second, Workers: 8, Backlog: 64, Results: tools.DefaultResultsConfig()},
		Agents: defaultAgentsConfig(),
		Pages:  serpstore.DefaultConfig(), Consumers: defaultConsumersConfig(), Precompute: defaultPrecomputeConfig(),
		Telemetry: telemetry.DefaultConfig(), Supervise: supervise.DefaultConfig(),
	}
}

// Validate reports every problem of every section at once.
func (c Config) Validate() error {
	var errs []error
	for _, s := range []struct {
		name string
		cfg  interface{ Validate() error }
	}{
		{"embedded", c.Embedded},
		{"kafka", c.Kafka},
		{"produce", c.Produce},
		{"nats", c.NATS},
		{"gateway", c.Gateway},
		{"producers", c.Producers},
		{"router", c.Router},
		{"fusion", c.Fusion},
		{"tools.results", c.Tools.Results},
		{"pages", c.Pages},
		{"consumers", c.Consumers},
		{"precompute", c.Precompute},
		{"telemetry", c.Telemetry},
	} {
		if err := s.cfg.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	errs = append(errs, c.Agents.validate(c.Router.LLM))
	errs = append(errs, c.Topics.validate())
	if min(c.Fusion.Handlers, c.Tools.Workers) < 1 || c.Tools.Backlog < 0 || c.Tools.Follow <= 0 {
		errs = append(errs, errors.New("fusion.handlers, tools.workers and tools.follow must be positive, tools.backlog not negative"))
	}
	if err := c.Tools.Extra.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("tools: %w", err))
	}
	if c.Supervise.StartTimeout <= 0 || c.Supervise.StopTimeout <= 0 {
		errs = append(errs, errors.New("supervise: timeouts must be positive"))
	}
	return errors.Join(errs...)
}
