package tooltest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/newreleases"
	"github.com/parallel-fusion/pfr/tool-workers/podcasts"
	"github.com/parallel-fusion/pfr/tool-workers/recs"
	"github.com/parallel-fusion/pfr/tool-workers/releaseinfo"
	"github.com/parallel-fusion/pfr/tool-workers/search"
	"github.com/parallel-fusion/pfr/tool-workers/similarartists"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

// pages is the folder with a page for each tool.
const pages = "../../docs/tools"

// TestPagesAreTrue compares the parts of each page that follow from the tool, which stand
// between markers, with the tool. Run it with PFR_UPDATE_GOLDEN=1 to write them anew.
func TestPagesAreTrue(t *testing.T) {
	f := tooltest.Finder(t, tooltest.Sample(t))
	for _, build := range []func(*taste.Finder) (tools.Tool, error){
		search.New, similarartists.New, recs.New, newreleases.New, releaseinfo.New, podcasts.New,
		func(f *taste.Finder) (tools.Tool, error) { return dj.New(f, nil) },
	} {
		tool, err := build(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(tool.Name(), func(t *testing.T) { truePage(t, tool) })
	}
}

func truePage(t *testing.T, tool tools.Tool) {
	t.Helper()
	name := filepath.Join(pages, tool.Name()+".md")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := tools.SpecOf(tool)
	page := string(data)
	if !strings.HasPrefix(page, "# "+tool.Name()+"\n") {
		t.Errorf("%s: the heading is not the name of the tool", name)
	}
	for mark, text := range map[string]string{"spec": specText(t, spec), "example": exampleText(t, tool, spec)} {
		begin, end := "<!-- "+mark+" -->\n", "<!-- end of "+mark+" -->\n"
		before, rest, ok := strings.Cut(page, begin)
		now, after, both := strings.Cut(rest, end)
		if !ok || !both {
			t.Fatalf("%s: no part between %q and %q", name, begin, end)
		}
		if now != text && os.Getenv("PFR_UPDATE_GOLDEN") == "" {
			t.Errorf("%s, %s: got\n%s\nwant\n%s", name, mark, now, text)
		}
		page = before + begin + text + end + after
	}
	if os.Getenv("PFR_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(name, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// specText says what the spec does: what the tool is for and what it takes.
func specText(t *testing.T, spec tools.Spec) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n\n| | |\n|---|---|\n", strings.ToUpper(spec.For[:1])+spec.For[1:])
	var results []string
	for _, r := range spec.Results {
		results = append(results, string(r))
	}
	row := func(name, value string) { fmt.Fprintf(&b, "| %s | %s |\n", name, value) }
	row("version", spec.Version)
	row("results", strings.Join(results, ", "))
	row("depends on the listener", yesNo(spec.Personal))
	row("depends on the text as typed", yesNo(spec.Text))
	row("answers are kept for", strings.TrimSuffix(strings.TrimSuffix(spec.CacheFor.String(), "0s"), "0m"))
	b.WriteString("\n| parameter | type | meaning |\n|---|---|---|\n")
	var schema struct {
		Properties map[string]parameter `json:"properties"`
		Required   []string             `json:"required"`
	}
	if err := json.Unmarshal(spec.Params, &schema); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name]
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, p.kind(), p.meaning(slices.Contains(schema.Required, name)))
	}
	return b.String()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// parameter is a property of a schema.
type parameter struct {
	Type        string     `json:"type"`
	Description string     `json:"description"`
	Enum        []string   `json:"enum"`
	Default     any        `json:"default"`
	Minimum     *int       `json:"minimum"`
	Maximum     *int       `json:"maximum"`
	Items       *parameter `json:"items"`
}

func (p parameter) kind() string {
	switch {
	case p.Type == "array":
		return "list of " + p.Items.kind()
	case len(p.Enum) > 0:
		return "`" + strings.Join(p.Enum, "`, `") + "`"
	case p.Minimum != nil && p.Maximum != nil:
		return fmt.Sprintf("%s, %d to %d", p.Type, *p.Minimum, *p.Maximum)
	default:
		return p.Type
	}
}

func (p parameter) meaning(required bool) string {
	text := p.Description
	if required {
		text += "; required"
	}
	if p.Default != nil {
		text += fmt.Sprintf("; %v when left out", p.Default)
	}
	return text
}

// exampleText is the request of the spec's example and the reply over the sample, with
// three items.
func exampleText(t *testing.T, tool tools.Tool, spec tools.Spec) string {
	t.Helper()
	call := tooltest.Call{Query: spec.Example.Query, Params: spec.Example.Params, Limit: 3}
	req := tooltest.Request(tool.Name(), call)
	req.Deadline = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	r := tooltest.Run(t, tool, call)
	if len(r.Items) == 0 {
		t.Fatalf("%v: nothing", call.Params)
	}
	resp := schemas.ToolResponse{
		SchemaVersion: schemas.Version, CorrelationID: req.CorrelationID, Section: req.Section, Text: r.Text, Items: r.Items,
	}
	return "Request:\n\n```json\n" + pretty(t, req) + "\n```\n\nReply:\n\n```json\n" + pretty(t, resp) + "\n```\n"
}

func pretty(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}
