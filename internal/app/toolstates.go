package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// ToolState is one version of one tool, as its running workers report it. Numbers are sums
// over the workers, since each of them started.
type ToolState struct {
	Name         string          `json:"name"`
	Version      string          `json:"version"`
	For          string          `json:"for,omitempty"`
	Data         []string        `json:"data,omitempty"` // versions of what is behind it
	Schema       json.RawMessage `json:"schema,omitempty"`
	Example      json.RawMessage `json:"example,omitempty"`
	Results      string          `json:"results,omitempty"`
	Personal     bool            `json:"personal"`
	CacheSeconds string          `json:"cache_seconds,omitempty"`

	Replicas   int    `json:"replicas"`
	Workers    int    `json:"workers"` // calls that can run at once
	Busy       int    `json:"busy"`    // calls that run
	Waiting    int    `json:"waiting"` // calls in the queues
	Handled    uint64 `json:"handled"` // the failed ones included
	Failed     uint64 `json:"failed"`  // bad requests and timeouts included
	Panics     uint64 `json:"panics"`
	Expired    uint64 `json:"expired"`    // dropped unstarted
	Overloaded uint64 `json:"overloaded"` // refused since the queue was full
}

// ToolStates asks the NATS servers of cfg which tools are served now, sorted by name and
// version. ctx needs a deadline; the answer is there shortly after the last worker's.
func ToolStates(ctx context.Context, cfg Config, log *slog.Logger) ([]ToolState, error) {
	conn, err := rpc.Dial(ctx, cfg.NATS, log, nil)
	if err != nil {
		return nil, fmt.Errorf("look for tools: %w", err)
	}
	defer func() { _ = conn.Close() }() // it was only asked
	found, err := conn.Discover(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("look for tools: %w", err)
	}
	var states []ToolState
	for _, s := range found {
		name, ok := strings.CutPrefix(s.Subject, schemas.ToolSubject(""))
		if !ok {
			continue // another service on the same servers
		}
		i := slices.IndexFunc(states, func(t ToolState) bool { return t.Name == name && t.Version == s.Version })
		if i < 0 {
			i = len(states)
			states = append(states, describeTool(name, s))
		}
		states[i].add(s)
	}
	slices.SortFunc(states, func(a, b ToolState) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	return states, nil
}

func describeTool(name string, s rpc.ServiceInfo) ToolState {
	return ToolState{
		Name: name, Version: s.Version, For: s.Description,
		Schema: document(s.Metadata[tools.MetaSchema]), Example: document(s.Metadata[tools.MetaExample]),
		Results: s.Metadata[tools.MetaResults], Personal: s.Metadata[tools.MetaPersonal] == "true",
		CacheSeconds: s.Metadata[tools.MetaCache],
	}
}

// document returns text if it is JSON: anybody can announce anything.
func document(text string) json.RawMessage {
	if !json.Valid([]byte(text)) {
		return nil
	}
	return json.RawMessage(text)
}

// add counts one more worker of the tool.
func (t *ToolState) add(s rpc.ServiceInfo) {
	t.Replicas++
	t.Workers += s.Stats.Workers
	t.Busy += s.Stats.Busy
	t.Waiting += s.Stats.Backlog
	t.Handled += s.Stats.Handled
	t.Failed += s.Stats.Failed + s.Stats.Panics
	t.Panics += s.Stats.Panics
	t.Expired += s.Stats.Expired
	t.Overloaded += s.Stats.Overloaded
	if data := s.Stats.Data; data != "" && !slices.Contains(t.Data, data) {
		t.Data = append(t.Data, data)
		slices.Sort(t.Data)
	}
}

// Parameters returns the names of the parameters, sorted; required ones with a star.
func (t ToolState) Parameters() []string {
	var schema struct {
		Properties map[string]struct{} `json:"properties"`
		Required   []string            `json:"required"`
	}
	if len(t.Schema) == 0 || json.Unmarshal(t.Schema, &schema) != nil {
		return nil
	}
	names := slices.Sorted(maps.Keys(schema.Properties))
	for i, name := range names {
		if slices.Contains(schema.Required, name) {
			names[i] += "*"
		}
	}
	return names
}
