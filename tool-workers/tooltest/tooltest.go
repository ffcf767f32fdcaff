// Package tooltest tests tools through their port.
//
// A golden file is readable text: blocks of one call and its answer.
//
//	call {"query":"lady gaga","params":{"text":"lady gaga"},"limit":3}
//	text: what the tool says
//	0.98  artist:lady-gaga  Lady Gaga
//	0.95  track:...  Bad Romance (2009-10-26)  released in 2009
//
// Run the tests with PFR_UPDATE_GOLDEN=1 to write the answers anew; then read them.
package tooltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Call is what a test asks of a tool.
type Call struct {
	Query  string         `json:"query,omitempty"`
	Params schemas.Params `json:"params"`
	Limit  int            `json:"limit,omitempty"` // 10 when left out
	User   *schemas.User  `json:"user,omitempty"`
}

// Sample returns the embedded catalogue.
func Sample(tb testing.TB) *catalog.Catalog {
	tb.Helper()
	c, err := catalog.Sample()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Catalog returns a catalogue of these lines, as seen on 28 June 2025.
func Catalog(tb testing.TB, text string) *catalog.Catalog {
	tb.Helper()
	c, err := catalog.Load(fstest.MapFS{"as-of": {Data: []byte("2025-06-28")}, "a.txt": {Data: []byte(text)}})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Finder returns a finder over c, which knows the synthetic listeners.
func Finder(tb testing.TB, c *catalog.Catalog) *taste.Finder {
	tb.Helper()
	f, err := taste.NewFinder(c, taste.NewInvented(c))
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// Run calls a tool and checks what holds for every answer: it is within the limit, it
// passes the schema, and no item comes twice.
func Run(tb testing.TB, tool tools.Tool, c Call) tools.Result {
	tb.Helper()
	result, err := run(tb, tool, c)
	if err != nil {
		tb.Fatalf("%s %v: %v", tool.Name(), c.Params, err)
	}
	return result
}

// Try is [Run] for a call that the tool may refuse as a bad request; answered is false if
// it did.
func Try(tb testing.TB, tool tools.Tool, c Call) (result tools.Result, answered bool) {
	tb.Helper()
	result, err := run(tb, tool, c)
	if err != nil && !errors.Is(err, tools.ErrBadRequest) {
		tb.Fatalf("%s %v: %v", tool.Name(), c.Params, err)
	}
	return result, err == nil
}

func run(tb testing.TB, tool tools.Tool, c Call) (tools.Result, error) {
	tb.Helper()
	req := Request(tool.Name(), c)
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	result, err := tool.Run(ctx, req)
	if err != nil {
		return result, err
	}
	if len(result.Items) > req.Limit {
		tb.Errorf("%s %v: %d items, limit %d", tool.Name(), c.Params, len(result.Items), req.Limit)
	}
	seen := map[string]bool{}
	for _, item := range result.Items {
		if seen[item.ID] {
			tb.Errorf("%s %v: %s comes twice", tool.Name(), c.Params, item.ID)
		}
		seen[item.ID] = true
	}
	if result.Items == nil { // as the worker does
		result.Items = []schemas.Item{}
	}
	resp := schemas.ToolResponse{
		SchemaVersion: schemas.Version, CorrelationID: req.CorrelationID, Section: req.Section, Text: result.Text, Items: result.Items,
	}
	if err := resp.Validate(); err != nil {
		tb.Errorf("%s %v: %v", tool.Name(), c.Params, err)
	}
	return result, nil
}

// Request returns a whole request for a call.
func Request(tool string, c Call) schemas.ToolRequest {
	if c.Limit == 0 {
		c.Limit = 10
	}
	if c.Query == "" {
		c.Query = "anything"
	}
	return schemas.ToolRequest{
		SchemaVersion: schemas.Version, CorrelationID: "0197b7a0-0000-7000-8000-000000000001", Tool: tool, Section: "section",
		Query: c.Query, Params: c.Params, Limit: c.Limit, Market: "US", Locale: "en-US", User: c.User,
		Deadline: time.Now().Add(time.Minute),
	}
}

// Golden runs every call of a file and compares the answers.
func Golden(t *testing.T, tool tools.Tool, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		line, _, _ := strings.Cut(block, "\n")
		var c Call
		text, isCall := strings.CutPrefix(line, "call ")
		if err := json.Unmarshal([]byte(text), &c); !isCall || err != nil {
			t.Fatalf("%s: %q: %v", file, line, err)
		}
		got := line + "\n" + Render(Run(t, tool, c))
		if want := strings.TrimSpace(block); strings.TrimSpace(got) != want && os.Getenv("PFR_UPDATE_GOLDEN") == "" {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
		}
		out.WriteString(got + "\n")
	}
	if os.Getenv("PFR_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(strings.TrimSpace(out.String())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Render writes an answer as golden files hold it.
func Render(r tools.Result) string {
	var b strings.Builder
	if r.Text != "" {
		fmt.Fprintf(&b, "text: %s\n", r.Text)
	}
	for _, item := range r.Items {
		fmt.Fprintf(&b, "%.2f  %s  %s", item.Score, item.ID, item.Title)
		if item.ReleaseDate != "" {
			fmt.Fprintf(&b, " (%s)", item.ReleaseDate)
		}
		if item.Why != "" {
			fmt.Fprintf(&b, "  %s", item.Why)
		}
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}
