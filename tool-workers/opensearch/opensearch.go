// Package opensearch makes a tool of an index in OpenSearch or Elasticsearch.
//
// The query is a template in the engine's own query language, as data: parameters stand as
// whole values, never inside a text that the engine reads as syntax, and never where it
// expects a field, an index or a script. What leaves is bounded by what is left of the
// call's time: the engine stops by itself.
package opensearch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
)

// Tool searches one index. The caller closes it.
type Tool struct {
	tools.Tool
	spec   tools.Spec
	cfg    Config
	to     *url.URL
	query  *adapter.Template
	source []string // fields of documents that the mapping reads
	client *adapter.Client
	reader *adapter.Reader
}

// New returns a tool that searches the index of cfg. It reads the secrets, and connects to
// nothing.
func New(tool adapter.Config, cfg Config, reg prometheus.Registerer) (*Tool, error) {
	t, err := build(tool, cfg, reg)
	if err != nil {
		return nil, fmt.Errorf("tool %s: opensearch: %w", tool.Name, err)
	}
	return t, nil
}

func build(tool adapter.Config, cfg Config, reg prometheus.Registerer) (*Tool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.ScanRate = cmp.Or(cfg.ScanRate, DefaultConfig().ScanRate)
	t := &Tool{cfg: cfg, source: sourceFields(cfg.Map)}
	base, err := adapter.BaseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	t.to = base.JoinPath(cfg.Index, "_search")
	if t.query, err = adapter.NewTemplate(cfg.Query); err != nil {
		return nil, err
	}
	if err := errors.Join(tool.Validate(), tool.Check(t.query.Names()...), optionalOutside(tool, t.query)); err != nil {
		return nil, err
	}
	mapping := cfg.Map
	mapping.List, mapping.Score = "hits.hits", cmp.Or(mapping.Score, "_score")
	if t.reader, err = adapter.NewReader(mapping, tool, reg); err != nil {
		return nil, err
	}
	if t.Tool, err = tool.Tool(t.run); err != nil {
		return nil, err
	}
	t.spec, _ = tools.SpecOf(t.Tool)
	t.client, err = adapter.NewClient(cfg.HTTPConfig, base)
	return t, err
}

// Spec implements [tools.Describer].
func (t *Tool) Spec() tools.Spec { return t.spec }

// Close lets go of idle connections.
func (t *Tool) Close() error { return t.client.Close() }

// partial is the version of answers that the engine cut short: they are shown and not kept.
const partial = "partial"

func (t *Tool) run(ctx context.Context, v adapter.Values) (tools.Result, error) {
	body, err := t.body(ctx, v)
	if err != nil {
		return tools.Result{}, err
	}
	data, err := t.client.Ask(ctx, http.MethodPost, t.to, body)
	if err != nil {
		return tools.Result{}, err
	}
	var outcome struct {
		Took       int  `json:"took"` // milliseconds
		TimedOut   bool `json:"timed_out"`
		Terminated bool `json:"terminated_early"`
		Shards     struct {
			Total  int `json:"total"`
			Failed int `json:"failed"`
		} `json:"_shards"`
	}
	if err := json.Unmarshal(data, &outcome); err != nil {
		return tools.Result{}, errors.New("answer: is no search result")
	}
	telemetry.Annotate(ctx, "engine_took_ms", strconv.Itoa(outcome.Took))
	if outcome.Shards.Total > 0 && outcome.Shards.Failed == outcome.Shards.Total {
		return tools.Result{}, errors.New("answer: every shard failed")
	}
	items, text, err := t.reader.Read(data, v.Limit())
	result := tools.Result{Items: items, Text: text}
	if outcome.TimedOut || outcome.Terminated || outcome.Shards.Failed > 0 {
		result.Version = partial
	}
	return result, err
}

// body returns the search. The engine gets most of the time that is left, so that its
// partial answer still arrives.
func (t *Tool) body(ctx context.Context, v adapter.Values) (map[string]any, error) {
	query, ok := t.query.Fill(v)
	if !ok {
		return nil, fmt.Errorf("%w: nothing to search for", tools.ErrBadRequest)
	}
	left := t.cfg.timeout()
	if end, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(end))
	}
	ms := max(1, int(left.Milliseconds()*9/10))
	body := map[string]any{
		"query": query, "size": v.Limit(), "_source": t.source, "track_total_hits": false, "timeout": strconv.Itoa(ms) + "ms",
	}
	if t.cfg.ScanRate > 0 {
		body["terminate_after"] = min(ms*t.cfg.ScanRate, maxTerminateAfter)
	}
	return body, nil
}

// maxTerminateAfter fits the engine's integers.
const maxTerminateAfter = 1<<31 - 1
