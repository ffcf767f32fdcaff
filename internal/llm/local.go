package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// Local is a model in this process, asked in place of a server. It is safe for concurrent
// use.
type Local interface {
	// Complete answers a prompt, held to its schema. It ends soon after ctx does, with the
	// error of ctx. What it has read and written counts with an error too.
	Complete(ctx context.Context, p Prompt) (Completion, error)
	// Name names the model with all that shapes its answers. It may change while it serves.
	Name() string
}

// Prompt is what a [Local] is asked.
type Prompt struct {
	System, User string          // the two turns
	Schema       json.RawMessage // of the answer
	MaxTokens    int             // of the answer
	TopLogprobs  int             // alternatives of each token that are wanted; 0: no probabilities
	Temperature  float64         // 0: always the likeliest token
	Seed         int64           // of the sampling
}

// Completion is what a [Local] wrote.
type Completion struct {
	Reply
	Model     string // the name at the time
	Truncated bool   // it was cut off at MaxTokens
	Used      Tokens
}

// NewLocal returns a Client that asks a model in this process, which stays the caller's. Of
// cfg the sampling, the timeouts and the prices count.
func NewLocal(cfg Config, model Local, log *slog.Logger, reg prometheus.Registerer) (*Client, error) {
	cfg = cfg.ForLocal()
	cfg.Model = model.Name()
	c, err := New(cfg, log, reg)
	if err != nil {
		return nil, err
	}
	c.local = model
	return c, nil
}

// ForLocal returns the settings for a model in this process: those that say where a server
// is, and how to get in, are replaced.
func (c Config) ForLocal() Config {
	c.URL, c.Profile, c.KeyFile, c.KeyEnv = "http://localhost", LlamaCPP, "", "" // nothing is sent there
	return c
}

// askLocal is one question to the model in this process.
func (c *Client) askLocal(ctx context.Context, q Question) (Usage, error) {
	t := q.Task(LlamaCPP)
	p := Prompt{
		System: t.System, User: q.User, Schema: t.Schema, MaxTokens: t.MaxTokens, TopLogprobs: t.TopLogprobs,
		Temperature: max(c.cfg.Temperature, 0), Seed: c.cfg.Seed,
	}
	if q.Seed != nil {
		p.Seed = *q.Seed
	}
	done, err := c.local.Complete(ctx, p)
	u := Usage{Model: modelName(done.Model), Tokens: done.Used}
	u.CostUSD = c.cfg.cost(u.Tokens, u.Model)
	telemetry.Annotate(ctx, "gen_ai.request.model", u.Model)
	switch {
	case err != nil:
	case done.Truncated && !q.canary:
		err = truncated
	default:
		err = q.Read(done.Reply)
	}
	if err != nil {
		return u, fmt.Errorf("llm %s: %w", q.Operation, err)
	}
	return u, nil
}
