package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// Client asks one server. It is safe for concurrent use.
type Client struct {
	cfg       Config
	log       *slog.Logger
	m         *metrics
	http      *http.Client
	authorise func(*http.Request) // holds the key, where nothing prints it
	chat      openai.ChatCompletionService
	local     Local // asked in place of a server; nil: there is a server

	server    atomic.Pointer[server] // nil until it is known
	detecting chan struct{}          // held by the one who finds out
	typical   sync.Map               // operation → *atomic.Int64: prompt tokens of the last answer

	mu     sync.Mutex // guards status
	status Status
}

// server is what is known of the other side.
type server struct {
	profile Profile
	model   string // to send
}

// New returns a Client that the caller closes. It does no network. Requests name the
// model and the profile of cfg; what cfg leaves open is asked of the server before the
// first request. A key that cannot be read is an error.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("llm config: %w", err)
	}
	key, err := cfg.readKey()
	if err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	c := &Client{
		cfg: cfg, log: log, m: newMetrics(reg), http: newTransport(), detecting: make(chan struct{}, 1),
		status: Status{Profile: cfg.Profile, Model: modelName(cfg.Model)},
	}
	// The service is made without the client around it, which would send whatever keys the
	// environment holds to any server.
	opts := []option.RequestOption{
		option.WithBaseURL(cfg.root() + "/v1/"), option.WithHTTPClient(c.http), option.WithMaxRetries(0),
	}
	c.authorise = func(*http.Request) {}
	if key != "" {
		opts = append(opts, option.WithAPIKey(key))
		c.authorise = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) }
	}
	c.chat = openai.NewChatCompletionService(opts...)
	if cfg.Profile != Auto && cfg.Model != "" {
		c.server.Store(&server{cfg.Profile, cfg.Model})
	}
	return c, nil
}

// Close lets go of idle connections. Requests under way go on.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Question is one request.
type Question struct {
	// Operation names the request in metrics and traces; it comes from a small closed set.
	Operation string
	// Task returns what is asked of servers of a profile, which is never Auto.
	Task func(Profile) Task
	User string // the user turn
	Seed *int64 // of the sampling; nil: that of the configuration
	// Read takes what the model wrote. Its error is that of the request; an answer that is
	// no use is an [ErrOutput]. It is called at most once, before the request returns.
	Read func(Reply) error

	canary bool // an answer that went on without end, or that is a tool call, is read too
}

// Reply is what a model wrote.
type Reply struct {
	Content string
	Tokens  []Token // that Content is made of, where they were asked for
}

// Usage is what a request came to.
type Usage struct {
	Model   string // that answered, or was asked
	Tokens  Tokens
	CostUSD float64 // by the price table
}

// Ask sends one request and has the answer read. The usage is also that of a request that
// failed. What one that was given up has used is not known: the prompt of the last answer
// stands for it.
func (c *Client) Ask(ctx context.Context, q Question) (Usage, error) {
	return c.ask(ctx, q, c.cfg.Timeout)
}

func (c *Client) ask(ctx context.Context, q Question, timeout time.Duration) (u Usage, err error) {
	start := time.Now()
	ctx, end := telemetry.Start(ctx, "llm "+q.Operation, telemetry.Client)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer func() {
		cancel()
		c.m.observe(q.Operation, outcome(err), time.Since(start), u)
		end(err)
	}()
	if c.local != nil {
		return c.askLocal(ctx, q)
	}
	return c.askServer(ctx, q)
}

func (c *Client) askServer(ctx context.Context, q Question) (u Usage, err error) {
	s, err := c.resolve(ctx)
	if err != nil {
		return u, fmt.Errorf("llm %s: %w", q.Operation, err)
	}
	u.Model = modelName(s.model)
	done, err := c.send(ctx, c.cfg.request(s, q))
	switch {
	case err == nil:
		u.Tokens = tokens(done)
		c.prompt(q.Operation).Store(int64(u.Tokens.Prompt))
		if done.Model != "" {
			u.Model = modelName(done.Model)
		}
		err = read(q, done.Choices[0])
	case ctx.Err() != nil:
		u.Tokens.Prompt = int(c.prompt(q.Operation).Load())
	}
	u.CostUSD = c.cfg.cost(u.Tokens, done.Model, s.model)
	telemetry.Annotate(ctx, "gen_ai.request.model", u.Model)
	if err != nil {
		return u, fmt.Errorf("llm %s: %w", q.Operation, err)
	}
	return u, nil
}

func read(q Question, ch openai.ChatCompletionChoice) error {
	if err := usable(ch); err != nil && (!q.canary || errors.Is(err, refused)) {
		return err
	}
	return q.Read(Reply{Content: ch.Message.Content, Tokens: logprobs(ch.Logprobs.Content)})
}

// prompt returns how many tokens the prompt of an operation has lately had.
func (c *Client) prompt(operation string) *atomic.Int64 {
	n, _ := c.typical.LoadOrStore(operation, &atomic.Int64{})
	count, _ := n.(*atomic.Int64) // nothing else is stored
	return count
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
		return none, BadOutput("the body is not a chat completion")
	}
	return done, nil
}

// ErrOutput marks an answer that is no use: a refusal, a truncated or malformed answer, or
// one that its reader does not accept.
var ErrOutput = errors.New("invalid model output")

// BadOutput is a reason why an answer is no use. It must not quote the answer. It is an
// [ErrOutput].
type BadOutput string

func (e BadOutput) Error() string { return ErrOutput.Error() + ": " + string(e) }

// Unwrap makes it an [ErrOutput].
func (BadOutput) Unwrap() error { return ErrOutput }

// Kinds of unusable answers, told apart in metrics.
const (
	refused   = BadOutput("the model refused")
	truncated = BadOutput("the answer was cut off")
)

// usable reports why an answer that arrived is none.
func usable(ch openai.ChatCompletionChoice) error {
	switch {
	case ch.Message.Refusal != "", ch.FinishReason == "content_filter":
		return refused
	case ch.FinishReason == "length":
		return truncated
	case len(ch.Message.ToolCalls) > 0:
		return BadOutput("the model called a tool")
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
	case errors.Is(err, ErrOutput):
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

// maxNameBytes and maxNameRunes bound names of models, as messages do.
const (
	maxNameBytes = 64
	maxNameRunes = 256
)

// modelName returns a model's name as it is shown: of a file, the last part.
func modelName(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	if strings.HasPrefix(name, "/") || strings.HasSuffix(name, ".gguf") {
		name = path.Base(name)
	}
	name = Clean(name, maxNameRunes)
	for len(name) > maxNameBytes {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}
