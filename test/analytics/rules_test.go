package analytics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// promtool runs Prometheus' own tool.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "prometheus/promtool.sh", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	t.Logf("%s", out)
}

// The rules are valid, and do what prometheus/rules.test.yml says.
func TestRules(t *testing.T) {
	need(t, "PFR_TEST_SCALE", "downloads promtool of Prometheus")
	promtool(t, "check", "rules", "../../deploy/prometheus/rules.yml")
	promtool(t, "test", "rules", "prometheus/rules.test.yml")
}

// Every query of every dashboard is PromQL.
func TestDashboardQueriesParse(t *testing.T) {
	need(t, "PFR_TEST_SCALE", "downloads promtool of Prometheus")
	variable := regexp.MustCompile(`\$\w+`)
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboards\n  rules:\n")
	n := 0
	for _, d := range readDashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				n++
				expr, err := json.Marshal(variable.ReplaceAllString(q.Expr, "x")) // JSON is YAML
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&rules, "  - record: query_%d\n    expr: %s\n", n, expr)
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d queries", n)
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}

// Each alert says how urgent it is, what is the matter, and what to do first.
func TestAlertsHaveRunbooks(t *testing.T) {
	text := shipped(t)["rules.yml"]
	alerts := strings.Split(text, "- alert: ")[1:]
	if len(alerts) < 15 {
		t.Fatalf("only %d alerts", len(alerts))
	}
	for _, alert := range alerts {
		name, body, _ := strings.Cut(alert, "\n")
		body, _, _ = strings.Cut(body, "\n  - name: ")
		for _, want := range []string{"labels: {severity: ", "summary: ", "runbook: "} {
			if !strings.Contains(body, want) {
				t.Errorf("%s has no %q", name, want)
			}
		}
		if strings.Contains(body, "by (le)") || !strings.HasPrefix(name, "Pfr") {
			t.Errorf("%s: computes what should be recorded, or has a foreign name", name)
		}
	}
}

// dashboard is the part of a Grafana dashboard that is checked.
type dashboard struct {
	file       string
	UID        string `json:"uid"`
	Title      string `json:"title"`
	Templating struct {
		List []struct{ Name, Type string }
	}
	Panels []struct {
		ID          int
		Type        string
		Title       string
		Description string
		Datasource  struct{ UID string }
		GridPos     struct{ X, Y, W, H int }
		FieldConfig struct {
			Defaults struct{ Unit string }
		}
		Targets []struct{ Expr, LegendFormat string }
	}
}

func readDashboards(t *testing.T) []dashboard {
	t.Helper()
	var all []dashboard
	for file, text := range shipped(t) {
		if filepath.Ext(file) != ".json" {
			continue
		}
		d := dashboard{file: file}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, d)
	}
	return all
}

// A panel has a description, a unit, a query, a place of its own, and the reader's choice
// of a server.
func TestDashboardsAreComplete(t *testing.T) {
	uids := map[string]bool{}
	for _, d := range readDashboards(t) {
		if uids[d.UID] || d.UID+".json" != d.file {
			t.Errorf("%s: the uid %q is taken, or not the name of the file", d.file, d.UID)
		}
		uids[d.UID] = true
		if len(d.Templating.List) == 0 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" {
			t.Errorf("%s: no variable for the data source", d.file)
		}
		checkPanels(t, d)
	}
}

func checkPanels(t *testing.T, d dashboard) {
	t.Helper()
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		where := d.file + ": " + p.Title
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: the id %d is taken", where, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Errorf("%s: lies on %q, or outside", where, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%s: title, description, unit, query or data source is missing: %+v", where, p)
		}
		for _, q := range p.Targets {
			if q.Expr == "" || q.LegendFormat == "" {
				t.Errorf("%s: a query without text or name: %+v", where, q)
			}
		}
	}
}
