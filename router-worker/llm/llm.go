package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// errNoCompose is the answer to Compose where the manifest does not offer it.
var errNoCompose = errors.New("the manifest has no compose section")

// Client asks a language model. It implements [router.LLM] and is safe for concurrent use.
type Client struct {
	cfg      Config
	manifest *routes.Manifest
	server   *chat.Client
	tasks    map[shape]map[operation]task // immutable
	version  atomic.Pointer[version]      // of the model that was last known
}

// operation is what a request is for.
type operation string

const (
	opRoute   operation = "route"
	opCompose operation = "compose"
)

// task is one kind of question with the version of its prompt and schema.
type task struct {
	chat.Task
	version string
}

// version is the version of a client while it asks a model.
type version struct{ model, text string }

// New returns a Client that the caller closes. It does no network. Requests name the
// model and the profile of cfg; what cfg leaves open is asked of the server before the
// first request. A key that cannot be read is an error.
func New(cfg Config, manifest *routes.Manifest, log *slog.Logger, reg prometheus.Registerer) (*Client, error) {
	c, err := newClient(cfg, manifest)
	if err != nil {
		return nil, err
	}
	c.server, err = chat.New(cfg.Config, log, reg) // last: it registers metrics
	return c, err
}

// NewLocal returns a Client that asks a model in this process, which stays the caller's. Of
// cfg all counts but what is about a server.
func NewLocal(cfg Config, model chat.Local, manifest *routes.Manifest, log *slog.Logger, reg prometheus.Registerer) (*Client, error) {
	cfg.Config = cfg.ForLocal()
	c, err := newClient(cfg, manifest)
	if err != nil {
		return nil, err
	}
	c.server, err = chat.NewLocal(cfg.Config, model, log, reg)
	return c, err
}

// newClient returns a Client that has nobody to ask yet.
func newClient(cfg Config, manifest *routes.Manifest) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("llm config: %w", err)
	}
	c := &Client{cfg: cfg, manifest: manifest, tasks: map[shape]map[operation]task{}}
	if err := c.prepare(); err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	return c, nil
}

// Close lets go of idle connections. Requests under way go on.
func (c *Client) Close() { c.server.Close() }

// Status returns what is known of the server. The caller must not change what it points
// to.
func (c *Client) Status() chat.Status { return c.server.Status() }

// Identify asks the server what it is, unless that is known; it costs nothing.
func (c *Client) Identify(ctx context.Context) error { return known(c.server.Identify(ctx)) }

// Probe asks the server what it is, unless that is known, and whether it enforces
// schemas; see [chat.Client.Probe].
func (c *Client) Probe(ctx context.Context) error {
	t := c.task(opRoute, chat.OpenAI)
	_, err := c.server.Probe(ctx, t.System, userTurn(c.manifest.Routes[0].Examples[0]), t.CacheKey)
	return known(err)
}

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
	for _, p := range []chat.Profile{chat.OpenAI, chat.VLLM, chat.LlamaCPP, chat.Ollama} {
		s := shapeFor(c.cfg.Form, p)
		c.tasks[s] = map[operation]task{
			opRoute: newTask(opRoute, prompt, s.routeSchema(c.manifest), c.cfg.MaxTokens).withLogprobs(c.cfg.TopLogprobs),
		}
		if compose != "" {
			c.tasks[s][opCompose] = newTask(opCompose, compose, s.composeSchema(c.manifest), c.cfg.ComposeMaxTokens)
		}
	}
	return nil
}

func newTask(op operation, system string, schema object, maxTokens int) task {
	data, _ := json.Marshal(schema) // of strings and numbers: it cannot go wrong
	return task{chat.Task{
		System: system, Name: string(op), Schema: data, MaxTokens: maxTokens, CacheKey: "pfr-" + digest(system),
	}, digest(system, string(data))}
}

func (t task) withLogprobs(n int) task {
	t.TopLogprobs = n
	return t
}

