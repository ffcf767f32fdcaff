package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// reader fills an answer from what the model said.
type reader func(*router.Answer, openai.ChatCompletionChoice) error

// ask sends one request and reads what comes back. The answer carries what the request
// has cost, with an error too. What a request that was given up has cost is not known:
// the prompt of the last answer stands for it.
func (c *Client) ask(ctx context.Context, op operation, text string, read reader) (a router.Answer, err error) {
	start := time.Now()
	ctx, end := telemetry.Start(ctx, "llm "+string(op), telemetry.Client)
	ctx, cancel := context.WithTimeout(ctx, c.timeout(op))
	defer func() {
		cancel()
		c.m.observe(op, outcome(err), time.Since(start), a.Tokens)
		c.m.cost.Add(a.CostUSD)
		end(err)
	}()
	s, err := c.resolve(ctx)
	if err != nil {
		return a, fmt.Errorf("llm %s: %w", op, err)
	}
	t := c.task(op, s.profile)
	a.Model, a.Prompt = modelName(s.model), t.version
	done, err := c.send(ctx, c.cfg.request(s.profile, s.model, t, userTurn(text)))
	switch {
	case err == nil:
		a.Tokens = tokens(done)
		c.typical[op].Store(int64(a.Tokens.Prompt))
		if done.Model != "" {
			a.Model = modelName(done.Model)
		}
		err = read(&a, done.Choices[0])
	case ctx.Err() != nil:
		a.Tokens.Prompt = int(c.typical[op].Load())
	}
	a.CostUSD = c.cfg.cost(a.Tokens, done.Model, s.model)
	telemetry.Annotate(ctx, "gen_ai.request.model", a.Model)
	if err != nil {
		return a, fmt.Errorf("llm %s: %w", op, err)
	}
	return a, nil
}

func (c *Client) timeout(op operation) time.Duration {
	if op == opProbe {
		return c.cfg.ProbeTimeout
	}
	return c.cfg.Timeout
}

// send returns a completion with at least one choice. It is never nil, and empty with an
// error.
func (c *Client) send(ctx context.Context, body openai.ChatCompletionNewParams) (*openai.ChatCompletion, error) {
	var (
		raw  []byte
		resp *http.Response
		none = &openai.ChatCompletion{}
	)
	_, err := c.chat.New(ctx, body, option.WithResponseBodyInto(&raw), option.WithResponseInto(&resp))
	if err != nil || resp.StatusCode != http.StatusOK {
		return none, failure(ctx, err, resp)
	}
	done := &openai.ChatCompletion{}
	if !json.Valid(raw) || json.Unmarshal(raw, done) != nil || len(done.Choices) == 0 {
		return none, badOutput("the body is not a chat completion")
	}
	return done, nil
}

// Kinds of unusable answers, told apart in metrics.
const (
	refused   = badOutput("the model refused")
	truncated = badOutput("the answer was cut off")
)

// usable reports why an answer that arrived is none.
func usable(ch openai.ChatCompletionChoice) error {
	switch {
	case ch.Message.Refusal != "", ch.FinishReason == "content_filter":
		return refused
	case ch.FinishReason == "length":
		return truncated
	case len(ch.Message.ToolCalls) > 0:
		return badOutput("the model called a tool")
	}
	return nil
}

// outcome names what became of a request, for metrics.
func outcome(err error) string {
	var status *StatusError
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, refused):
		return "refused"
	case errors.Is(err, truncated):
		return "truncated"
	case errors.Is(err, ErrNotEnforced):
		return "not_enforced"
	case errors.Is(err, router.ErrOutput):
		return "invalid"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &status) && status.Code == http.StatusTooManyRequests:
		return "limited"
	case errors.As(err, &status):
		return "status"
	}
	return "unreachable"
}

// modelName returns a model's name as decisions carry it: of a file, the last part.
func modelName(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	if strings.HasPrefix(name, "/") || strings.HasSuffix(name, ".gguf") {
		name = path.Base(name)
	}
	name = clean(name)
	for len(name) > schemas.MaxNameBytes {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}
