package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
	"github.com/parallel-fusion/pfr/tool-workers/mcp/remote"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

// asCommand makes the test binary a server over its standard streams. It says how the
// server behaves.
const asCommand = "PFR_TEST_MCP_COMMAND"

func TestMain(m *testing.M) {
	if how := os.Getenv(asCommand); how != "" {
		if err := serveStdio(how); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func serveStdio(how string) error {
	if how == "dies" {
		return errors.New("died")
	}
	return newServer(func(a args) (*mcp.CallToolResult, any, error) {
		if how == "dies on call" {
			os.Exit(1)
		}
		return answer(a)
	}).Run(context.Background(), &mcp.StdioTransport{})
}

type args struct {
	Place string   `json:"place"`
	Days  int      `json:"days,omitempty"`
	Kinds []string `json:"kinds,omitempty"`
	Max   int      `json:"max,omitempty"`
}

type found struct {
	Results []map[string]any `json:"results"`
}

// newServer is a server of the official SDK with one tool.
func newServer(run func(args) (*mcp.CallToolResult, any, error)) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "festivals", Version: "1.0.0"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "find festivals", Description: "finds festivals"}, func(_ context.Context, _ *mcp.CallToolRequest, a args) (*mcp.CallToolResult, any, error) {
		return run(a)
	})
	return s
}

func answer(a args) (*mcp.CallToolResult, any, error) {
	text := &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "<h1>Two</h1> festivals near \x1b[31m" + a.Place}}}
	return text, found{Results: []map[string]any{
		{"key": "f1", "label": "River Fest", "start": "2026-07-01", "near": a.Place},
		{"key": "f2", "label": "Hill Fest", "start": "2026", "near": a.Place},
	}}, nil
}

// host is a server over HTTP that can forget its sessions.
type host struct {
	*httptest.Server
	mu      sync.Mutex
	handler http.Handler
	servers []*mcp.Server
	calls   atomic.Int64 // requests over HTTP
}

func newHost(t *testing.T, run func(args) (*mcp.CallToolResult, any, error)) *host {
	t.Helper()
	h := &host{}
	h.restart(run)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.calls.Add(1)
		h.mu.Lock()
		handler := h.handler
		h.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(h.end)
	return h
}

// restart forgets every session.
func (h *host) restart(run func(args) (*mcp.CallToolResult, any, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := newServer(run)
	h.servers = append(h.servers, s)
	h.handler = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, nil)
}

// end closes the server, and the sessions that nobody ended.
func (h *host) end() {
	h.Close()
	for _, s := range h.servers {
		for session := range s.Sessions() {
			_ = session.Close()
		}
	}
}

func describe() adapter.Config {
	return adapter.Config{
		Name: "festivals", For: "finds festivals near a place", Results: []schemas.ItemType{"festival"},
		Params: []tools.Param{
			{Name: "place", Type: tools.TextParam, Doc: "a town", Required: true},
			{Name: "days", Type: tools.IntegerParam, Doc: "from now", Min: new(1), Max: new(365)},
		},
		Example: adapter.Example{Query: "festivals in ghent", Params: map[string]any{"place": "Ghent"}},
	}
}

func config() remote.Config {
	return remote.Config{
		Tool: "find festivals", Arguments: map[string]any{"place": "{{place}}", "days": "{{days}}", "max": "{{limit}}"},
		Map:      adapter.Mapping{List: "results", ID: "key", Title: "label", Subtitle: "near", ReleaseDate: "start"},
		ShowText: true,
	}
}

func newTool(t *testing.T, cfg remote.Config) *remote.Tool {
	t.Helper()
	tool, err := remote.New(describe(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tool.Close(); err != nil {
			t.Error(err)
		}
	})
	return tool
}

func overHTTP(t *testing.T, h *host) *remote.Tool {
	cfg := config()
	cfg.URL = h.URL
	return newTool(t, cfg)
}

func overStdio(t *testing.T, how string) *remote.Tool {
	t.Setenv("HOW", how)
	cfg := config()
	cfg.Command, cfg.SecretEnv = []string{os.Args[0]}, map[string]adapter.Secret{asCommand: {Env: "HOW"}}
	return newTool(t, cfg)
}

func call(ctx context.Context, tool tools.Tool, place string) (tools.Result, error) {
	return tool.Run(ctx, tooltest.Request(tool.Name(), tooltest.Call{Params: schemas.Params{"place": place}}))
}

func TestConformance(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *remote.Tool{
		"http":  func(t *testing.T) *remote.Tool { return overHTTP(t, newHost(t, answer)) },
		"stdio": func(t *testing.T) *remote.Tool { return overStdio(t, "serves") },
	} {
		t.Run(name, func(t *testing.T) {
			tool := open(t)
			tooltest.Conform(t, tool, tooltest.Call{Params: schemas.Params{"place": "Ghent", "days": 3}})
			r, err := call(t.Context(), tool, "Ghent")
			const want = "text: Two festivals near [31mGhent\n1.00  festival:f1  River Fest (2026-07-01)\n0.50  festival:f2  Hill Fest (2026)\n"
			if err != nil || tooltest.Render(r) != want || r.Items[0].Subtitle != "Ghent" {
				t.Errorf("got\n%s%v, want\n%s", tooltest.Render(r), err, want)
			}
		})
	}
}

// A server that has restarted knows no session: the call opens another.
func TestSessionsAreMadeAnew(t *testing.T) {
	h := newHost(t, answer)
	tool := overHTTP(t, h)
	for range 3 {
		if r, err := call(t.Context(), tool, "Ghent"); err != nil || len(r.Items) != 2 {
			t.Fatalf("%d items, %v", len(r.Items), err)
		}
		h.restart(answer)
	}
}