// task returns the task for the shape of a profile.
func (c *Client) task(op operation, p chat.Profile) task { return c.tasks[shapeFor(c.cfg.Form, p)][op] }

// Prompt returns the turns that a query is asked with: the static one, and the one with
// the query. It is what a model must be trained on to be served here.
func (c *Client) Prompt(query string) (system, user string) {
	return c.task(opRoute, chat.OpenAI).System, userTurn(query)
}

// Version names model, prompt, schema and sampling settings. It does not depend on the
// profile: all of them give the same decision for the same answer. Where the
// configuration names no model, it changes when the server has named one.
func (c *Client) Version() string {
	model := c.server.Model()
	if v := c.version.Load(); v != nil && v.model == model {
		return v.text
	}
	v := &version{model, c.versionOf(model)}
	c.version.Store(v)
	return v.text
}

func (c *Client) versionOf(model string) string {
	parts := []string{
		model, string(c.cfg.Form), c.cfg.ReasoningEffort,
		strconv.FormatFloat(c.cfg.Temperature, 'g', -1, 64), strconv.FormatInt(c.cfg.Seed, 10),
		strconv.FormatFloat(c.cfg.ConfidenceTemperature, 'g', -1, 64), strconv.Itoa(c.cfg.MaxTokens), strconv.Itoa(c.cfg.ComposeMaxTokens),
	}
	for _, op := range []operation{opRoute, opCompose} {
		t := c.task(op, chat.OpenAI)
		parts = append(parts, t.System, string(t.Schema))
	}
	return "llm-" + digest(parts...)
}

// question is what is asked about a query.
type question struct {
	op   operation
	text string
	seed *int64 // nil: that of the configuration
}

// ask sends one question and reads what comes back. The answer carries what the request
// has cost, with an error too.
func (c *Client) ask(ctx context.Context, q question, read func(*router.Answer, chat.Reply) error) (router.Answer, error) {
	var a router.Answer
	used, err := c.server.Ask(ctx, chat.Question{
		Operation: string(q.op), User: userTurn(q.text), Seed: q.seed,
		Task: func(p chat.Profile) chat.Task {
			t := c.task(q.op, p)
			a.Prompt = t.version
			return t.Task
		},
		Read: func(r chat.Reply) error { return read(&a, r) },
	})
	a.Model, a.Tokens, a.CostUSD = used.Model, schemas.Tokens(used.Tokens), used.CostUSD
	return a, known(err)
}

// known marks an answer that is no use as the router knows it.
func known(err error) error {
	if errors.Is(err, chat.ErrOutput) {
		return fmt.Errorf("%w: %w", router.ErrOutput, err)
	}
	return err
}

// Route implements [router.LLM]. The parameters are canonical.
func (c *Client) Route(ctx context.Context, text string) (router.Answer, error) {
	return c.route(ctx, question{op: opRoute, text: text})
}

// Sample is [Client.Route] with another seed than that of the configuration: at a temperature
// above 0 each seed is another draw.
func (c *Client) Sample(ctx context.Context, text string, seed int64) (router.Answer, error) {
	return c.route(ctx, question{op: opRoute, text: text, seed: &seed})
}

func (c *Client) route(ctx context.Context, q question) (router.Answer, error) {
	return c.ask(ctx, q, func(a *router.Answer, r chat.Reply) error {
		d, err := parseGuess(c.manifest, r.Content)
		if err != nil {
			return err
		}
		a.Route, a.Params, a.Confidence = d.route.Name, d.params, c.cfg.DefaultConfidence
		names := c.manifest.Names()
		if o := routeOdds(r.Tokens, r.Content, d, names); o != nil {
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
	return c.ask(ctx, question{op: opCompose, text: text}, func(a *router.Answer, r chat.Reply) error {
		calls, err := parseCalls(c.manifest, r.Content)
		a.Calls, a.Confidence = calls, c.cfg.DefaultConfidence
		return err
	})
}
