package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// The pages of queries over all routes, in a form that a person can judge: route,
// parameters, and the first items of each section. UPDATE_GOLDEN=1 rewrites them; read
// what has changed.
func TestPagesLookRight(t *testing.T) {
	const golden = "testdata/pages.txt"
	queries, err := os.ReadFile("testdata/queries.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := up(t, "")
	var got strings.Builder
	for query := range strings.Lines(string(queries)) {
		got.WriteString(sketch(t, p.search(t, strings.TrimSpace(query))))
	}
	p.procs[0].stop(t, 10*time.Second)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotPages, wantPages := strings.Split(got.String(), "\n\n"), strings.Split(string(want), "\n\n")
	if len(gotPages) != len(wantPages) {
		t.Fatalf("%d pages, want %d", len(gotPages), len(wantPages))
	}
	for i := range gotPages {
		if gotPages[i] != wantPages[i] {
			t.Errorf("got\n%s\nwant\n%s", gotPages[i], wantPages[i])
		}
	}
}

// shownItems is how many items of a section a sketch has.
const shownItems = 4

func sketch(t *testing.T, page schemas.SERP) string {
	t.Helper()
	params, err := json.Marshal(page.Route.Params)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s %s %s\n", page.Query, page.Status, page.Route.Name, params)
	for _, s := range page.Sections {
		var items []string
		for _, it := range s.Items[:min(len(s.Items), shownItems)] {
			items = append(items, fmt.Sprintf("%s (%s)", it.Title, it.Type))
		}
		fmt.Fprintf(&b, "  %s %s %d: %s\n", s.ID, s.Status, len(s.Items), strings.Join(items, ", "))
		if s.Text != "" {
			fmt.Fprintf(&b, "    %s\n", s.Text)
		}
	}
	return b.String() + "\n"
}
