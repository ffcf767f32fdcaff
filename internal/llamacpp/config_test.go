package llamacpp_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/llamacpp"
)

func TestConfig(t *testing.T) {
	if err := (llamacpp.Config{}).Validate(); err != nil {
		t.Errorf("without a model: %v", err)
	}
	cfg := llamacpp.DefaultConfig()
	cfg.Model = "base.gguf"
	cfg.Slots, cfg.Threads, cfg.Context = 0, 1000, 1
	err := cfg.Validate()
	for _, problem := range []string{"library: ", "slots 0: ", "threads 1000: ", "context 1: "} {
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%v does not name %q", err, problem)
		}
	}
	cfg = llamacpp.DefaultConfig()
	cfg.Model, cfg.Library = "no-such-base.gguf", t.TempDir()
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	_, err = llamacpp.Open(cfg, slog.New(slog.DiscardHandler), nil)
	if err == nil || !strings.Contains(err.Error(), "no-such-base.gguf") {
		t.Errorf("%v", err)
	}
	if built := !errors.Is(err, llamacpp.ErrNotBuilt); built && !strings.Contains(err.Error(), "load llama.cpp from") {
		t.Errorf("%v: the folder is empty", err)
	}
}
