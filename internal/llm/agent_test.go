package llm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const schema = `{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}`

// question asks for an object.
func question() llm.Question {
	return llm.Question{
		Operation: "test", User: "{}",
		Task: func(llm.Profile) llm.Task {
			return llm.Task{System: "Answer with JSON.", Name: "test", Schema: json.RawMessage(schema), MaxTokens: 50, CacheKey: "pfr-test"}
		},
		Read: func(r llm.Reply) error {
			_, _, err := llm.ParseObject(r.Content)
			return err
		},
	}
}

func serve(tb testing.TB) *llmtest.Server {
	tb.Helper()
	s := llmtest.New(llmtest.Config{})
	tb.Cleanup(s.Close)
	return s
}

// patient returns settings for a busy machine, and a model that is known from the start.
func patient(url string) llm.AgentConfig {
	cfg := llm.DefaultAgentConfig()
	cfg.URL, cfg.Timeout, cfg.Profile, cfg.Model = url, 20*time.Second, llm.OpenAI, "fake"
	return cfg
}

func newAgent(tb testing.TB, cfg llm.AgentConfig, reg prometheus.Registerer) *llm.Agent {
	tb.Helper()
	a, err := llm.NewAgent(cfg, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(a.Close)
	return a
}

// skips wants the question to be skipped for a reason, as metrics name it.
func skips(t *testing.T, err error, reg *prometheus.Registry, reason string) {
	t.Helper()
	want := "# HELP pfr_agent_skipped_total Questions that were not asked, by reason.\n# TYPE pfr_agent_skipped_total counter\n" +
		`pfr_agent_skipped_total{reason="` + reason + "\"} 1\n"
	if !errors.Is(err, llm.ErrSkipped) {
		t.Errorf("error %v", err)
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pfr_agent_skipped_total"); err != nil {
		t.Error(err)
	}
}

func TestCallsOfAMinute(t *testing.T) {
	server, reg := serve(t), prometheus.NewRegistry()
	cfg := patient(server.URL())
	cfg.Budget.CallsPerMinute = 3
	a := newAgent(t, cfg, reg)
	untilNextMinute(t)
	for range 3 {
		if u, err := a.Ask(t.Context(), question()); err != nil || u.Tokens.Prompt == 0 || u.Model != "fake" {
			t.Fatalf("%+v, %v", u, err)
		}
	}
	_, err := a.Ask(t.Context(), question())
	skips(t, err, reg, "calls")
	if server.Count() != 3 {
		t.Errorf("%d requests", server.Count())
	}
}

// untilNextMinute waits where the windows of a minute would turn over during the test.
func untilNextMinute(t *testing.T) {
	t.Helper()
	if left := time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)); left < 5*time.Second {
		select {
		case <-time.After(left):
		case <-t.Context().Done():
		}
	}
}

func TestTokensOfAMinute(t *testing.T) {
	server, reg := serve(t), prometheus.NewRegistry()
	cfg := patient(server.URL())
	cfg.Budget.TokensPerMinute = 1
	a := newAgent(t, cfg, reg)
	untilNextMinute(t)
	if _, err := a.Ask(t.Context(), question()); err != nil { // what it costs is not known before
		t.Fatal(err)
	}
	_, err := a.Ask(t.Context(), question())
	skips(t, err, reg, "tokens")
}

func TestConcurrency(t *testing.T) {
	server, reg := serve(t), prometheus.NewRegistry()
	server.Set(llmtest.Hanging())
	cfg := patient(server.URL())
	cfg.Budget.MaxConcurrent = 2
	a := newAgent(t, cfg, reg)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := a.Ask(ctx, question()); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		})
	}
	for server.Count() < 2 {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the server was not asked")
		}
	}
	_, err := a.Ask(t.Context(), question())
	skips(t, err, reg, "busy")
	cancel()
	wg.Wait()
}

func TestTooLittleTime(t *testing.T) {
	server, reg := serve(t), prometheus.NewRegistry()
	a := newAgent(t, patient(server.URL()), reg)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // less the reserve: below the least
	defer cancel()
	_, err := a.Ask(ctx, question())
	skips(t, err, reg, "time")
	if server.Count() != 0 {
		t.Error("the server was asked")
	}
}

