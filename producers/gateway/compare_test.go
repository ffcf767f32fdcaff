package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// comparedSide is a side of the answer of /v1/compare.
type comparedSide struct {
	Page    *schemas.SERP
	Why     *struct{ Summary string }
	Problem *struct {
		Status int
		Detail string
	}
}

type comparison struct{ Left, Right comparedSide }

// compare compares, and wants both sides answered.
func compare(t *testing.T, g *gateway.Gateway, body string) comparison {
	t.Helper()
	w := serve(g, post(t, "/v1/compare", body))
	var got comparison
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return got
}

// withPeer has a gateway know a peer that answers with h.
func withPeer(t *testing.T, h http.Handler) func(*gateway.Config) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return func(c *gateway.Config) {
		c.Peers, c.PeerTimeout = map[string]string{"candidate": server.URL + "/"}, 200*time.Millisecond
	}
}

// Both sides ask the same, each in its way: here with an arm, there at another gateway.
func TestCompare(t *testing.T) {
	here, there := newBackend(t), newBackend(t)
	g := here.open(t, withPeer(t, there.open(t, nil).Handler()))
	got := compare(t, g, `{"query": "lady gaga", "market": "GB", "deadline_ms": 700, "left": {"arm": "plain"}, "right": {"mode": "post-fusion", "peer": "candidate"}}`)
	if got.Left.Page == nil || got.Right.Page == nil || got.Left.Why == nil || got.Right.Why == nil || got.Left.Why.Summary == "" {
		t.Fatalf("%+v", got)
	}
	left, right := here.queries(), there.queries()
	if len(left) != 1 || len(right) != 1 {
		t.Fatalf("%d here, %d there", len(left), len(right))
	}
	if q := left[0]; q.Experiments[schemas.ExperimentArm] != "plain" || !q.Probe || q.Mode == schemas.PostFusion {
		t.Errorf("here %+v", q)
	}
	if q := right[0]; q.Mode != schemas.PostFusion || q.Experiments[schemas.ExperimentArm] != "" {
		t.Errorf("there %+v", q)
	}
	for name, q := range map[string]schemas.Query{"here": left[0], "there": right[0]} {
		if q.Text != "lady gaga" || q.Market != "GB" || q.Deadline.Sub(q.SubmittedAt) != 700*time.Millisecond || q.User != nil {
			t.Errorf("%s %+v", name, q)
		}
	}
}

// A peer that does not answer with a page is the problem of its side alone, which says what
// the peer said.
func TestComparePeerFails(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	for name, c := range map[string]struct {
		peer http.HandlerFunc
		want string
	}{
		"refuses": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"detail": "Send a key."}`)
		}, " It said: Send a key."},
		"is no gateway":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusNotFound) }, " It said: 404 Not Found"},
		"talks for ever": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 9<<20)) }, ""},
		"says something": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"hello": "there"}`) }, ""},
		"is stuck": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-stuck:
			case <-r.Context().Done():
			}
		}, ""},
	} {
		g := newBackend(t).open(t, withPeer(t, c.peer))
		got := compare(t, g, `{"query": "lady gaga", "right": {"peer": "candidate"}}`)
		if got.Left.Page == nil || got.Left.Problem != nil {
			t.Errorf("%s: the left side: %+v", name, got.Left)
		}
		if p := got.Right.Problem; p == nil || p.Status != http.StatusBadGateway || p.Detail != "The peer did not answer with a page."+c.want || got.Right.Page != nil {
			t.Errorf("%s: the right side: %+v", name, got.Right)
		}
	}
}

func TestBadComparisons(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, nil)
	for body, want := range map[string]string{
		`{}`: "query: must not be empty",
		`{"query": "x", "left": {"peer": "nobody"}}`:                           `peer: there is no \"nobody\" in gateway.peers.`,
		`{"query": "x", "market": "gb"}`:                                       "market: ",
		`{"query": "x", "right": {"mode": "fusion"}}`:                          "mode: ",
		`{"query": "x", "deadline_ms": 0}`:                                     "deadline_ms: ",
		`{"query": "x", "user": {"id": "somebody"}}`:                           "user",
		`{"query": "x", "left": {"arm": "` + strings.Repeat("a", 2000) + `"}}`: "experiments",
	} {
		w := serve(g, post(t, "/v1/compare", body))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.60s: %d %s", body, w.Code, w.Body)
		}
	}
	if n := len(b.queries()); n > 0 {
		t.Errorf("%d searches were asked", n)
	}
}

// Whoever may search in some markets compares in those, and sees what is popular in those.
func TestMarketsBoundComparisonsAndSuggestions(t *testing.T) {
	g := newBackend(t).open(t, guarded(t))
	for target, want := range map[string]int{"DE": http.StatusOK, "GB": http.StatusForbidden, "": http.StatusForbidden} {
		compared, suggested := post(t, "/v1/compare", `{"query": "x", "market": "`+target+`"}`), get(t, "/v1/suggest?market="+target)
		if target == "" {
			suggested = get(t, "/v1/suggest")
		}
		for _, r := range []*http.Request{compared, suggested} {
			if w := serve(g, as(r, germanKey)); w.Code != want {
				t.Errorf("%s in %q: %d %s, want %d", r.URL, target, w.Code, w.Body, want)
			}
		}
	}
}
