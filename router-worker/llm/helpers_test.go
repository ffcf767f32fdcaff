package llm_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/llm"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

var _ router.LLM = (*llm.Client)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// flavours are the servers, with the profile that each is taken for.
var flavours = map[llmtest.Flavour]chat.Profile{
	llmtest.OpenAI: chat.OpenAI, llmtest.VLLM: chat.VLLM, llmtest.LlamaCPP: chat.LlamaCPP, llmtest.Ollama: chat.Ollama,
}

func garden(tb testing.TB) *routes.Manifest {
	tb.Helper()
	data, err := os.ReadFile("testdata/garden.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return parse(tb, string(data))
}

func parse(tb testing.TB, text string) *routes.Manifest {
	tb.Helper()
	m, err := routes.Parse("garden.yaml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func music(tb testing.TB) *routes.Manifest {
	tb.Helper()
	m, err := routes.Music()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// serve starts a fake server that stops with the test.
func serve(tb testing.TB, cfg llmtest.Config) *llmtest.Server {
	tb.Helper()
	s := llmtest.New(cfg)
	tb.Cleanup(s.Close)
	return s
}

// patient returns settings for a busy machine.
func patient(url string) llm.Config {
	cfg := llm.DefaultConfig()
	cfg.URL, cfg.Timeout = url, 20*time.Second
	return cfg
}

// connect returns a client that closes with the test.
func connect(tb testing.TB, cfg llm.Config, m *routes.Manifest) *llm.Client {
	tb.Helper()
	return register(tb, cfg, m, nil)
}

func register(tb testing.TB, cfg llm.Config, m *routes.Manifest, reg prometheus.Registerer) *llm.Client {
	tb.Helper()
	c, err := llm.New(cfg, m, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// valid fails the test unless a makes a decision that passes its schema.
func valid(tb testing.TB, m *routes.Manifest, a router.Answer) {
	tb.Helper()
	route, ok := m.Route(a.Route)
	if !ok {
		tb.Fatalf("route %q does not exist", a.Route)
	}
	d := m.Decide(route, a.Params, "a query")
	d.Source, d.Confidence, d.ModelVersion, d.PromptVersion = "llm", a.Confidence, a.Model, a.Prompt
	d.Tokens, d.Cost, d.Alternatives = a.Tokens, a.CostUSD, a.Alternatives
	if err := d.Validate(); err != nil {
		tb.Fatalf("%+v: %v", a, err)
	}
}