// A model that fails is left alone, tried again after a rest, and used again when it works.
func TestBreaker(t *testing.T) {
	for name, bad := range map[string]llmtest.Mode{"down": llmtest.Failing(503), "garbage": llmtest.Garbage(), "refusing": llmtest.Refusing(), "truncated": llmtest.Truncated()} {
		t.Run(name, func(t *testing.T) {
			server := serve(t)
			server.Set(bad)
			cfg := patient(server.URL())
			cfg.Budget.Rest = 50 * time.Millisecond
			a := newAgent(t, cfg, nil)
			for range 3 * cfg.Budget.Of {
				_, _ = a.Ask(t.Context(), question())
			}
			if n := server.Count(); n > 2*int(cfg.Budget.Of) {
				t.Errorf("%d requests to a model that fails", n)
			}
			server.Set(llmtest.Enforcing())
			for {
				_, err := a.Ask(t.Context(), question())
				if err == nil {
					break
				}
				if !errors.Is(err, llm.ErrSkipped) {
					t.Fatal(err)
				}
				select {
				case <-time.After(5 * time.Millisecond):
				case <-t.Context().Done():
					t.Fatal("the model is not tried again")
				}
			}
		})
	}
}

// Whoever leaves says nothing about the model.
func TestLeavingIsNoFailure(t *testing.T) {
	server := serve(t)
	server.Set(llmtest.Hanging())
	cfg := patient(server.URL())
	a := newAgent(t, cfg, nil)
	for range 2 * cfg.Budget.Of {
		ctx, cancel := context.WithCancel(t.Context())
		server.Reset()
		var wg sync.WaitGroup
		wg.Go(func() {
			for server.Count() == 0 && ctx.Err() == nil {
				<-time.After(time.Millisecond)
			}
			cancel()
		})
		if _, err := a.Ask(ctx, question()); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		wg.Wait()
	}
	server.Set(llmtest.Enforcing())
	if _, err := a.Ask(t.Context(), question()); err != nil {
		t.Error(err)
	}
}

// A caller in a hurry says nothing about the model, however often it comes. A model that
// answers such a caller with an error has failed all the same.
func TestAHurryIsNoFailure(t *testing.T) {
	server := serve(t)
	cfg := patient(server.URL())
	cfg.Budget.Reserve, cfg.Budget.Least = 0, time.Millisecond
	a := newAgent(t, cfg, nil)
	hurry := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 80*time.Millisecond)
		defer cancel()
		_, err := a.Ask(ctx, question())
		return err
	}
	server.Set(llmtest.Hanging())
	for range 2 * cfg.Budget.Failures {
		if err := hurry(); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	server.Set(llmtest.Enforcing())
	if _, err := a.Ask(t.Context(), question()); err != nil {
		t.Fatal(err)
	}
	server.Set(llmtest.Failing(503))
	for range 2 * cfg.Budget.Of {
		_ = hurry()
	}
	server.Set(llmtest.Enforcing())
	if _, err := a.Ask(t.Context(), question()); !errors.Is(err, llm.ErrSkipped) {
		t.Errorf("a model that fails is asked: %v", err)
	}
}

// A model that takes longer than the agent's own timeout has failed.
func TestTimeoutIsAFailure(t *testing.T) {
	server, reg := serve(t), prometheus.NewRegistry()
	server.Set(llmtest.Hanging())
	cfg := patient(server.URL())
	cfg.Timeout = cfg.Budget.Least + 10*time.Millisecond
	a := newAgent(t, cfg, reg)
	for range cfg.Budget.Failures {
		if _, err := a.Ask(t.Context(), question()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	_, err := a.Ask(t.Context(), question())
	skips(t, err, reg, "open")
}

// An agent finds out about its server ahead of the first question, and ends with its
// context whether or not the server is there.
func TestRun(t *testing.T) {
	server := serve(t)
	for _, url := range []string{server.URL(), "http://127.0.0.1:1"} {
		cfg := patient(url)
		cfg.Profile, cfg.Model = llm.Auto, ""
		var logs bytes.Buffer
		a, err := llm.NewAgent(cfg, slog.New(slog.NewTextHandler(&logs, nil)), nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
		if err := a.Run(ctx, func() {}); err != nil {
			t.Error(err)
		}
		cancel()
		if known := a.Status().Model == "fake"; known != (url == server.URL()) || known == strings.Contains(logs.String(), "does not answer") {
			t.Errorf("%s: %+v\n%s", url, a.Status(), &logs)
		}
		a.Close()
	}
	if server.Count() != 0 {
		t.Error("finding out has cost a completion")
	}
}

func TestAgentConfigNamesEveryProblem(t *testing.T) {
	cfg := llm.DefaultAgentConfig()
	cfg.URL = "http://localhost"
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	cfg.Budget = llm.Budget{Reserve: -1}
	cfg.Timeout = 0
	err := cfg.Validate()
	for _, name := range []string{"timeout", "calls_per_minute", "rest", "failures"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}
