package llm_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
	"github.com/parallel-fusion/pfr/router-worker/llm"
)

// The bytes of every request to every server are golden, and the server accepts them,
// knows the token cap and understands the schema. Run with PFR_UPDATE_GOLDEN=1 to write
// them anew; then read them.
func TestRequestsAreGolden(t *testing.T) {
	for flavour, profile := range flavours {
		t.Run(string(flavour), func(t *testing.T) {
			server := serve(t, llmtest.Config{Flavour: flavour})
			c := connect(t, patient(server.URL()), garden(t))
			if err := c.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Route(t.Context(), `blue "forget-me-nots" <3`); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Compose(t.Context(), "blue for spring"); err != nil {
				t.Fatal(err)
			}
			if got := c.Status().Profile; got != profile {
				t.Errorf("taken for %s", got)
			}
			for i, op := range []string{"probe", "route", "compose"} {
				r := server.Requests()[i]
				if !r.Capped || !r.Constrained || r.Problem != "" {
					t.Errorf("%s: capped %v, constrained %v, problem %q", op, r.Capped, r.Constrained, r.Problem)
				}
				golden(t, fmt.Sprintf("testdata/requests/%s-%s.json", flavour, op), r.Body)
			}
		})
	}
}

func golden(t *testing.T, file string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", " "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	if os.Getenv("PFR_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(filepath.FromSlash(file), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil || !bytes.Equal(want, b.Bytes()) {
		t.Errorf("%s: %v; the request is\n%s", file, err, b.Bytes())
	}
}

// What a prefix cache needs: all that is said before the query is the same for every
// query and every client, byte for byte.
func TestPrefixIsStatic(t *testing.T) {
	m := music(t)
	first, _ := connect(t, patient("http://localhost"), m).Prompt("x")
	for i := range 1000 {
		c := connect(t, patient("http://localhost"), m)
		query := fmt.Sprintf("query %d at %v", i, t.Name())
		system, user := c.Prompt(query)
		if system != first {
			t.Fatalf("query %d has another prefix", i)
		}
		if want := fmt.Sprintf(`{"q":%q}`, query); user != want {
			t.Fatalf("user turn %s, want %s", user, want)
		}
	}
	if len(first) < 4*1024 {
		t.Errorf("%d bytes are fewer than the 1024 tokens that start OpenAI's prefix cache", len(first))
	}
}

func TestShortPrompt(t *testing.T) {
	server := serve(t, llmtest.Config{})
	cfg := patient(server.URL())
	cfg.PromptStyle = llm.StyleShort
	c := connect(t, cfg, music(t))
	a, err := c.Route(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if got := server.Requests()[0].System; got != "Route the query. Reply with JSON." {
		t.Errorf("the prompt is %q", got)
	}
	full := connect(t, patient(server.URL()), music(t))
	b, err := full.Route(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if a.Prompt == b.Prompt || c.Version() == full.Version() {
		t.Error("two prompts have one version")
	}
	if a.Tokens.Prompt >= b.Tokens.Prompt/4 {
		t.Errorf("%d tokens against %d", a.Tokens.Prompt, b.Tokens.Prompt)
	}
}

// Whatever a decision depends on is in the version.
func TestVersionFollowsSettings(t *testing.T) {
	base := patient("http://localhost")
	base.Model = "m"
	seen := map[string]string{connect(t, base, music(t)).Version(): "base"}
	for name, change := range map[string]func(*llm.Config){
		"model":       func(c *llm.Config) { c.Model = "n" },
		"temperature": func(c *llm.Config) { c.Temperature = 0.5 },
		"seed":        func(c *llm.Config) { c.Seed = 7 },
		"form":        func(c *llm.Config) { c.Form = llm.FormCompact },
		"tokens":      func(c *llm.Config) { c.MaxTokens++ },
		"calibration": func(c *llm.Config) { c.ConfidenceTemperature = 2 },
		"shots":       func(c *llm.Config) { c.Shots = []llm.Shot{{Query: "x", Route: "search"}} },
	} {
		cfg := base
		change(&cfg)
		v := connect(t, cfg, music(t)).Version()
		if other, dup := seen[v]; dup {
			t.Errorf("%s has the version of %s", name, other)
		}
		seen[v] = name
	}
	seen[connect(t, base, garden(t)).Version()] = "manifest"
	if len(seen) != 9 {
		t.Errorf("%d versions, want 9", len(seen))
	}
	other := base
	other.URL, other.Profile, other.Timeout = "http://elsewhere", chat.VLLM, 1
	if v := connect(t, other, music(t)).Version(); seen[v] != "base" {
		t.Error("the version depends on where the server is")
	}
}

func TestShotsAreExamplesOfTheManifest(t *testing.T) {
	cfg := patient("http://localhost")
	cfg.Shots = []llm.Shot{{Query: "blue & white", Route: "ideas", Params: map[string]any{"colours": []string{"blue", "white"}, "max_height": 40}}}
	system, _ := connect(t, cfg, garden(t)).Prompt("x")
	if want := `{"q":"blue \u0026 white"} -> {"route":"ideas","colours":["blue","white"],"max_height":40}` + "\n"; !bytes.HasSuffix([]byte(system), []byte(want)) {
		t.Errorf("the prompt does not end with %s", want)
	}
	for _, bad := range []llm.Shot{
		{Query: "x", Route: "nowhere"},
		{Query: "x", Route: "ideas", Params: map[string]any{"colours": []string{"pink"}}},
		{Query: "x", Route: "ideas", Params: map[string]any{"size": 1}},
	} {
		cfg.Shots = []llm.Shot{bad}
		if _, err := llm.New(cfg, garden(t), nil, nil); err == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
