package e2e

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Each tool in a process of its own, stopped and then killed in turn: the page comes by
// its deadline, the tool's sections say what happened, and the others are answered.
func TestAnyOneToolHungOrKilled(t *testing.T) {
	kafka, nats := embedded(t)
	p := &pipeline{kafka: kafka, nats: nats}
	for _, role := range []string{"consumers", "fusion", "router"} {
		p.run(t, role)
	}
	queries := map[string]string{ // that call the tool
		"search": "lady gaga", "similar_artists": "artists similar to khruangbin", "personalized_recs": "90s hip hop",
		"new_releases": "latest albums by lady gaga", "release_info": "latest albums by lady gaga",
		"podcast_search": "true crime podcasts", "dj": "90s hip hop",
	}
	workers := map[string]*process{}
	for tool := range queries {
		workers[tool] = p.run(t, "tools", "--set", "tools.only=["+tool+"]")
	}
	gateway := startPFR(t, "run", "gateway", "--http", "127.0.0.1:0", "--kafka", kafka, "--nats", nats, "--set", "pages.path="+t.TempDir()+"/pages.db")
	p.http = gateway.await(t, "pfr runs gateway on ")
	p.awaitReady(t)

	for tool, query := range queries {
		worker := workers[tool]
		if err := worker.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		checkPageWithout(t, p, tool, query, schemas.SectionTimeout)
		worker.kill(t)
		checkPageWithout(t, p, tool, query, schemas.SectionNoResponder)
		p.run(t, "tools", "--set", "tools.only=["+tool+"]")
		if page := p.search(t, query); page.Status != schemas.SERPComplete {
			t.Errorf("after a new start of %s: %s", tool, outline(page))
		}
	}
}

// checkPageWithout wants the sections of one tool to have a status, and all others an answer.
func checkPageWithout(t *testing.T, p *pipeline, tool, query string, want schemas.SectionStatus) {
	t.Helper()
	const deadline = 1500 * time.Millisecond
	start := time.Now()
	page, err := p.trySearch(t.Context(), map[string]any{"query": query, "deadline_ms": deadline.Milliseconds()})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > deadline {
		t.Errorf("the page took %v", took)
	}
	if !slices.ContainsFunc(page.Sections, func(s schemas.Section) bool { return s.Tool == tool }) {
		t.Fatalf("%q does not call %s: %s", query, tool, outline(page))
	}
	for _, s := range page.Sections {
		if s.Tool == tool && s.Status != want || s.Tool != tool && !s.Status.Answered() {
			t.Errorf("without %s, want %s: %s", tool, want, outline(page))
		}
	}
	if page.Status == schemas.SERPComplete {
		t.Errorf("without %s: %s", tool, outline(page))
	}
}
