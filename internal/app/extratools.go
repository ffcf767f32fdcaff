package app

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/supervise"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
	"github.com/parallel-fusion/pfr/tool-workers/httpjson"
	"github.com/parallel-fusion/pfr/tool-workers/mcp/remote"
	"github.com/parallel-fusion/pfr/tool-workers/opensearch"
)

// ExtraTools are tools that are configured, not written.
type ExtraTools []ExtraTool

// ExtraTool is one of them: what it is, and the section of its kind.
type ExtraTool struct {
	adapter.Config `yaml:",inline"`
	Kind           string             `yaml:"kind"` // http, opensearch or mcp
	HTTP           *httpjson.Config   `yaml:"http,omitempty"`
	OpenSearch     *opensearch.Config `yaml:"opensearch,omitempty"`
	MCP            *remote.Config     `yaml:"mcp,omitempty"`
}

// The kinds of extra tools.
const (
	kindHTTP       = "http"
	kindOpenSearch = "opensearch"
	kindMCP        = "mcp"
)

// Validate reports every problem at once.
func (l ExtraTools) Validate() error {
	var errs []error
	names := map[string]bool{}
	for i, t := range l {
		if err := t.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("extra[%d]: %w", i, err))
		}
		if names[t.Name] {
			errs = append(errs, fmt.Errorf("extra[%d]: there is a tool %s already", i, t.Name))
		}
		names[t.Name] = true
	}
	return errors.Join(errs...)
}

// Validate reports every problem at once. It reads no secrets.
func (t ExtraTool) Validate() error {
	sections := map[string]interface{ Validate() error }{}
	if t.HTTP != nil {
		sections[kindHTTP] = t.HTTP
	}
	if t.OpenSearch != nil {
		sections[kindOpenSearch] = t.OpenSearch
	}
	if t.MCP != nil {
		sections[kindMCP] = t.MCP
	}
	errs := []error{t.Config.Validate()}
	section, ok := sections[t.Kind]
	switch {
	case t.Kind != kindHTTP && t.Kind != kindOpenSearch && t.Kind != kindMCP:
		errs = append(errs, fmt.Errorf("kind %.32q: must be http, opensearch or mcp", t.Kind))
	case !ok || len(sections) > 1:
		errs = append(errs, fmt.Errorf("needs the section %s and no other", t.Kind))
	default:
		errs = append(errs, section.Validate())
	}
	return errors.Join(errs...)
}

// open returns the tool. It reads the secrets, and connects to nothing.
func (t ExtraTool) open(reg prometheus.Registerer) (extraTool, error) {
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("tool %s: %w", t.Name, err)
	}
	switch t.Kind {
	case kindHTTP:
		return httpjson.New(t.Config, *t.HTTP, reg)
	case kindOpenSearch:
		return opensearch.New(t.Config, *t.OpenSearch, reg)
	default:
		return remote.New(t.Config, *t.MCP, reg)
	}
}

// extraTool is a tool with something to close.
type extraTool interface {
	tools.Tool
	io.Closer
}

// open returns every tool and what closes them.
func (l ExtraTools) open(reg prometheus.Registerer) (all []tools.Tool, closeAll func() error, err error) {
	var open []io.Closer
	closeAll = func() error {
		var errs []error
		for _, c := range open {
			errs = append(errs, c.Close())
		}
		return errors.Join(errs...)
	}
	for _, t := range l {
		tool, err := t.open(reg)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		all, open = append(all, tool), append(open, tool)
	}
	return all, closeAll, nil
}

// apart reports extra tools that have the name of one that is there: the two would share
// its calls.
func (l ExtraTools) apart(there []tools.Tool) error {
	var errs []error
	for i, t := range l {
		if slices.ContainsFunc(there, func(o tools.Tool) bool { return o.Name() == t.Name }) {
			errs = append(errs, fmt.Errorf("extra[%d]: %s is the name of a tool that is there", i, t.Name))
		}
	}
	return errors.Join(errs...)
}

// extraParts serves the extra tools that cfg wants served, each on its NATS subject as a
// service of its own. They close with in.
func extraParts(in *infra, cfg ToolsConfig, extra ExtraTools, options ...tools.WorkerOption) ([]supervise.Part, error) {
	all, closeAll, err := extra.open(in.reg)
	if err != nil {
		return nil, err
	}
	in.closers = append(in.closers, closeAll)
	var parts []supervise.Part
	for _, t := range all {
		if !cfg.serves(t.Name()) {
			continue
		}
		w := tools.NewWorker(t, "", in.log, in.reg, options...)
		parts = append(parts, supervise.Part{Name: "tools/" + t.Name(), Run: toolPart(in.conn, toolService(cfg, t, ""), w)})
	}
	return parts, nil
}
