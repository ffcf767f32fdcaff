package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/prometheus/client_golang/prometheus"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// errNoCompose is the answer to Compose where the manifest does not offer it.
var errNoCompose = errors.New("the manifest has no compose section")

// Client asks a language model. It implements [router.LLM] and is safe for concurrent use.
type Client struct {
	cfg       Config
	manifest  *routes.Manifest
	log       *slog.Logger
	m         *metrics
	http      *http.Client
	authorise func(*http.Request) // holds the key, where nothing prints it
	chat      openai.ChatCompletionService

	tasks     map[shape]map[operation]task // immutable
	server    atomic.Pointer[server]       // nil until it is known
	detecting chan struct{}                // held by the one who finds out
	version   atomic.Pointer[string]
	typical   map[operation]*atomic.Int64 // prompt tokens of the last answer

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
func New(cfg Config, manifest *routes.Manifest, log *slog.Logger, reg prometheus.Registerer) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("llm config: %w", err)
	}
	key, err := cfg.readKey()
	if err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	c := &Client{
		cfg: cfg, manifest: manifest, log: log, http: newTransport(),
		tasks: map[shape]map[operation]task{}, detecting: make(chan struct{}, 1),
		typical: map[operation]*atomic.Int64{opRoute: {}, opCompose: {}, opProbe: {}},
		status:  Status{Profile: cfg.Profile, Model: modelName(cfg.Model)},
	}
	if err := c.prepare(); err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	c.m = newMetrics(reg) // once nothing can go wrong
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
	c.setVersion(modelName(cfg.Model))
	if cfg.Profile != Auto && cfg.Model != "" {
		c.server.Store(&server{cfg.Profile, cfg.Model})
	}
	return c, nil
}

// Close lets go of idle connections. Requests under way go on.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// prepare makes prompts and schemas for every shape that a server can have.
func (c *Client) prepare() error {
	prompt, err := routePrompt(c.manifest, c.cfg.PromptStyle, c.cfg.Shots)
	if err != nil {
		return err
	}
	compose := ""
	if c.manifest.Compose != nil {
		compose = composePrompt(c.manifest, c.cfg.PromptStyle)
	}
	for _, p := range []Profile{OpenAI, VLLM, LlamaCPP, Ollama} {
		s := shapeFor(c.cfg.Form, p)
		c.tasks[s] = map[operation]task{
			opRoute: newTask(opRoute, prompt, s.routeSchema(c.manifest), c.cfg.MaxTokens),
			opProbe: newTask(opProbe, prompt, canarySchema(s), canaryTokens),
		}
		if compose != "" {
			c.tasks[s][opCompose] = newTask(opCompose, compose, s.composeSchema(c.manifest), c.cfg.ComposeMaxTokens)
		}
	}
	return nil
}

func newTask(op operation, system string, schema object, maxTokens int) task {
	data, _ := json.Marshal(schema) // of strings and numbers: it cannot go wrong
	return task{
		op: op, system: system, name: string(op), schema: data, maxTokens: maxTokens,
		logprobs: op == opRoute, version: digest(system, string(data)), cacheKey: "pfr-" + digest(system),
	}
}

// task returns the task for the shape of a profile.
func (c *Client) task(op operation, p Profile) task { return c.tasks[shapeFor(c.cfg.Form, p)][op] }

// Prompt returns the turns that a query is asked with: the static one, and the one with
// the query. It is what a model must be trained on to be served here.
func (c *Client) Prompt(query string) (system, user string) {
	return c.task(opRoute, OpenAI).system, userTurn(query)
}

// Version names model, prompt, schema and sampling settings. It does not depend on the
// profile: all of them give the same decision for the same answer. Where the
// configuration names no model, it changes when the server has named one.
func (c *Client) Version() string { return *c.version.Load() }

func (c *Client) setVersion(model string) {
	parts := []string{
		model, string(c.cfg.Form), c.cfg.ReasoningEffort,
		strconv.FormatFloat(c.cfg.Temperature, 'g', -1, 64), strconv.FormatInt(c.cfg.Seed, 10),
		strconv.FormatFloat(c.cfg.ConfidenceTemperature, 'g', -1, 64), strconv.Itoa(c.cfg.MaxTokens), strconv.Itoa(c.cfg.ComposeMaxTokens),
	}
	for _, op := range []operation{opRoute, opCompose} {
		t := c.task(op, OpenAI)
		parts = append(parts, t.system, string(t.schema))
	}
	version := "llm-" + digest(parts...)
	c.version.Store(&version)
}

// Route implements [router.LLM]. The parameters are canonical.
func (c *Client) Route(ctx context.Context, text string) (router.Answer, error) {
	return c.ask(ctx, opRoute, text, func(a *router.Answer, ch openai.ChatCompletionChoice) error {
		if err := usable(ch); err != nil {
			return err
		}
		d, err := parseGuess(c.manifest, ch.Message.Content)
		if err != nil {
			return err
		}
		a.Route, a.Params, a.Confidence = d.route.Name, d.params, c.cfg.DefaultConfidence
		names := c.manifest.Names()
		if o := routeOdds(ch.Logprobs.Content, ch.Message.Content, d, names); o != nil {
			a.Confidence, a.Alternatives = o.calibrated(a.Route, len(names), c.cfg.ConfidenceTemperature)
		}
		return nil
	})
}

// Compose implements [router.LLM]. Repeated calls are left out. A manifest without a
// compose section is an error.
func (c *Client) Compose(ctx context.Context, text string) (router.Answer, error) {
	if c.manifest.Compose == nil {
		return router.Answer{}, fmt.Errorf("compose: %w", errNoCompose)
	}
	return c.ask(ctx, opCompose, text, func(a *router.Answer, ch openai.ChatCompletionChoice) error {
		if err := usable(ch); err != nil {
			return err
		}
		calls, err := parseCalls(c.manifest, ch.Message.Content)
		a.Calls, a.Confidence = calls, c.cfg.DefaultConfidence
		return err
	})
}
