package llm_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
	"github.com/parallel-fusion/pfr/router-worker/llm"
)

func TestConfigNamesEveryProblem(t *testing.T) {
	if err := patient("https://api.example/v1").Validate(); err != nil {
		t.Error(err)
	}
	bad := llm.Config{
		Config: chat.Config{
			URL: "ftp://host", Profile: "gpt", KeyFile: "a", KeyEnv: "B",
			Temperature: math.NaN(), Prices: map[string]chat.Price{"m": {PromptPerM: -1}},
		},
		Form: "loose", PromptStyle: "long", TopLogprobs: 21, DefaultConfidence: 2,
	}
	err := bad.Validate()
	for _, name := range []string{
		"url", "profile", "form", "prompt_style", "key_file", "temperature", "top_logprobs", "default_confidence", "prices",
		"max_tokens", "compose_max_tokens", "confidence_temperature", "timeout", "probe_timeout",
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}

func TestURLHoldsNoCredentials(t *testing.T) {
	for _, url := range []string{
		"", "localhost:8080", "http://", "file:///etc/passwd", "http://user:hunter2@host/v1", "http://host/v1?key=hunter2",
		"http://host/#hunter2", "http://ho st/hunter2", "http://host:hunter2",
	} {
		err := patient(url).Validate()
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// The key is sent to the server and shown nowhere else. Keys that the environment holds
// for other programs stay there.
func TestKeyIsKept(t *testing.T) {
	const key, foreign = "sk-proj-4f9a-secret", "sk-of-someone-else"
	t.Setenv("OPENAI_API_KEY", foreign)
	t.Setenv("OPENAI_ORG_ID", foreign)
	t.Setenv("PFR_LLM_KEY", key)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := serve(t, llmtest.Config{})
	if _, err := connect(t, patient(open.URL()), music(t)).Route(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if h := fmt.Sprint(open.Requests()[0].Header); strings.Contains(h, foreign) || strings.Contains(h, "Authorization") {
		t.Errorf("sent %s", h)
	}
	for _, change := range []func(*llm.Config){
		func(c *llm.Config) { c.KeyFile = file },
		func(c *llm.Config) { c.KeyEnv = "PFR_LLM_KEY" },
	} {
		right, wrong := serve(t, llmtest.Config{Key: key}), serve(t, llmtest.Config{Key: "another"})
		cfg := patient(right.URL())
		change(&cfg)
		c := connect(t, cfg, music(t))
		if err := c.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		cfg.URL, cfg.Model = wrong.URL(), "m"
		refused := connect(t, cfg, music(t))
		err := refused.Probe(t.Context())
		if err == nil || !strings.Contains(err.Error(), "401: invalid_api_key") {
			t.Errorf("error %v", err)
		}
		for _, shown := range []string{
			fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", cfg), fmt.Sprintf("%+v", refused.Status()), c.Version(),
		} {
			if strings.Contains(shown, "4f9a") {
				t.Errorf("the key shows in %.200s", shown)
			}
		}
	}
}

func TestKeyThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": " \n", "two lines": "sk-4f9a\nsk-4f9b", "binary": "sk-4f9a\x00"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := patient("http://localhost")
		cfg.KeyFile = file
		if _, err := llm.New(cfg, music(t), nil, nil); err == nil || strings.Contains(err.Error(), "4f9") {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := patient("http://localhost")
	cfg.KeyFile = filepath.Join(dir, "missing")
	if _, err := llm.New(cfg, music(t), nil, nil); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("%v", err)
	}
	cfg.KeyFile, cfg.KeyEnv = "", "PFR_NO_SUCH_KEY"
	if _, err := llm.New(cfg, music(t), nil, nil); err == nil {
		t.Error("a key that is not there")
	}
}
