package routes_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas/routes"
)

// The page in docs is that of the embedded manifest. UPDATE_GOLDEN=1 writes it.
func TestDocsPage(t *testing.T) {
	const page = "../../docs/routes.md"
	got := music(t).Markdown()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(page), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(readFile(t, page)); got != want {
		t.Errorf("%s is not that of the manifest; UPDATE_GOLDEN=1 writes it:\n%s", page, got)
	}
}

// What the music manifest does not use.
func TestMarkdownOfRareParts(t *testing.T) {
	m, err := routes.Parse("rare.yaml", []byte(`
name: rare
fallback: only
parameters:
  text: {type: string, meaning: a | b}
layouts:
  list: {sections: a list}
routes:
  - name: only
    for: anything
    examples: [x]
    parameters: [text]
    layout: list
    calls:
      - {tool: find, section: found, title: Found, component: list, params: {text: $text}, limit: 5, deadline_ms: 100}
    refine: {budget_ms: 80}
    enabled: {markets: [SE, US], platforms: [ios], share: 0.25}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := m.Markdown()
	for _, want := range []string{
		`| string | a \| b |`, "| optional |", "another order within 80 ms.",
		"Offered in SE, US, on ios, to 25 % of the clients.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
