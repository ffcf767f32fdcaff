package adapter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// Config says what a configured tool is. The zero value is not valid.
type Config struct {
	Name    string `yaml:"name"`              // in the manifest
	Version string `yaml:"version,omitempty"` // semantic; "" means 1.0.0
	For     string `yaml:"for"`               // one sentence, for people and language models
	// Params are what the manifest may pass. Their names are the placeholders.
	Params  []tools.Param `yaml:"params,omitempty"`
	Example Example       `yaml:"example"` // a call that is answered
	// Results are the types of the items; the first is that of items which say none.
	Results  []schemas.ItemType `yaml:"results,omitempty"`
	CacheFor time.Duration      `yaml:"cache_for,omitempty"` // how long an answer serves equal calls; 0: not at all
	// SendQuery lets the query as typed leave to the service, as {{query}}.
	SendQuery bool `yaml:"send_query,omitempty"`
}

// Example is a call in the form in which settings hold it.
type Example struct {
	Query  string         `yaml:"query"`
	Params map[string]any `yaml:"params,omitempty"`
}

// Names of values that every call has beside its parameters.
const (
	nameQuery  = "query" // only with SendQuery
	nameLimit  = "limit"
	nameMarket = "market"
	nameLocale = "locale"
)

// Validate reports every problem at once.
func (c Config) Validate() error {
	_, err := c.Tool(nil)
	return err
}

// Check reports names that a template uses and this tool does not have.
func (c Config) Check(used ...string) error {
	var errs []error
	for _, name := range used {
		if !slices.Contains(c.names(), name) {
			errs = append(errs, fmt.Errorf("{{%s}}: there is no such parameter", name))
		}
	}
	return errors.Join(errs...)
}

func (c Config) names() []string {
	names := []string{nameLimit, nameMarket, nameLocale}
	if c.SendQuery {
		names = append(names, nameQuery)
	}
	for _, p := range c.Params {
		names = append(names, p.Name)
	}
	return names
}

// Tool returns a tool that checks each call and runs it with the values that templates
// use. Its error reports everything that is wrong with c.
func (c Config) Tool(run func(ctx context.Context, values Values) (tools.Result, error)) (tools.Tool, error) {
	var errs []error
	for _, p := range c.Params {
		if slices.Contains([]string{nameQuery, nameLimit, nameMarket, nameLocale}, p.Name) {
			errs = append(errs, fmt.Errorf("params: %s is a value that every call has", p.Name))
		}
	}
	params, err := paramsOf(c.Example.Params)
	errs = append(errs, err)
	tool, err := tools.Dynamic(c.Name, tools.Spec{
		Version: cmp.Or(c.Version, "1.0.0"), For: c.For, Example: tools.Example{Query: c.Example.Query, Params: params},
		Text: c.SendQuery, CacheFor: c.CacheFor, Results: c.Results,
	}, c.Params, func(ctx context.Context, call tools.Call[schemas.Params]) (tools.Result, error) {
		return run(ctx, values(call))
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return tool, nil
}

// Values are what a template may use of one call.
type Values map[string]any

func values(c tools.Call[schemas.Params]) Values {
	v := make(Values, len(c.Params)+4)
	maps.Copy(v, c.Params)
	v[nameLimit], v[nameMarket] = c.Limit, c.Market
	if c.Locale != "" {
		v[nameLocale] = c.Locale
	}
	if c.Query != "" {
		v[nameQuery] = c.Query
	}
	return v
}

// Limit is how many items are wanted at most.
func (v Values) Limit() int {
	n, _ := v[nameLimit].(int)
	return n
}

// paramsOf turns what a YAML reader makes of parameters into parameters.
func paramsOf(raw map[string]any) (schemas.Params, error) {
	out := schemas.Params{}
	for name, v := range raw {
		switch v := v.(type) {
		case string, int, []string:
			out[name] = v
		case uint64:
			out[name] = int(v) //nolint:gosec // what does not fit breaks a bound
		case int64:
			out[name] = int(v)
		case []any:
			list := make([]string, len(v))
			for i, e := range v {
				s, ok := e.(string)
				if !ok {
					return nil, fmt.Errorf("example: %s: a list must hold texts", name)
				}
				list[i] = s
			}
			out[name] = list
		default:
			return nil, fmt.Errorf("example: %s: a %T is no parameter", name, v)
		}
	}
	return out, nil
}
