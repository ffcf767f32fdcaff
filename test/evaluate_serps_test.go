package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serpsReport is what is looked at of report.json.
type serpsReport struct {
	Judge string
	All   struct {
		N, Wins int
		Passed  map[string]struct{ A, B float64 }
	}
	Unjudged []any
	Cases    []struct{ Query, Route string }
}

func readSERPsReport(t *testing.T, dir string) (report serpsReport, data []byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	return report, data
}

// A pipeline of its own is started for the pages; what is judged again is not made again.
func TestEvaluateSERPs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "serps")
	args := []string{"evaluate", "serps", "--use-case", "similar_artists", "--limit", "6", "--out", dir}
	out, err := runPFR(t, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# PFR against regular search", "| similar_artists | 6 (few) |", "uncalibrated: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	report, first := readSERPsReport(t, dir)
	if report.All.N != 6 || len(report.Unjudged) != 0 || !strings.HasPrefix(report.Judge, "rules/") {
		t.Errorf("%+v", report)
	}
	if overall := report.All.Passed["overall"]; overall.A <= overall.B {
		t.Errorf("%.2f of the pages pass, and %.2f of those of regular search", overall.A, overall.B)
	}
	html, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || !bytes.Contains(html, []byte(report.Cases[0].Query)) {
		t.Errorf("report.html does not show the query %q: %v", report.Cases[0].Query, err)
	}
	if _, err := runPFR(t, "", args...); err != nil {
		t.Fatal(err)
	}
	if _, second := readSERPsReport(t, dir); !bytes.Equal(first, second) {
		t.Errorf("the reports differ:\n%s\n%s", first, second)
	}
	diff := []string{"evaluate", "diff", filepath.Join(dir, "report.json"), filepath.Join(dir, "report.json"), "--gate"}
	if out, err := runPFR(t, "", diff...); err != nil || !strings.Contains(out, "| similar_artists | 6 |") {
		t.Errorf("compared with itself: %v\n%s", err, out)
	}
}

// Plain search puts the words themselves to the search tool, whatever they ask for.
func testPlainSearch(t *testing.T, p *pipeline) {
	for _, query := range []string{"latest albums by lady gaga", "lady gaga"} {
		page, err := p.trySearch(t.Context(), map[string]any{"query": query, "mode": "search", "deadline_ms": 5000})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := outline(page), "search complete: results search ok"; got != want {
			t.Errorf("%s: %s", query, got)
		} else if first := page.Sections[0].Items[0]; first.ID != "artist:lady-gaga" {
			t.Errorf("%s: %s comes first", query, first.ID)
		}
	}
	if page := p.search(t, "latest albums by lady gaga"); page.Route.Name != "new_releases" {
		t.Errorf("after plain search: %s", outline(page))
	}
}

// Whatever runs already is measured where it runs.
func testMeasured(t *testing.T, p *pipeline) {
	dir := t.TempDir()
	if _, err := runPFR(t, "", "evaluate", "serps", "--kafka", p.kafka, "--nats", p.nats, "--use-case", "new_releases", "--limit", "3", "--out", dir); err != nil {
		t.Fatal(err)
	}
	if report, _ := readSERPsReport(t, dir); report.All.N != 3 || report.Cases[0].Route == "" {
		t.Errorf("%+v", report)
	}
}
