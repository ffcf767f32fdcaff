package analytics

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	series   = regexp.MustCompile(`\b(pfr_[a-z0-9_]+)(\{[^}]*\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*\\?"`)
	recorded = regexp.MustCompile(`\bpfr:[a-z0-9_:]+`)
	records  = regexp.MustCompile(`- record: (\S+)`)
)

// shipped are the files that name metrics.
func shipped(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../../deploy/grafana/*.json")
	if err != nil || len(names) < 3 {
		t.Fatalf("dashboards: %q, %v", names, err)
	}
	out := map[string]string{}
	for _, name := range append(names, "../../deploy/prometheus/rules.yml") {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(name)] = string(b)
	}
	return out
}

// Every series that a rule or a dashboard asks for is one that the product makes, and so
// is every label that it is chosen by.
func TestMetricsOfRulesAndDashboardsExist(t *testing.T) {
	all := declaredMetrics(t)
	rules := map[string]bool{}
	for file, text := range shipped(t) {
		for _, m := range records.FindAllStringSubmatch(text, -1) {
			rules[m[1]] = true
		}
		found := series.FindAllStringSubmatch(text, -1)
		if len(found) < 5 {
			t.Errorf("%s: only %d series found", file, len(found))
		}
		for _, m := range found {
			made, ok := all.find(m[1])
			if !ok {
				t.Errorf("%s: no part of the product makes %s", file, m[1])
				continue
			}
			for _, label := range matcher.FindAllStringSubmatch(m[2], -1) {
				if made.labels != nil && !slices.Contains(slices.Concat(made.labels, everywhere), label[1]) {
					t.Errorf("%s: %s has no label %s, only %q", file, m[1], label[1], made.labels)
				}
			}
		}
	}
	for file, text := range shipped(t) {
		for _, name := range recorded.FindAllString(text, -1) {
			if !rules[name] {
				t.Errorf("%s: no rule records %s", file, name)
			}
		}
	}
}

// A running pipeline shows no metric that declaredMetrics does not know: so it can be
// trusted with those that a scrape does not show yet.
func TestScrapeIsDeclared(t *testing.T) {
	need(t, "PFR_TEST_SCALE", "builds and starts the whole pipeline")
	text := scrape(t)
	all := declaredMetrics(t)
	seen := 0
	for line := range strings.Lines(text) {
		m := series.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(line, "#") {
			continue
		}
		seen++
		made, ok := all.find(m[1])
		if !ok {
			t.Errorf("not declared: %s", strings.TrimSpace(line))
			continue
		}
		for _, label := range matcher.FindAllStringSubmatch(m[2], -1) {
			if made.labels != nil && !slices.Contains(slices.Concat(made.labels, everywhere), label[1]) {
				t.Errorf("%s has the label %s, declared are %q", m[1], label[1], made.labels)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d series", seen)
	}
}

// scrape starts the whole pipeline in one process, asks it something, and returns what a
// Prometheus server would get.
func scrape(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "pfr")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/pfr").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "up", "--http", "127.0.0.1:0", "--data", t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	address := ""
	for address == "" && lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "pfr is ready on "); ok {
			address, _, _ = strings.Cut(rest, " ")
		}
	}
	defer func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("pfr: %v", err)
		}
	}()
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	get(t, client, address+"/v1/search?q=jazz")
	return get(t, client, address+"/metrics")
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v\n%.300s", url, resp.Status, err, b)
	}
	return string(b)
}
