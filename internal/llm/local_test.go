package llm_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/llm"
)

// inProcess is a model that does what its script says.
type inProcess struct {
	name  string
	asked llm.Prompt
	do    func(ctx context.Context) (llm.Completion, error)
}

func (m *inProcess) Name() string { return m.name }

func (m *inProcess) Complete(ctx context.Context, p llm.Prompt) (llm.Completion, error) {
	m.asked = p
	c, err := m.do(ctx)
	c.Model = m.name
	return c, err
}

func says(content string) func(context.Context) (llm.Completion, error) {
	return func(context.Context) (llm.Completion, error) {
		return llm.Completion{Reply: llm.Reply{Content: content}, Used: llm.Tokens{Prompt: 30, Cached: 10, Completion: 5}}, nil
	}
}

func localClient(t *testing.T, m llm.Local, cfg llm.Config) *llm.Client {
	t.Helper()
	c, err := llm.NewLocal(cfg, m, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// A model in this process gets the question as llama.cpp's server would, and what it used is
// counted and paid for, also when the answer is of no use.
func TestLocal(t *testing.T) {
	m := &inProcess{name: "base+one", do: says("fine")}
	cfg := llm.DefaultConfig() // without a URL
	cfg.Temperature, cfg.Seed = .7, 5
	cfg.Prices = map[string]llm.Price{"default": {PromptPerM: 1, CachedPerM: .5, CompletionPerM: 2}}
	c := localClient(t, m, cfg)
	seed, answer := int64(9), ""
	q := llm.Question{
		Operation: "test", User: "u", Seed: &seed,
		Task: func(p llm.Profile) llm.Task {
			if p != llm.LlamaCPP {
				t.Errorf("asked as %s", p)
			}
			return llm.Task{System: "s", Schema: json.RawMessage(`{}`), MaxTokens: 7, TopLogprobs: 3}
		},
		Read: func(r llm.Reply) error { answer = r.Content; return nil },
	}
	u, err := c.Ask(t.Context(), q)
	want := llm.Usage{Model: "base+one", Tokens: llm.Tokens{Prompt: 30, Cached: 10, Completion: 5}, CostUSD: (20 + 10*.5 + 5*2) / 1e6}
	if err != nil || answer != "fine" || u != want {
		t.Errorf("%v, %q, %+v", err, answer, u)
	}
	p := m.asked
	if p.System != "s" || p.User != "u" || string(p.Schema) != "{}" || p.MaxTokens != 7 || p.TopLogprobs != 3 || p.Temperature != .7 || p.Seed != 9 {
		t.Errorf("asked %+v", p)
	}
	m.name, answer = "base+two", ""
	if s := c.Status(); s.Model != "base+two" || c.Model() != "base+two" || s.Profile != llm.LlamaCPP {
		t.Errorf("%+v after a change of the adapter", s)
	}
	m.do = func(ctx context.Context) (llm.Completion, error) {
		done, err := says("fi")(ctx)
		done.Truncated = true
		return done, err
	}
	if u, err := c.Ask(t.Context(), q); !errors.Is(err, llm.ErrOutput) || answer != "" || u.Tokens.Completion != 5 {
		t.Errorf("%v, %q, %+v: it was cut off", err, answer, u)
	}
}

// A model in this process has the time that a server has, and is probed as one.
func TestLocalDeadlineAndProbe(t *testing.T) {
	m := &inProcess{name: "base", do: func(ctx context.Context) (llm.Completion, error) {
		<-ctx.Done()
		return llm.Completion{Used: llm.Tokens{Prompt: 30}}, ctx.Err()
	}}
	cfg := llm.DefaultConfig()
	cfg.Timeout = time.Millisecond
	c := localClient(t, m, cfg)
	u, err := c.Ask(t.Context(), llm.Question{Operation: "test", Task: func(llm.Profile) llm.Task { return llm.Task{} }})
	if !errors.Is(err, context.DeadlineExceeded) || u.Tokens.Prompt != 30 {
		t.Errorf("%v, %+v", err, u)
	}
	for answer, want := range map[string]error{`{"canary":"heron-4182-quartz"}`: nil, `{"canary":"no"}`: llm.ErrNotEnforced} {
		m.do = says(answer)
		if _, err := c.Probe(t.Context(), "s", "u", "k"); !errors.Is(err, want) {
			t.Errorf("%s: %v", answer, err)
		}
		if s := c.Status(); s.Enforced == nil || *s.Enforced != (want == nil) {
			t.Errorf("%s: %+v", answer, s)
		}
	}
}
