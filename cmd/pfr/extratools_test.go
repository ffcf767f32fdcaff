package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/config"
)

// extra is the section of the settings that holds tools which are configured.
type extra struct {
	Tools struct {
		Extra app.ExtraTools `yaml:"extra"`
	} `yaml:"tools"`
}

func (e extra) Validate() error { return e.Tools.Extra.Validate() }

func load(t *testing.T, text string) (extra, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pfr.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(extra{}, config.Sources{File: file})
}

// The page about adapters shows settings that work.
func TestExtraToolsOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/tools/adapters.md")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for i, block := range strings.Split(string(page), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(block, "```")
		cfg, err := load(t, text)
		if err != nil {
			t.Errorf("block %d: %v", i, err)
		}
		for _, tool := range cfg.Tools.Extra {
			kinds = append(kinds, tool.Kind)
		}
		shown, err := config.Redacted(cfg)
		if err != nil || strings.Contains(shown, "s3cret") {
			t.Errorf("%s, %v", shown, err)
		}
	}
	if got := strings.Join(kinds, " "); got != "http opensearch mcp" {
		t.Errorf("kinds on the page: %s", got)
	}
}

const concerts = `
tools:
  extra:
    - name: concerts
      for: finds concerts of an artist
      kind: http
      params:
        - {name: artist, type: string, doc: who plays, required: true}
        - {name: weeks, type: integer, doc: from now at most, min: 1, max: 52}
      example: {query: ode live, params: {artist: Ode, weeks: 4}}
      results: [concert]
      cache_for: 1h
      http:
        url: https://api.example.org/artists/{{artist}}/concerts
        query: {weeks: "{{weeks}}", page_size: 5}
        secret_headers: {Authorization: {prefix: "Bearer ", env: CONCERTS_TOKEN}}
        timeout: 2s
        map: {list: events, id: id, title: name}
`

func TestExtraToolsAreRead(t *testing.T) {
	cfg, err := load(t, concerts)
	if err != nil {
		t.Fatal(err)
	}
	got := cfg.Tools.Extra[0]
	if got.CacheFor != time.Hour || got.HTTP.Timeout != 2*time.Second || *got.Params[1].Max != 52 || got.HTTP.SecretHeaders["Authorization"].Env != "CONCERTS_TOKEN" || got.HTTP.Map.Title != "name" {
		t.Errorf("%+v\n%+v", got, got.HTTP)
	}
}

func TestExtraToolsAreChecked(t *testing.T) {
	for want, change := range map[string][2]string{
		"unknown field":              {"for: finds", "fro: finds"},
		"kind \"grpc\"":              {"kind: http", "kind: grpc"},
		"needs the section mcp":      {"kind: http", "kind: mcp"},
		"extra[0]: tool concerts":    {"example: {query: ode live, params: {artist: Ode, weeks: 4}}", "example: {query: ode live, params: {weeks: 4}}"},
		"whole segment":              {"{{artist}}/", "x{{artist}}/"},
		"type \"text\"":              {"type: string", "type: text"},
		"extra[1]: there is a tool ": {"tools:\n  extra:\n", "tools:\n  extra:\n" + strings.SplitN(concerts, "extra:\n", 2)[1]},
	} {
		_, err := load(t, strings.Replace(concerts, change[0], change[1], 1))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
