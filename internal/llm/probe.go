package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// ErrNotEnforced is the finding of a probe that the server takes a schema and does not
// hold the model to it. Such a server is usable, since every answer is checked, but many
// answers will be no use.
var ErrNotEnforced = errors.New("the server does not enforce the schema")

// Status is what is known of the server.
type Status struct {
	Profile   Profile   `json:"profile"` // "auto" until the server was asked
	Model     string    `json:"model,omitempty"`
	Enforced  *bool     `json:"enforced"` // the last finding; nil: none yet
	LastProbe time.Time `json:"last_probe,omitzero"`
	Err       string    `json:"error,omitempty"` // of the last probe
}

// The canary: a value that no model would write unless the grammar makes it.
const (
	canaryKey    = "canary"
	canaryValue  = "heron-4182-quartz"
	canaryTokens = 48
	canarySchema = `{"type":"object","properties":{"canary":{"type":"string","enum":["heron-4182-quartz"]}},"required":["canary"],"additionalProperties":false}`
)

// Probe asks the server what it is, unless that is known, and whether it enforces
// schemas. It is for the start and for a breaker that is half open. The turns are those of
// a common question: the schema contradicts them, and the prefix cache of the server is
// left as the next question wants it. The error is [ErrNotEnforced] when the server works
// but does not enforce; any other error says that it does not work, and leaves the last
// finding as it is.
func (c *Client) Probe(ctx context.Context, system, user, cacheKey string) (Usage, error) {
	task := Task{System: system, Name: "probe", Schema: json.RawMessage(canarySchema), MaxTokens: canaryTokens, CacheKey: cacheKey}
	u, err := c.ask(ctx, Question{
		Operation: "probe", Task: func(Profile) Task { return task }, User: user, Read: readCanary, canary: true,
	}, c.cfg.ProbeTimeout)
	c.probed(err)
	return u, err
}

func readCanary(r Reply) error {
	members, _, err := ParseObject(r.Content)
	if err != nil || len(members) != 1 || members[0].Key != canaryKey || members[0].Value != canaryValue {
		return ErrNotEnforced
	}
	return nil
}

func (c *Client) probed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.LastProbe, c.status.Err = time.Now().UTC(), ""
	if err != nil {
		c.status.Err = err.Error()
	}
	if err == nil || errors.Is(err, ErrNotEnforced) {
		enforced := err == nil
		c.status.Enforced = &enforced
		c.m.probed(enforced)
	}
	var status *StatusError
	if errors.As(err, &status) && (status.Code == http.StatusNotFound || status.Code == http.StatusBadRequest) && (c.cfg.Model == "" || c.cfg.Profile == Auto) {
		c.server.Store(nil) // it may be another server by now: ask anew
	}
}

// Model returns the name of the model that is asked, as it is shown; "" until it is known.
func (c *Client) Model() string { return c.Status().Model }

// Status returns what is known of the server. The caller must not change what it points
// to.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	if c.local != nil {
		s.Model = modelName(c.local.Name())
	}
	return s
}

// Identify asks the server what it is, unless that is known. The model is asked nothing, so
// that it costs nothing.
func (c *Client) Identify(ctx context.Context) error {
	if c.local != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ProbeTimeout)
	defer cancel()
	_, err := c.resolve(ctx)
	return err
}

// resolve returns the server, and asks it what it is if that is not known. One caller asks
// while the others wait.
func (c *Client) resolve(ctx context.Context) (*server, error) {
	if s := c.server.Load(); s != nil {
		return s, nil
	}
	select {
	case c.detecting <- struct{}{}:
		defer func() { <-c.detecting }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for detection: %w", ctx.Err())
	}
	if s := c.server.Load(); s != nil {
		return s, nil
	}
	s, err := c.detect(ctx)
	if err != nil {
		return nil, fmt.Errorf("detect server: %w", err)
	}
	c.log.Info("language model server recognised", slog.String("profile", string(s.profile)), slog.String("model", modelName(s.model)))
	c.mu.Lock()
	c.status.Profile, c.status.Model = s.profile, modelName(s.model)
	c.mu.Unlock()
	c.server.Store(s)
	return s, nil
}

// unnamed is the model that is asked for where neither settings nor server have a name.
const unnamed = "default"

// detect finds out what the configuration leaves open. A server that shows none of the
// marks of another profile is taken for OpenAI.
func (c *Client) detect(ctx context.Context) (*server, error) {
	s := &server{profile: c.cfg.Profile, model: c.cfg.Model}
	var list struct {
		Data []struct {
			ID      string `json:"id"`
			OwnedBy string `json:"owned_by"`
		} `json:"data"`
	}
	err := c.get(ctx, "/v1/models", &list)
	var status *StatusError
	if err != nil && !errors.Is(err, ErrOutput) && (!errors.As(err, &status) || status.Temporary()) {
		return nil, err // it is down; that it has no such list is an answer
	}
	if s.model == "" && len(list.Data) > 0 {
		s.model = list.Data[0].ID
	}
	if s.model == "" { // a server that lists none has one, whatever it is called
		s.model = unnamed
	}
	if s.profile != Auto {
		return s, nil
	}
	s.profile = OpenAI
	if len(list.Data) > 0 {
		switch list.Data[0].OwnedBy {
		case "llamacpp":
			s.profile = LlamaCPP
			return s, nil
		case "vllm":
			s.profile = VLLM
			return s, nil
		case "openai", "openai-internal", "system":
			return s, nil
		}
	}
	return s, c.detectByPath(ctx, s)
}

// detectByPath looks for the paths that only one of the profiles has.
func (c *Client) detectByPath(ctx context.Context, s *server) error {
	marks := []struct {
		path    string
		member  string
		profile Profile
	}{
		{"/props", "default_generation_settings", LlamaCPP},
		{"/api/version", "version", Ollama},
		{"/version", "version", VLLM},
	}
	for _, mark := range marks {
		var got map[string]json.RawMessage
		err := c.get(ctx, mark.path, &got)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, ok := got[mark.member]; err == nil && ok {
			s.profile = mark.profile
			return nil
		}
	}
	return nil
}

// get reads a JSON document of the server.
func (c *Client) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cfg.root()+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("get %s: %w", path, err)
	}
	c.authorise(req)
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("get %s: %w", path, failure(ctx, err, nil))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %w", path, failure(ctx, err, resp))
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("get %s: %w", path, BadOutput("the body is not the JSON expected"))
	}
	return nil
}
