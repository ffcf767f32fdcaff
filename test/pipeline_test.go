package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/schemas"
)

// pipeline is a running pfr, whatever processes it consists of.
type pipeline struct {
	http  string // base URL
	kafka string
	nats  string
	procs []*process
}

// up starts pfr up, with a data directory if dir is not empty.
func up(t testing.TB, dir string, args ...string) *pipeline {
	t.Helper()
	args = append([]string{"up", "--http", "127.0.0.1:0"}, args...)
	if dir != "" {
		args = append(args, "--data", dir)
	}
	p := startPFR(t, args...)
	kafka, nats, _ := strings.Cut(p.await(t, "kafka "), ", nats ")
	ready, _, _ := strings.Cut(p.await(t, "pfr is ready on "), " ")
	return &pipeline{http: ready, kafka: kafka, nats: nats, procs: []*process{p}}
}

// roles starts a process for each role on one pair of brokers. args are for the router and
// the tools.
func roles(t testing.TB, kafka, nats string, args ...string) *pipeline {
	t.Helper()
	p := &pipeline{kafka: kafka, nats: nats}
	for _, role := range []string{"consumers", "fusion"} {
		p.procs = append(p.procs, p.run(t, role))
	}
	for _, role := range []string{"tools", "router"} {
		p.procs = append(p.procs, p.run(t, role, args...))
	}
	pages := t.TempDir() + "/pages.db"
	gateway := startPFR(t, "run", "gateway", "--http", "127.0.0.1:0", "--kafka", kafka, "--nats", nats, "--set", "pages.path="+pages)
	p.http = gateway.await(t, "pfr runs gateway on ")
	p.procs = append(p.procs, gateway)
	p.awaitReady(t)
	return p
}

// run starts one more process for a role and waits until it runs.
func (p *pipeline) run(t testing.TB, role string, args ...string) *process {
	t.Helper()
	proc := startPFR(t, append([]string{"run", role, "--kafka", p.kafka, "--nats", p.nats}, args...)...)
	proc.await(t, "pfr runs "+role)
	return proc
}

func (p *pipeline) awaitReady(t testing.TB) {
	t.Helper()
	eventually(t, "readiness", func() bool {
		resp, err := http.Get(p.http + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// embedded starts a pair of brokers inside the test.
func embedded(t testing.TB) (kafka, nats string) {
	t.Helper()
	b, err := inproc.Start(t.Context(), inproc.DefaultConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b.KafkaAddr(), b.NATSURL()
}

// modes are the ways to run the pipeline, with more flags for the processes that route and
// serve tools. The same tests pass in each.
func modes() map[string]func(t *testing.T, args ...string) *pipeline {
	return map[string]func(t *testing.T, args ...string) *pipeline{
		"one process": func(t *testing.T, args ...string) *pipeline { return up(t, "", args...) },
		"a process for each role": func(t *testing.T, args ...string) *pipeline {
			kafka, nats := embedded(t)
			return roles(t, kafka, nats, args...)
		},
		"real brokers": func(t *testing.T, args ...string) *pipeline {
			kafka, nats := os.Getenv("PFR_TEST_KAFKA"), os.Getenv("PFR_TEST_NATS")
			if kafka == "" || nats == "" {
				t.Skip("PFR_TEST_KAFKA and PFR_TEST_NATS are not set: run this test by test/real-brokers.sh")
			}
			return roles(t, kafka, nats, args...)
		},
	}
}

// eventually fails the test unless ok holds before long.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(startTimeout)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come within %v", what, startTimeout)
		}
		<-tick.C
	}
}

// search asks one query and returns its page. The deadline leaves room for a busy machine.
func (p *pipeline) search(t testing.TB, query string) schemas.SERP {
	t.Helper()
	page, err := p.trySearch(t.Context(), map[string]any{"query": query, "deadline_ms": 5000})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return page
}

func (p *pipeline) trySearch(ctx context.Context, request map[string]any) (page schemas.SERP, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return page, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.http+"/v1/search", bytes.NewReader(body))
	if err != nil {
		return page, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return page, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return page, statusError(resp.StatusCode)
	}
	err = json.NewDecoder(resp.Body).Decode(&page)
	return page, err
}

type statusError int

func (e statusError) Error() string { return http.StatusText(int(e)) }

// get returns the status and body of a GET.
func (p *pipeline) get(t testing.TB, path, accept string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.http+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, readAll(t, resp.Body)
}
