//go:build llamacpp

package llamacpp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/llamacpp"
	"github.com/parallel-fusion/pfr/internal/llm"
)

// ours is the adapter of this repository.
const ours = "../../post-training/recipe/adapter/router-lora.gguf"

// realConfig returns settings for the libraries and the base that the environment names,
// with a copy of the adapter that a test may replace.
func realConfig(t *testing.T) llamacpp.Config {
	t.Helper()
	cfg := llamacpp.DefaultConfig()
	cfg.Library, cfg.Model = os.Getenv("PFR_TEST_LLAMACPP"), os.Getenv("PFR_TEST_LLAMACPP_MODEL")
	if cfg.Library == "" || cfg.Model == "" {
		t.Skip("PFR_TEST_LLAMACPP and PFR_TEST_LLAMACPP_MODEL are not set: run this under test/llm/llm.sh local")
	}
	cfg.Adapter = filepath.Join(t.TempDir(), "adapter.gguf")
	put(t, cfg.Adapter, read(t, ours))
	return cfg
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// put replaces a file by renaming.
func put(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, cfg llamacpp.Config) *llamacpp.Model {
	t.Helper()
	m, err := llamacpp.Open(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// routed asks for the route of a query, as the router does of a trained model.
func routed(query string) llm.Prompt {
	return llm.Prompt{
		System: "Route the query. Reply with JSON.", User: `{"q":"` + query + `"}`,
		Schema: json.RawMessage(`{"type":"object","properties":{
			"route":{"type":"string","enum":["search","similar_artists","new_releases","personalized_recs","podcast_recs","podcast_episodes","out_of_scope"]},
			"artist":{"type":"string","maxLength":120},"era_from":{"type":"integer","minimum":1900,"maximum":2100}
			},"required":["route"],"additionalProperties":false}`),
		MaxTokens: 60, TopLogprobs: 20,
	}
}

// A real model answers from this process: under its grammar, with probabilities, and from
// the memory of the prompt before.
func TestRealModelLocal(t *testing.T) {
	m := open(t, realConfig(t))
	const query, want = "artists similar to bonobo", `{"route":"similar_artists","artist":"Bonobo"}`
	for i := range 3 {
		start := time.Now()
		c, err := m.Complete(t.Context(), routed(query))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %v, %+v", c.Content, time.Since(start).Round(time.Millisecond), c.Used)
		if c.Content != want || c.Truncated || c.Model != m.Name() {
			t.Errorf("%+v", c)
		}
		if reused := i == 2; reused != (c.Used.Cached > 0) { // the third has the slot of the first
			t.Errorf("prompt %d: %+v", i, c.Used)
		}
		written := ""
		for _, token := range c.Tokens {
			written += token.Text
			if token.Logprob > 0 || len(token.Top) != 20 || token.Top[0].Logprob < token.Top[19].Logprob {
				t.Errorf("%q: %v, best %v, last %v", token.Text, token.Logprob, token.Top[0], token.Top[19])
			}
		}
		if written != c.Content {
			t.Errorf("tokens of %q", written)
		}
	}
	p := routed(query)
	p.Schema = json.RawMessage(`{"type":"object","properties":{"canary":{"type":"string","enum":["heron-4182-quartz"]}},"required":["canary"],"additionalProperties":false}`)
	if c, err := m.Complete(t.Context(), p); err != nil || strings.Join(strings.Fields(c.Content), "") != `{"canary":"heron-4182-quartz"}` {
		t.Errorf("%q, %v: the grammar does not hold", c.Content, err)
	}
	p = routed(query)
	p.MaxTokens = 3
	if c, err := m.Complete(t.Context(), p); err != nil || !c.Truncated || c.Used.Completion != 3 {
		t.Errorf("%+v, %v: 3 tokens were allowed", c, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := m.Complete(ended, routed(query)); !errors.Is(err, context.Canceled) || c.Content != "" {
		t.Errorf("%+v, %v: nobody waits", c, err)
	}
}

// weak returns an adapter that does next to nothing: its alpha, which scales it, is tiny.
func weak(t *testing.T, adapter []byte) []byte {
	t.Helper()
	key := []byte("adapter.lora.alpha")
	at := bytes.Index(adapter, key) + len(key)
	if at < len(key) || binary.LittleEndian.Uint32(adapter[at:]) != 6 { // a float32
		t.Fatal("the adapter has no alpha")
	}
	out := bytes.Clone(adapter)
	binary.LittleEndian.PutUint32(out[at+4:], math.Float32bits(1e-6))
	return out
}

// Adapters are changed back and forth while prompts are answered: every answer is wholly of
// the adapter that it names, and files that are no adapter change nothing.
func TestRealModelHotSwap(t *testing.T) {
	cfg := realConfig(t)
	m := open(t, cfg)
	strong := read(t, cfg.Adapter)
	p := routed("artists similar to bonobo")
	answer := func() llm.Completion {
		c, err := m.Complete(t.Context(), p)
		if err != nil {
			t.Error(err)
		}
		return c
	}
	want := map[string]string{}
	for _, data := range [][]byte{strong, weak(t, strong)} {
		put(t, cfg.Adapter, data)
		if err := m.Load(); err != nil {
			t.Fatal(err)
		}
		c := answer()
		want[c.Model] = c.Content
		t.Logf("%s: %s", c.Model, c.Content)
	}
	if len(want) != 2 || len(slices.Compact(slices.Collect(maps.Values(want)))) != 2 {
		t.Fatalf("answers by adapter: %q", want)
	}
	stop := make(chan struct{})
	var asking sync.WaitGroup
	var asked atomic.Int64
	for range cfg.Slots {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if c := answer(); c.Content != want[c.Model] {
					t.Errorf("%s: %q, want %q", c.Model, c.Content, want[c.Model])
				}
				asked.Add(1)
			}
		})
	}
	for i, data := range [][]byte{strong, strong[:len(strong)/2], weak(t, strong), []byte("no adapter"), read(t, cfg.Model)[:1<<20], strong} {
		before := m.Name()
		put(t, cfg.Adapter, data)
		start := time.Now()
		err := m.Load()
		t.Logf("load %d took %v while prompts were answered: %v", i, time.Since(start).Round(time.Millisecond), err)
		if good := i%2 == 0 && i < 4 || i == 5; good != (err == nil) || good == (m.Name() == before) {
			t.Errorf("load %d: %v; %s before, %s after", i, err, before, m.Name())
		}
		for from := asked.Load(); asked.Load() < from+2 && !t.Failed(); {
			runtime.Gosched()
		}
	}
	close(stop)
	asking.Wait()
	t.Logf("%d prompts were answered meanwhile", asked.Load())
}
