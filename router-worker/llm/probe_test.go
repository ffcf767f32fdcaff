package llm_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
)

// A server that takes a schema and ignores it is found out, and seen to be mended.
func TestProbeFindsServersThatIgnoreSchemas(t *testing.T) {
	for flavour := range flavours {
		t.Run(string(flavour), func(t *testing.T) {
			server, reg := serve(t, llmtest.Config{Flavour: flavour}), prometheus.NewRegistry()
			c := register(t, patient(server.URL()), music(t), reg)
			if s := c.Status(); s.Enforced != nil || !s.LastProbe.IsZero() || s.Profile != chat.Auto || gauge(t, reg) != -1 {
				t.Errorf("before the first probe: %+v", s)
			}
			steps := []struct {
				mode     llmtest.Mode
				enforced bool
				want     error
			}{
				{llmtest.Ignoring(), false, chat.ErrNotEnforced},
				{llmtest.Saying(`{"route":"search"}`), false, chat.ErrNotEnforced},
				{llmtest.Saying(`{"canary":"heron"}`), false, chat.ErrNotEnforced},
				{llmtest.Enforcing(), true, nil},
			}
			for _, step := range steps {
				server.Set(step.mode)
				err := c.Probe(t.Context())
				s := c.Status()
				if !errors.Is(err, step.want) || s.Enforced == nil || *s.Enforced != step.enforced || (s.Err == "") != (err == nil) || s.LastProbe.IsZero() {
					t.Errorf("%v: %+v", err, s)
				}
				if want := map[bool]float64{true: 1}[step.enforced]; gauge(t, reg) != want {
					t.Errorf("the gauge is %v, want %v", gauge(t, reg), want)
				}
			}
			if s := c.Status(); s.Profile != flavours[flavour] || s.Model != "fake" {
				t.Errorf("%+v", s)
			}
		})
	}
}

func gauge(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "pfr_llm_enforced" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no gauge")
	return 0
}

// A server that is down is no server that ignores schemas: the last finding stays.
func TestProbeOfABrokenServer(t *testing.T) {
	server := serve(t, llmtest.Config{})
	cfg := patient(server.URL())
	cfg.ProbeTimeout = 100 * time.Millisecond
	c := connect(t, cfg, music(t))
	if err := c.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []llmtest.Mode{llmtest.Failing(500), llmtest.Limiting(time.Second), llmtest.Hanging(), llmtest.Garbage(), llmtest.Refusing()} {
		server.Set(mode)
		err := c.Probe(t.Context())
		if s := c.Status(); err == nil || errors.Is(err, chat.ErrNotEnforced) || s.Enforced == nil || !*s.Enforced || s.Err == "" {
			t.Errorf("%v: %+v", err, s)
		}
	}
}

// What a server is, is asked once, by whoever comes first, and again after a failure.
func TestDetectionIsSharedAndRepeated(t *testing.T) {
	server := serve(t, llmtest.Config{Flavour: llmtest.Ollama, Model: "/models/some.gguf"})
	server.Set(llmtest.Failing(http.StatusServiceUnavailable))
	c := connect(t, patient(server.URL()), music(t))
	version := c.Version()
	var status *chat.StatusError
	if _, err := c.Route(t.Context(), "x"); !errors.As(err, &status) || server.Count() != 0 {
		t.Fatalf("%v after %d completions", err, server.Count())
	}
	server.Set(llmtest.Enforcing())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if a, err := c.Route(t.Context(), "x"); err != nil || a.Model != "some.gguf" {
				t.Errorf("%q, %v", a.Model, err)
			}
		})
	}
	wg.Wait()
	if s := c.Status(); s.Profile != chat.Ollama || s.Model != "some.gguf" {
		t.Errorf("%+v", s)
	}
	if c.Version() == version {
		t.Error("the version does not name the model that the server chose")
	}
}

// What the configuration says is not asked: no request but the one for the completion.
func TestConfiguredServerIsNotAsked(t *testing.T) {
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.URL.Path)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	for _, suffix := range []string{"", "/", "/v1", "/v1/"} {
		cfg := patient(server.URL + suffix)
		cfg.Profile, cfg.Model = chat.VLLM, "m"
		if _, err := connect(t, cfg, music(t)).Route(t.Context(), "x"); err == nil {
			t.Error("a teapot answered")
		}
	}
	if got, want := strings.Join(paths, ","), strings.Repeat(",POST /v1/chat/completions", 4)[1:]; got != want {
		t.Errorf("asked %s", got)
	}
}

// A host that shows no marks, or hides its list of models, is taken for OpenAI.
func TestUnknownServerIsOpenAI(t *testing.T) {
	fake := serve(t, llmtest.Config{})
	for _, models := range []http.HandlerFunc{
		http.NotFound,
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"data":[{"id":"x"}]}`)) },
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("/v1/models", models)
		mux.HandleFunc("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/v1/chat/completions"
			http.Redirect(w, r, fake.URL()+r.URL.Path, http.StatusTemporaryRedirect)
		})
		server := httptest.NewServer(mux)
		cfg := patient(server.URL)
		cfg.Model = "configured"
		c := connect(t, cfg, music(t))
		var status *chat.StatusError
		if err := c.Probe(t.Context()); !errors.As(err, &status) || status.Code != http.StatusTemporaryRedirect {
			t.Errorf("a redirect was followed: %v", err)
		}
		if s := c.Status(); s.Profile != chat.OpenAI || s.Model != "configured" {
			t.Errorf("%+v", s)
		}
		server.Close()
	}
	if fake.Count() != 0 {
		t.Error("the other host was asked")
	}
}

func TestProbeGivesUpWithItsContext(t *testing.T) {
	server := serve(t, llmtest.Config{})
	server.Set(llmtest.Hanging())
	c := connect(t, patient(server.URL()), music(t))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Probe(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
