package app_test

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/llamacpp"
	"github.com/parallel-fusion/pfr/router-worker/llm"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// trained returns settings for the model that was trained on the routes.
func trained() app.Config {
	cfg := app.DefaultConfig()
	cfg.Router.LLM.PromptStyle, cfg.Router.LLM.Form, cfg.Router.LLM.Timeout = llm.StyleShort, llm.FormCompact, time.Minute
	return cfg
}

// decider returns a decider whose language model answers: it is loaded or reached.
func decider(t *testing.T, cfg app.Config) *app.Decider {
	t.Helper()
	d, err := app.NewDecider(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func byModel(t *testing.T, d *app.Decider, text string) schemas.Decision {
	t.Helper()
	made, err := d.Through(t.Context(), schemas.SourceLLM, schemas.PublicQuery{Text: text, Market: "US"})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return made
}

// A binary without llama.cpp says so when its settings ask for it, and settings that ask for
// a server too are refused.
func TestLocalModelSettings(t *testing.T) {
	cfg := trained()
	cfg.Router.LLM.Local.Model, cfg.Router.LLM.Local.Library = "base.gguf", t.TempDir()
	if err := cfg.Router.LLM.Validate(); err != nil {
		t.Error(err)
	}
	d, err := app.NewDecider(cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		d.Close()
		t.Fatal("a model was loaded from an empty folder")
	}
	t.Log(err)
	if _, built := llamacpp.Open(cfg.Router.LLM.Local, slog.New(slog.DiscardHandler), nil); errors.Is(built, llamacpp.ErrNotBuilt) != errors.Is(err, llamacpp.ErrNotBuilt) {
		t.Errorf("%v, and of the model itself %v", err, built)
	}
	cfg.Router.LLM.URL, cfg.Router.LLM.Local.Slots = "http://127.0.0.1:1", 0
	if err := cfg.Router.LLM.Validate(); err == nil {
		t.Error("a server and a model in the process at once, with no slot")
	} else {
		t.Log(err)
	}
}

// The model in this process decides as it does behind its server, and a new adapter takes
// over while the router runs.
func TestRealModelLocalAsServed(t *testing.T) {
	url, library := os.Getenv("PFR_TEST_TRAINED_URL"), os.Getenv("PFR_TEST_LLAMACPP")
	if url == "" || library == "" {
		t.Skip("PFR_TEST_TRAINED_URL and PFR_TEST_LLAMACPP are not set: run this with -tags llamacpp under test/llm/llm.sh with and local, with post-training/recipe/adapter")
	}
	const ours = "../../post-training/recipe/adapter/router-lora.gguf"
	adapter, err := os.ReadFile(ours)
	if err != nil {
		t.Fatal(err)
	}
	cfg := trained()
	cfg.Router.LLM.Local.Library, cfg.Router.LLM.Local.Model = library, os.Getenv("PFR_TEST_LLAMACPP_MODEL")
	cfg.Router.LLM.Local.Adapter = filepath.Join(t.TempDir(), "adapter.gguf")
	if err := os.WriteFile(cfg.Router.LLM.Local.Adapter, adapter, 0o600); err != nil {
		t.Fatal(err)
	}
	local := decider(t, cfg)
	behind := trained()
	behind.Router.LLM.URL = url
	served := decider(t, behind)
	compare(t, local, served)
	hotSwap(t, local, cfg.Router.LLM.Local.Adapter, weakened(t, adapter))
}

// weakened returns an adapter that does next to nothing: its alpha, which scales it, is tiny.
func weakened(t *testing.T, adapter []byte) []byte {
	t.Helper()
	before, after, ok := bytes.Cut(adapter, []byte("adapter.lora.alpha"))
	if !ok {
		t.Fatal("the adapter has no alpha")
	}
	const kind = 4 // bytes that say that a float32 follows
	return slices.Concat(before, []byte("adapter.lora.alpha"), after[:kind], []byte{0, 0, 0x80, 0x35}, after[kind+4:])
}

// hotSwap puts another adapter in the place of the one that answers, while queries are
// decided.
func hotSwap(t *testing.T, local *app.Decider, file string, other []byte) {
	t.Helper()
	const query = "artists similar to bonobo"
	first := byModel(t, local, query)
	if err := errors.Join(os.WriteFile(file+".new", other, 0o600), os.Rename(file+".new", file)); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for d := first; time.Since(start) < time.Minute; {
		if d.ModelVersion != first.ModelVersion {
			t.Logf("%v after the change %s decides %s, %s before %s", time.Since(start).Round(time.Millisecond), d.ModelVersion, d.Route, first.ModelVersion, first.Route)
			if d.Route == first.Route {
				t.Error("an adapter that does nothing routes as well as the trained one")
			}
			return
		}
		if d.Route != first.Route {
			t.Errorf("%s decides %s, and %s before", d.ModelVersion, d.Route, first.Route)
		}
		d = byModel(t, local, query)
	}
	t.Error("the adapter is not changed")
}

// compare asks both for what the manifest gives as examples.
func compare(t *testing.T, local, served *app.Decider) {
	t.Helper()
	m, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	n, differ, worst := 0, 0, 0.0
	var took [2]time.Duration
	for _, r := range m.Routes {
		for _, q := range r.Examples {
			a, b := byModel(t, local, q), byModel(t, served, q)
			n++
			took[0], took[1] = took[0]+ms(a), took[1]+ms(b)
			worst = max(worst, math.Abs(a.Confidence-b.Confidence))
			same := a.Route == b.Route && reflect.DeepEqual(a.Params, b.Params)
			if !same || a.Tokens.Prompt != b.Tokens.Prompt || a.Tokens.Completion != b.Tokens.Completion {
				t.Logf("%q: %s %v (%+v) in the process, %s %v (%+v) served", q, a.Route, a.Params, a.Tokens, b.Route, b.Params, b.Tokens)
			}
			if !same {
				differ++
			}
		}
	}
	t.Logf("%d of %d decisions differ; confidence by at most %.4f; %v a decision in the process, %v served",
		differ, n, worst, (took[0] / time.Duration(n)).Round(time.Millisecond), (took[1] / time.Duration(n)).Round(time.Millisecond))
	if n < 20 || differ > n/20 || worst > .1 {
		t.Error("the model decides otherwise than behind its server")
	}
}

func ms(d schemas.Decision) time.Duration { return time.Duration(d.TookMS * float64(time.Millisecond)) }