func TestACommandThatEndsIsStartedAgain(t *testing.T) {
	tool := overStdio(t, "dies on call")
	for range 2 {
		if _, err := call(t.Context(), tool, "Ghent"); !errors.Is(err, mcp.ErrConnectionClosed) {
			t.Errorf("%v, want a closed connection", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := call(ctx, overStdio(t, "dies"), "Ghent"); err == nil || ctx.Err() != nil {
		t.Errorf("%v, want an error soon", err)
	}
}

// A session that opens too slowly for one call is there for the next.
func TestSlowStarts(t *testing.T) {
	h := newHost(t, answer)
	wait := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-wait
		h.mu.Lock()
		handler := h.handler
		h.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	cfg := config()
	cfg.URL = s.URL
	tool := newTool(t, cfg)
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := call(ctx, tool, "Ghent"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want a timeout", err)
		}
		cancel()
	}
	close(wait)
	if err := tool.Warm(t.Context()); err != nil {
		t.Error(err)
	}
	if r, err := call(t.Context(), tool, "Ghent"); err != nil || len(r.Items) != 2 {
		t.Errorf("%d items, %v", len(r.Items), err)
	}
}

func TestCallsShareASession(t *testing.T) {
	h := newHost(t, answer)
	tool := overHTTP(t, h)
	if _, err := call(t.Context(), tool, "Ghent"); err != nil {
		t.Fatal(err)
	}
	before := h.calls.Load()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := call(t.Context(), tool, "Ghent"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := h.calls.Load() - before; n != 8 {
		t.Errorf("%d requests for 8 calls of an open session", n)
	}
}

func TestSilentServersAreLeftAtTheDeadline(t *testing.T) {
	hold := make(chan struct{})
	h := newHost(t, func(a args) (*mcp.CallToolResult, any, error) { <-hold; return answer(a) })
	tool := overHTTP(t, h)
	for range 4 { // more than a session survives
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		start := time.Now()
		if _, err := call(ctx, tool, "Ghent"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		cancel()
	}
	close(hold)
	if r, err := call(t.Context(), tool, "Ghent"); err != nil || len(r.Items) != 2 {
		t.Errorf("%d items, %v, after the server woke up", len(r.Items), err)
	}
}

func TestBadAnswers(t *testing.T) {
	text := func(s string) func(args) (*mcp.CallToolResult, any, error) {
		return func(args) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}, nil, nil
		}
	}
	for name, run := range map[string]func(args) (*mcp.CallToolResult, any, error){
		"an error": func(args) (*mcp.CallToolResult, any, error) { return nil, nil, errors.New("hush, Ghent") },
		"8 MB":     text(strings.Repeat("x", 8<<20)),
		"html":     text("<html>"),
		"garbage":  text("\x00\x01"),
		"a picture": func(args) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.ImageContent{Data: []byte("x"), MIMEType: "image/png"}}}, nil, nil
		},
		"no list": func(args) (*mcp.CallToolResult, any, error) { return nil, map[string]any{"results": "x"}, nil },
		"big object": func(args) (*mcp.CallToolResult, any, error) {
			return nil, map[string]any{"x": string(bytes.Repeat([]byte("y"), 2<<20))}, nil
		},
	} {
		r, err := call(t.Context(), overHTTP(t, newHost(t, run)), "Ghent")
		if err == nil || len(r.Items) > 0 || strings.Contains(err.Error(), "Ghent") {
			t.Errorf("%s: %d items, %v", name, len(r.Items), err)
		}
	}
	if r, err := call(t.Context(), overHTTP(t, newHost(t, text(`{"results":[{"key":1,"label":"as text"}]}`))), "x"); err != nil || len(r.Items) != 1 {
		t.Errorf("JSON as text: %v, %v", r, err)
	}
}

func TestOtherHostsAreNotAsked(t *testing.T) {
	other := newHost(t, answer)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(s.Close)
	cfg := config()
	cfg.URL = s.URL
	if _, err := call(t.Context(), newTool(t, cfg), "Ghent"); err == nil || other.calls.Load() != 0 {
		t.Errorf("%v after %d requests elsewhere", err, other.calls.Load())
	}
}

func TestAClosedToolRefuses(t *testing.T) {
	h := newHost(t, answer)
	cfg := config()
	cfg.URL = h.URL
	tool, err := remote.New(describe(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(t.Context(), tool, "Ghent"); err != nil {
		t.Error(err)
	}
	if err := tool.Close(); err != nil {
		t.Error(err)
	}
	if _, err := call(t.Context(), tool, "Ghent"); err == nil {
		t.Error("a closed tool answers")
	}
}

func TestConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*remote.Config){
		"either a url or a command": func(c *remote.Config) { c.Command = []string{"x"} },
		"tool: must":                func(c *remote.Config) { c.Tool = "" },
		"arguments":                 func(c *remote.Config) { c.Arguments = map[string]any{"a": "x {{place}}"} },
		"{{nobody}}":                func(c *remote.Config) { c.Arguments = map[string]any{"a": "{{nobody}}"} },
		"needs id and title":        func(c *remote.Config) { c.Map, c.ShowText = adapter.Mapping{}, false },
		"secret_env":                func(c *remote.Config) { c.SecretEnv = map[string]adapter.Secret{"A=B": {Env: "X"}} },
		"must begin with http":      func(c *remote.Config) { c.URL = "x" },
	} {
		cfg := config()
		cfg.URL = "https://example.org/mcp"
		change(&cfg)
		if _, err := remote.New(describe(), cfg, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
