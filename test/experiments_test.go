package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// experimented starts a pipeline whose routers and consumers read a roll-out file, in one
// process or one for each role, and whose gateway knows the operator key.
func experimented(t *testing.T, together bool, policy string) *pipeline {
	t.Helper()
	dir := t.TempDir()
	file, key, salt := filepath.Join(dir, "rollout.yaml"), filepath.Join(dir, "operator.key"), filepath.Join(dir, "salt")
	for path, text := range map[string]string{file: policy, key: operatorKey, salt: strings.Repeat("a salt of a test ", 4)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rollout := []string{"--set", "router.rollout=" + file, "--set", "consumers.experiments.every=200ms", "--set", "consumers.publish_every=200ms"}
	operate := []string{"--set", "gateway.operator_key_file=" + key}
	if together {
		return up(t, "", append(rollout, operate...)...)
	}
	kafka, nats := embedded(t)
	p := &pipeline{kafka: kafka, nats: nats}
	p.run(t, "fusion", "--set", "privacy.salt_file="+salt)
	p.run(t, "tools")
	p.run(t, "consumers", rollout...)
	p.run(t, "router", rollout...)
	args := append([]string{"run", "gateway", "--http", "127.0.0.1:0", "--kafka", kafka, "--nats", nats, "--set", "pages.path=" + dir + "/pages.db"}, operate...)
	p.http = startPFR(t, args...).await(t, "pfr runs gateway on ")
	p.awaitReady(t)
	return p
}

// crowd is listeners who search and do something with what they get.
type crowd struct {
	clients, searches int // searches of each client
	queries           []string
	clicks            float64 // the probability of a click
}

// search has everybody search, and returns the pages. What is random is the same each time.
func (c crowd) search(t *testing.T, p *pipeline) []schemas.SERP {
	t.Helper()
	lots := rand.New(rand.NewPCG(1, 2))
	var pages []schemas.SERP
	for n := range c.clients * c.searches {
		client := fmt.Sprintf("client-%d", n%c.clients)
		page, err := p.trySearch(t.Context(), map[string]any{
			"query": c.queries[lots.IntN(len(c.queries))], "client_id": client, "deadline_ms": 5000, "platform": "web",
		})
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
		if lots.Float64() < c.clicks {
			p.act(t, page, client)
		}
	}
	return pages
}

// act tells that the first section was seen and its first item clicked.
func (p *pipeline) act(t *testing.T, page schemas.SERP, client string) {
	t.Helper()
	if len(page.Sections) == 0 || len(page.Sections[0].Items) == 0 {
		return
	}
	s, now := page.Sections[0], time.Now().UTC()
	event := func(action string, more map[string]any) map[string]any {
		out := map[string]any{
			"event_id": page.CorrelationID + action, "action_name": action, "query_id": page.CorrelationID, "client_id": client,
			"timestamp": now, "sent_at": now, "section_id": s.ID, "section_position": 1, "route": page.Route.Name,
		}
		maps.Copy(out, more)
		return out
	}
	item := map[string]any{"object": map[string]any{"object_id": s.Items[0].ID}, "position": map[string]any{"ordinal": 1}}
	events := []map[string]any{event("impression", map[string]any{"visible_ms": 1000}), event("click", map[string]any{"event_attributes": item})}
	if got := p.call(t, http.MethodPost, "/v1/interactions", "", events, nil); got != http.StatusAccepted {
		t.Fatalf("interactions: %d", got)
	}
}

// trialState is what the test reads of /v1/experiments/{name}.
type trialState struct {
	Readout struct {
		Report struct {
			Units    int64
			Decision string
			Arms     []struct {
				Name    string
				Units   int64
				Metrics []struct {
					Name        string
					Numerator   int64
					Denominator int64
				}
			}
		}
	}
	Arms []struct {
		Arm string
		Off bool
		By  string
	}
}

const policyOfTwo = `ladder: llm
experiments:
  - name: plain-search
    salt: s1
    share: 1
    arms:
      - {name: control}
      - {name: plain, without: [similar_artists]}
    plan: {clients: 200, looks: 2, success: [success_rate], guardrails: {zero_result_rate: 0.5}}
`

// Clients of an experiment get arms that stay, pages say which, what they do is counted for
// them, and an arm that an operator switches off serves nobody any more.
func TestExperiment(t *testing.T) {
	for name, together := range map[string]bool{"one process": true, "a process for each role": false} {
		t.Run(name, func(t *testing.T) {
			p := experimented(t, together, policyOfTwo)
			// Only the first query would get a route that one arm lacks.
			listeners := crowd{clients: 40, searches: 2, queries: []string{"artists similar to khruangbin", "khruangbin"}, clicks: .6}
			pages := listeners.search(t, p)
			exposed, searches := armsOf(t, pages, listeners.clients)
			var state trialState
			eventually(t, "every client in the readout", func() bool {
				p.call(t, http.MethodGet, "/v1/experiments/plain-search", "", nil, &state)
				return state.Readout.Report.Units == int64(len(exposed))
			})
			for _, a := range state.Readout.Report.Arms {
				want := int64(0)
				for _, arm := range exposed {
					if arm == "plain-search/"+a.Name {
						want++
					}
				}
				if a.Units != want || len(a.Metrics) != 2 {
					t.Errorf("%s: %d clients, want %d", a.Name, a.Units, want)
				}
			}
			eventually(t, "every exposed search and click", func() bool {
				p.call(t, http.MethodGet, "/v1/experiments/plain-search", "", nil, &state)
				seen, successes := int64(0), int64(0)
				for _, a := range state.Readout.Report.Arms {
					seen, successes = seen+a.Metrics[0].Denominator, successes+a.Metrics[0].Numerator
				}
				return seen == int64(searches) && successes > 0
			})
			stopAndStart(t, p)
		})
	}
}

// armsOf checks the arms of pages, and returns those of the clients that were exposed, and
// how many searches were.
func armsOf(t *testing.T, pages []schemas.SERP, clients int) (exposed map[int]string, searches int) {
	t.Helper()
	exposed = map[int]string{}
	arms := map[int]string{}
	for n, page := range pages {
		r := page.Route
		if !strings.HasPrefix(r.Arm, "plain-search/") || arms[n%clients] != "" && arms[n%clients] != r.Arm {
			t.Errorf("client %d was in %q, is in %q", n%clients, arms[n%clients], r.Arm)
		}
		arms[n%clients] = r.Arm
		if differs := page.Query == "artists similar to khruangbin"; r.Exposed != differs {
			t.Errorf("%s: exposed %v: %s", page.Query, r.Exposed, outline(page))
		}
		if r.Exposed {
			exposed[n%clients] = r.Arm
			searches++
		}
		if plain := r.Arm == "plain-search/plain"; r.Exposed && plain != (r.Name == "search") {
			t.Errorf("%s decided %s", r.Arm, r.Name)
		}
	}
	if len(exposed) < clients/2 || len(exposed) == searches {
		t.Errorf("%d clients were exposed, by %d searches", len(exposed), searches)
	}
	return exposed, searches
}

// stopAndStart switches the arm off and on again, from the command line.
func stopAndStart(t *testing.T, p *pipeline) {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(operatorKey), 0o600); err != nil {
		t.Fatal(err)
	}
	served := func() map[string]bool {
		names := map[string]bool{}
		for n := range 12 {
			page, err := p.trySearch(t.Context(), map[string]any{"query": "artists similar to khruangbin", "client_id": fmt.Sprint("client-", n), "deadline_ms": 5000})
			if err != nil {
				t.Fatal(err)
			}
			names[page.Route.Arm] = true
			if page.Route.Arm == "plain-search/stopped" && page.Route.Name != "similar_artists" {
				t.Errorf("a stopped arm decides %s", page.Route.Name)
			}
		}
		return names
	}
	if out, err := runPFR(t, "", "experiments", "stop", "plain-search/plain", "--http", p.http, "--operator-key-file", key, "--reason", "a drill"); err != nil || !strings.Contains(out, "is off") {
		t.Fatalf("%s %v", out, err)
	}
	eventually(t, "the arm to be off at the router", func() bool { s := served(); return s["plain-search/stopped"] && !s["plain-search/plain"] })
	var state trialState
	eventually(t, "the switch on the page", func() bool {
		p.call(t, http.MethodGet, "/v1/experiments/plain-search", "", nil, &state)
		return len(state.Arms) == 1 && state.Arms[0].Off && state.Arms[0].By == "operator"
	})
	if out, err := runPFR(t, "", "experiments", "--http", p.http); err != nil || !strings.Contains(out, "plain-search") || !strings.Contains(out, "plain") {
		t.Errorf("%s %v", out, err)
	}
	if out, err := runPFR(t, "", "metrics", "--http", p.http, "--cut", "arm"); err != nil || !strings.Contains(out, "plain-search/control") {
		t.Errorf("%s %v", out, err)
	}
	if out, err := runPFR(t, "", "experiments", "start", "plain-search/plain", "--http", p.http, "--operator-key-file", key, "--reason", "the drill is over"); err != nil {
		t.Fatalf("%s %v", out, err)
	}
	eventually(t, "the arm to be on again", func() bool { s := served(); return s["plain-search/plain"] && !s["plain-search/stopped"] })
}

// A crowd for the web pages of a pipeline that runs: where PFR_TEST_DEMO is its address, a
// hundred listeners search and click there.
func TestDemo(t *testing.T) {
	url := os.Getenv("PFR_TEST_DEMO")
	if url == "" {
		t.Skip("PFR_TEST_DEMO is not set: it names a gateway that a crowd is let loose on, such as http://127.0.0.1:8080")
	}
	pages := crowd{clients: 100, searches: 6, clicks: .45, queries: []string{
		"artists similar to khruangbin", "khruangbin", "latest albums by lady gaga", "new indie rock releases", "sad songs for a rainy day",
		"true crime podcasts", "latest episodes of radiolab", "zzzz qqqq", "what is the weather in berlin",
	}}.search(t, &pipeline{http: url})
	t.Logf("%d pages", len(pages))
}
