package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// drawings are of one thing at three widths and in colours.
func drawings(draw func(p *paper)) string {
	var b strings.Builder
	for _, p := range []*paper{{width: 120}, {width: 60}, {width: 30}, {width: 80, color: true}} {
		fmt.Fprintf(&b, "=== %d columns, colours %v\n", p.width, p.color)
		draw(p)
		fmt.Fprintln(&b, strings.ReplaceAll(strings.Join(p.lines, "\n"), "\x1b", "␛"))
	}
	return b.String()
}

func decoded[T any](t *testing.T, file string) (v T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExperimentsAreDrawn(t *testing.T) {
	one := decoded[trial](t, "experiments/one.json")
	golden(t, "testdata/experiments/one.txt", drawings(func(p *paper) { p.trial(one) }))
	other := one
	other.Experiment, other.Arms = "an experiment with a rather long name", nil
	golden(t, "testdata/experiments/list.txt", drawings(func(p *paper) { p.trials([]trial{one, other}) })+drawings(func(p *paper) { p.trials(nil) }))
	for i := range one.Readout.Report.Arms[1].Metrics {
		one.Readout.Report.Arms[1].Metrics[i].Effect = nil
	}
	one.Readout.Report.SRM.Mismatch, one.Readout.Report.NextLook = true, 0
	golden(t, "testdata/experiments/early.txt", drawings(func(p *paper) { p.trial(one) }))
	changed := decoded[trial](t, "experiments/changed.json")
	two := changed
	two.Readout.StoppedAt = time.Time{} // a third arm would go on
	golden(t, "testdata/experiments/changed.txt", drawings(func(p *paper) { p.trials([]trial{changed}); p.trial(changed); p.trial(two) }))
}

func TestMetricsAreDrawn(t *testing.T) {
	o := decoded[online](t, "experiments/online.json")
	golden(t, "testdata/experiments/online.txt", drawings(func(p *paper) { p.online(o, 2) })+drawings(func(p *paper) { p.online(online{Window: "1h", Cut: "arm", Cuts: []string{"all", "route"}}, 1) }))
}

// No line is wider than the terminal.
func TestTablesFit(t *testing.T) {
	one, o := decoded[trial](t, "experiments/one.json"), decoded[online](t, "experiments/online.json")
	for columns := minWidth; columns < 160; columns++ {
		p := &paper{width: columns}
		p.trial(one)
		p.trials([]trial{one})
		p.online(o, 2)
		for _, line := range p.lines {
			if width(line) > columns {
				t.Fatalf("%d columns: %q", columns, line)
			}
		}
	}
}

// asked is a gateway that keeps what it was asked.
type asked struct {
	answer string
	status int
	path   string
	key    string
	body   string
}

func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.path, a.key, a.body = r.Method+" "+r.URL.String(), r.Header.Get("Authorization"), string(body)
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = io.WriteString(w, a.answer)
}

func TestRemoteCommands(t *testing.T) {
	one, err := os.ReadFile("testdata/experiments/one.json")
	if err != nil {
		t.Fatal(err)
	}
	series, err := os.ReadFile("testdata/experiments/online.json")
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args                  string
		gateway               asked
		path, key, body, want string
		fails                 string
	}{
		{args: "experiments", gateway: asked{answer: `{"experiments":[` + string(one) + `]}`}, path: "GET /v1/experiments", want: "reranker"},
		{args: "experiments re/rank --api-key-file " + key, gateway: asked{answer: string(one)}, path: "GET /v1/experiments/re%2Frank", key: "Bearer secret", want: "●"},
		{args: "experiments reranker --json", gateway: asked{answer: string(one)}, path: "GET /v1/experiments/reranker", want: "\n  \"experiment\": \"reranker\""},
		{
			args: "experiments stop reranker/new --reason slow --operator-key-file " + key, gateway: asked{answer: `{"arm":"reranker/new","off":true}`},
			path: "POST /v1/operator/arms", key: "Bearer secret", body: `{"arm":"reranker/new","off":true,"reason":"slow"}`, want: "reranker/new is off.",
		},
		{
			args: "experiments start reranker/new --reason mended --operator-key-file " + key, gateway: asked{answer: `{"arm":"reranker/new","off":false}`},
			path: "POST /v1/operator/arms", key: "Bearer secret", body: `{"arm":"reranker/new","off":false,"reason":"mended"}`, want: "reranker/new is on.",
		},
		{args: "metrics --window 1h --cut route+market", gateway: asked{answer: string(series)}, path: "GET /v1/metrics/online?cut=route%2Bmarket&window=1h", want: "searches"},
		{args: "metrics --json", gateway: asked{answer: `{"series":[]}`}, path: "GET /v1/metrics/online?cut=route&window=all", want: `"series": []`},
		{args: "experiments none", gateway: asked{status: 404, answer: `{"title":"Not Found","detail":"There is no experiment of this name."}`}, path: "GET /v1/experiments/none", fails: "404 Not Found: There is no experiment"},
		{args: "metrics", gateway: asked{status: 401, answer: `no JSON`}, path: "GET /v1/metrics/online?cut=route&window=all", fails: "--api-key-file"},
	} {
		g := c.gateway
		server := httptest.NewServer(&g)
		out, err := runPFR(t, append(strings.Fields(c.args), "--http", server.Listener.Addr().String())...)
		server.Close()
		if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v, printed\n%s", c.args, err, out)
		}
		if g.path != c.path || g.key != c.key || g.body != c.body {
			t.Errorf("%s: asked %s with %q: %s", c.args, g.path, g.key, g.body)
		}
	}
	if _, err := runPFR(t, "experiments", "stop", "a/b", "--reason", "x"); err == nil || !strings.Contains(err.Error(), "operator-key-file") {
		t.Errorf("without a key: %v", err)
	}
}
