// Package httpjson makes a tool of a service that answers JSON over HTTP.
//
// The request is a template: an address whose host is fixed, with parameters as whole path
// segments, whole query values, or whole values of a JSON body. The answer is read by a
// mapping. Only requests that read are possible: GET, and POST for services that are
// searched that way.
package httpjson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"

	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
)

// Config says how the service is asked. The zero value is not valid; see [DefaultConfig].
type Config struct {
	// URL is the address, such as https://example.org/v1/artists/{{artist}}/concerts.
	URL    string `yaml:"url"`
	Method string `yaml:"method,omitempty"` // GET or POST; "" means GET
	// Query holds the values after the ?. A list becomes several of them.
	Query map[string]any `yaml:"query,omitempty"`
	// Body is sent as JSON, with POST only.
	Body any `yaml:"body,omitempty"`
	// NotFoundIsEmpty says that status 404 means that there are no items.
	NotFoundIsEmpty    bool            `yaml:"not_found_is_empty,omitempty"`
	Map                adapter.Mapping `yaml:"map"`
	adapter.HTTPConfig `yaml:",inline"`
}

// DefaultConfig returns a GET without an address.
func DefaultConfig() Config {
	return Config{Method: http.MethodGet, HTTPConfig: adapter.DefaultHTTPConfig()}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	_, templateErr := newTemplate(c)
	errs := []error{templateErr, c.HTTPConfig.Validate(), c.Map.Validate()}
	if c.Method != "" && c.Method != http.MethodGet && c.Method != http.MethodPost {
		errs = append(errs, fmt.Errorf("method %.16q: must be GET or POST", c.Method))
	}
	if c.Body != nil && c.Method != http.MethodPost {
		errs = append(errs, errors.New("body: needs the method POST"))
	}
	return errors.Join(errs...)
}

// Tool asks the service. The caller closes it.
type Tool struct {
	tools.Tool
	spec     tools.Spec
	template *template
	client   *adapter.Client
	reader   *adapter.Reader
	empty404 bool
}

// New returns a tool that asks the service of cfg. It reads the secrets, and connects to
// nothing.
func New(tool adapter.Config, cfg Config, reg prometheus.Registerer) (*Tool, error) {
	t, err := build(tool, cfg, reg)
	if err != nil {
		return nil, fmt.Errorf("tool %s: http: %w", tool.Name, err)
	}
	return t, nil
}

func build(tool adapter.Config, cfg Config, reg prometheus.Registerer) (*Tool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &Tool{empty404: cfg.NotFoundIsEmpty}
	var err error
	if t.template, err = newTemplate(cfg); err != nil {
		return nil, err
	}
	if err := errors.Join(tool.Validate(), tool.Check(t.template.names...)); err != nil {
		return nil, err
	}
	if t.reader, err = adapter.NewReader(cfg.Map, tool, reg); err != nil {
		return nil, err
	}
	if t.Tool, err = tool.Tool(t.run); err != nil {
		return nil, err
	}
	t.spec, _ = tools.SpecOf(t.Tool)
	t.client, err = adapter.NewClient(cfg.HTTPConfig, t.template.base)
	return t, err
}

// Spec implements [tools.Describer].
func (t *Tool) Spec() tools.Spec { return t.spec }

// Close lets go of idle connections.
func (t *Tool) Close() error { return t.client.Close() }

func (t *Tool) run(ctx context.Context, v adapter.Values) (tools.Result, error) {
	to, body, err := t.template.fill(v)
	if err != nil {
		return tools.Result{}, err
	}
	answer, err := t.client.Ask(ctx, t.template.method, to, body)
	if errors.Is(err, adapter.ErrNotFound) && t.empty404 {
		return tools.Result{}, nil
	}
	if err != nil {
		return tools.Result{}, err
	}
	items, text, err := t.reader.Read(answer, v.Limit())
	return tools.Result{Items: items, Text: text}, err
}

// address returns where the call goes: the configured host, whatever the values are.
func (t *template) address(v adapter.Values) (*url.URL, error) {
	path, err := t.path(v)
	if err != nil {
		return nil, err
	}
	to := *t.base
	if to.Path, err = url.PathUnescape(path); err != nil {
		return nil, fmt.Errorf("%w: a path that cannot be sent", tools.ErrBadRequest)
	}
	to.RawPath, to.RawQuery = path, t.query(v).Encode()
	return &to, nil
}
