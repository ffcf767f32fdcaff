package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

const operatorKey = "a key that only operators have"

// operated starts a pipeline, in one process or one for each role, whose gateway knows the
// operator key. args are for the routers and tools.
func operated(t *testing.T, together bool, args ...string) *pipeline {
	t.Helper()
	file := filepath.Join(t.TempDir(), "operator.key")
	if err := os.WriteFile(file, []byte(operatorKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := []string{"--set", "gateway.operator_key_file=" + file}
	if together {
		return up(t, "", append(set, args...)...)
	}
	kafka, nats := embedded(t)
	p := &pipeline{kafka: kafka, nats: nats}
	for _, role := range []string{"consumers", "fusion"} {
		p.run(t, role)
	}
	p.run(t, "tools", args...)
	p.run(t, "router", args...)
	gateway := startPFR(t, append([]string{"run", "gateway", "--http", "127.0.0.1:0", "--kafka", kafka, "--nats", nats, "--set", "pages.path=" + t.TempDir() + "/pages.db"}, set...)...)
	p.http = gateway.await(t, "pfr runs gateway on ")
	p.awaitReady(t)
	return p
}

// call sends JSON, decodes what comes into out if that is not nil, and returns the status.
func (p *pipeline) call(t *testing.T, method, path, key string, in, out any) int {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, p.http+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text := readAll(t, resp.Body)
	if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return resp.StatusCode
}

// operatorState is what the test reads of /v1/operator.
type operatorState struct {
	Pages struct{ Total int }
	Tiers []struct{ Source schemas.Source }
	Tools []struct{ Tool string }
	Lag   []struct {
		Topic string
		Lag   int64
	}
	Ladder struct {
		InForce schemas.Ladder `json:"in_force"`
		Reason  string
		By      string
	}
	MayOperate bool `json:"may_operate"`
}

// An operator with the key moves the ladder of every router, also of one that starts
// later, sees what is going on, and lifts it again. Nobody else does.
func TestOperatorMovesTheLadder(t *testing.T) {
	for name, together := range map[string]bool{"one process": true, "a process for each role": false} {
		t.Run(name, func(t *testing.T) {
			p := operated(t, together)
			const query = "artists similar to khruangbin"
			down := map[string]string{"ladder": "search", "reason": "a drill"}
			for _, key := range []string{"", "a wrong key"} {
				if got := p.call(t, http.MethodPost, "/v1/operator/ladder", key, down, nil); got != http.StatusUnauthorized && got != http.StatusForbidden {
					t.Errorf("with key %q: %d", key, got)
				}
			}
			if got := p.call(t, http.MethodPost, "/v1/operator/ladder", operatorKey, down, nil); got != http.StatusOK {
				t.Fatalf("with the key: %d", got)
			}
			eventually(t, "the ladder on the router", func() bool { return p.search(t, query).Route.Name == "search" })
			if !together {
				p.run(t, "router") // shares the queries with the other
			}
			for range 20 {
				if page := p.search(t, query); page.Route.Name != "search" {
					t.Errorf("a router decides by itself: %s", outline(page))
				}
			}
			var state operatorState
			eventually(t, "what the operator sees", func() bool {
				p.call(t, http.MethodGet, "/v1/operator", operatorKey, nil, &state)
				return state.Pages.Total >= 20 && state.Ladder.InForce == schemas.LadderSearch && len(state.Lag) == 2
			})
			if state.Ladder.Reason != "a drill" || state.Ladder.By != "operator" || !state.MayOperate || state.Tiers[0].Source != schemas.SourceFallback {
				t.Errorf("%+v", state)
			}
			p.call(t, http.MethodPost, "/v1/operator/ladder", operatorKey, map[string]string{"ladder": "llm"}, nil)
			eventually(t, "the ladder lifted", func() bool { return p.search(t, query).Route.Name == "similar_artists" })
		})
	}
}

// What three clients have asked is suggested to the next, in their market.
func TestPopularQueriesAreSuggested(t *testing.T) {
	p := up(t, "")
	suggested := func(market, typed, want, source string) bool {
		var got struct {
			Suggestions []struct{ Query, Source string }
		}
		p.call(t, http.MethodGet, "/v1/suggest?market="+market+"&q="+typed, "", nil, &got)
		return slices.ContainsFunc(got.Suggestions, func(s struct{ Query, Source string }) bool { return s.Query == want && s.Source == source })
	}
	if !suggested("US", "artists", "artists similar to Khruangbin", "example") {
		t.Error("no example is suggested")
	}
	for _, client := range []string{"one", "two", "three", "three"} {
		if suggested("GB", "zydeco", "zydeco for the kitchen", "popular") {
			t.Errorf("suggested before %s", client)
		}
		if _, err := p.trySearch(t.Context(), map[string]any{"query": "Zydeco for the kitchen", "market": "GB", "client_id": client, "deadline_ms": 5000}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the suggestion", func() bool { return suggested("GB", "zyd", "zydeco for the kitchen", "popular") })
	if !suggested("GB", "kit", "zydeco for the kitchen", "popular") {
		t.Error("a word in it does not find it")
	}
	if suggested("DE", "zyd", "zydeco for the kitchen", "popular") {
		t.Error("it is suggested elsewhere")
	}
}

// Two arms of a roll-out answer one query side by side; neither search counts.
func TestArmsAreCompared(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rollout.yaml")
	const policy = "ladder: llm\nshadow:\n  - {name: plain, share: 0.01, ladder: search}\n"
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	p := operated(t, true, "--set", "router.rollout="+file)
	type side struct {
		Page    *schemas.SERP
		Problem *struct{ Status int }
	}
	var got struct{ Left, Right side }
	status := p.call(t, http.MethodPost, "/v1/compare", "", map[string]any{
		"query": "artists similar to khruangbin", "deadline_ms": 5000, "left": map[string]string{}, "right": map[string]string{"arm": "plain"},
	}, &got)
	if status != http.StatusOK || got.Left.Page == nil || got.Right.Page == nil {
		t.Fatalf("%d: %+v", status, got)
	}
	if got.Left.Page.Route.Name != "similar_artists" || got.Right.Page.Route.Name != "search" || got.Right.Page.Route.Arm != "plain" {
		t.Errorf("left %s, right %s", outline(*got.Left.Page), outline(*got.Right.Page))
	}
	var state operatorState
	p.call(t, http.MethodGet, "/v1/operator", "", nil, &state)
	if state.Pages.Total != 0 || state.MayOperate {
		t.Errorf("%+v", state)
	}
	if got := p.call(t, http.MethodPost, "/v1/compare", "", map[string]any{"query": "x", "left": map[string]string{"peer": "nobody"}}, nil); got != http.StatusBadRequest {
		t.Errorf("an unknown peer: %d", got)
	}
}
