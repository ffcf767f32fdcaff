package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/mcp/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type params struct {
	Genre string   `param:"genre" doc:"a genre" required:"true"`
	Weeks int      `param:"weeks" doc:"age at most" min:"1" max:"52" default:"4"`
	Types []string `param:"types" doc:"what is wanted" enum:"track,album"`
}

// tool returns a tool that runs run.
func tool(t *testing.T, name string, change func(*tools.Spec), run func(context.Context, tools.Call[params]) (tools.Result, error)) tools.Tool {
	t.Helper()
	spec := tools.Spec{
		Version: "1.0.0", For: "finds " + name, Personal: true, Results: []schemas.ItemType{"track"},
		Example: tools.Example{Query: "some rock", Params: schemas.Params{"genre": "rock"}},
	}
	if change != nil {
		change(&spec)
	}
	made, err := tools.Typed(name, spec, run)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func tracks(n int) []schemas.Item {
	items := make([]schemas.Item, n)
	for i := range items {
		items[i] = schemas.Item{ID: "track:t" + string(rune('a'+i%26)), Type: "track", Title: "Song", Artists: []string{"Ode"}, ReleaseDate: "2020", Score: 1, Why: "it is good"}
	}
	return items
}

func find(_ context.Context, c tools.Call[params]) (tools.Result, error) {
	return tools.Result{Text: c.Params.Genre + "/" + c.Query + "/" + c.Market, Items: tracks(c.Params.Weeks)}, nil
}

func newServer(t *testing.T, cfg serve.Config, all ...tools.Tool) *serve.Server {
	t.Helper()
	s, err := serve.New(cfg, all, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// transports are the ways to a server: each returns a session that ends with the test.
func transports() map[string]func(*testing.T, *serve.Server) *mcp.ClientSession {
	return map[string]func(*testing.T, *serve.Server) *mcp.ClientSession{"http": overHTTP, "stdio": overStdio}
}

func open(t *testing.T, transport mcp.Transport) *mcp.ClientSession {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func overHTTP(t *testing.T, s *serve.Server) *mcp.ClientSession {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.ServeHTTP(ctx, l) }()
	client := &http.Client{Transport: &http.Transport{}}
	session := open(t, &mcp.StreamableClientTransport{Endpoint: "http://" + l.Addr().String(), HTTPClient: client})
	t.Cleanup(func() {
		_ = session.Close()
		client.CloseIdleConnections()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return session
}

func overStdio(t *testing.T, s *serve.Server) *mcp.ClientSession {
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	served := make(chan error, 1)
	go func() {
		defer func() { _ = out.Close() }()
		served <- s.ServeStdio(t.Context(), in, out)
	}()
	session := open(t, &mcp.IOTransport{Reader: fromServer, Writer: toServer})
	t.Cleanup(func() {
		_ = session.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return session
}

func call(t *testing.T, s *mcp.ClientSession, name string, arguments any) *mcp.CallToolResult {
	t.Helper()
	r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(r *mcp.CallToolResult) string {
	if len(r.Content) != 1 {
		return "not one content"
	}
	c, _ := r.Content[0].(*mcp.TextContent)
	return c.Text
}

func structured(t *testing.T, r *mcp.CallToolResult) (a serve.Answer) {
	t.Helper()
	data, err := json.Marshal(r.StructuredContent)
	if err == nil {
		err = json.Unmarshal(data, &a)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAgentsListAndCall(t *testing.T) {
	for name, over := range transports() {
		t.Run(name, func(t *testing.T) {
			s := over(t, newServer(t, serve.DefaultConfig(), tool(t, "one", nil, find), tool(t, "two", func(s *tools.Spec) { s.Text = true }, find)))
			list, err := s.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(list.Tools) != 2 || !list.Tools[0].Annotations.ReadOnlyHint || !strings.Contains(list.Tools[0].Description, `finds one. For example, "some rock": {"genre":"rock"}`) {
				t.Errorf("%+v", list.Tools)
			}
			schema, _ := json.Marshal(list.Tools[1].InputSchema)
			for _, want := range []string{`"required":["genre","query"]`, `"limit":{"default":10,`, `"weeks":{"default":4`, `"additionalProperties":false`} {
				if !strings.Contains(string(schema), want) {
					t.Errorf("schema %s has no %s", schema, want)
				}
			}
			r := call(t, s, "two", map[string]any{"genre": "rock", "query": "as typed", "limit": 2})
			if got := structured(t, r); r.IsError || got.Text != "rock/as typed/US" || len(got.Items) != 2 || got.Items[0].ID != "track:ta" {
				t.Errorf("%+v", got)
			}
			const want = "rock/as typed/US\n1. Song by Ode (2020) [track:ta]: it is good\n2. Song by Ode (2020) [track:tb]: it is good"
			if text(r) != want {
				t.Errorf("got\n%s\nwant\n%s", text(r), want)
			}
		})
	}
}

func TestAgentsLearnWhatIsWrong(t *testing.T) {
	s := overStdio(t, newServer(t, serve.DefaultConfig(), tool(t, "one", nil, find), tool(t, "two", func(s *tools.Spec) { s.Text = true }, find)))
	for want, arguments := range map[string]any{
		"genre: got nothing":                    map[string]any{},
		"weeks: got 99, want an integer from 1": map[string]any{"genre": "x", "weeks": 99},
		"each value must be a string":           map[string]any{"genre": map[string]any{"a": 1}},
		`"user": there is no such parameter`:    map[string]any{"genre": "x", "user": "somebody"},
		"limit: must be an integer":             map[string]any{"genre": "x", "limit": 51},
		"limit: must":                           map[string]any{"genre": "x", "limit": "5"},
		"query: must be a text":                 map[string]any{"genre": "x", "query": 5},
		"query: ":                               map[string]any{"genre": "x", "query": strings.Repeat("x", 300)},
		"must be a JSON object":                 []int{1},
	} {
		r := call(t, s, "one", arguments)
		if !r.IsError || !strings.Contains(text(r), want) {
			t.Errorf("%v: %q, want %q", arguments, text(r), want)
		}
	}
	if r := call(t, s, "two", map[string]any{"genre": "x"}); !r.IsError || !strings.Contains(text(r), "query: is needed") {
		t.Errorf("%q", text(r))
	}
	if _, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "three"}); err == nil {
		t.Error("a tool that is not there answers")
	}
}

// What goes wrong inside stays inside.
func TestFailuresAreNotShown(t *testing.T) {
	cfg := serve.DefaultConfig()
	cfg.Timeout = 50 * time.Millisecond
	s := overStdio(t, newServer(t, cfg,
		tool(t, "fails", nil, func(context.Context, tools.Call[params]) (tools.Result, error) {
			return tools.Result{}, errors.New("secret")
		}),
		tool(t, "panics", nil, func(context.Context, tools.Call[params]) (tools.Result, error) { panic("secret") }),
		tool(t, "hangs", nil, func(ctx context.Context, _ tools.Call[params]) (tools.Result, error) {
			<-ctx.Done()
			return tools.Result{}, ctx.Err()
		}),
	))
	for name, want := range map[string]string{"fails": "the tool failed", "panics": "the tool failed", "hangs": "the tool ran out of time"} {
		if r := call(t, s, name, map[string]any{"genre": "x"}); !r.IsError || text(r) != want {
			t.Errorf("%s: %q, want %q", name, text(r), want)
		}
	}
}

// Nobody can say who listens: a personal tool gets an anonymous call.
func TestCallsAreAnonymous(t *testing.T) {
	users := make(chan *schemas.User, 1)
	s := overStdio(t, newServer(t, serve.DefaultConfig(), tool(t, "one", nil, func(_ context.Context, c tools.Call[params]) (tools.Result, error) {
		users <- c.User
		return tools.Result{}, nil
	})))
	if r := call(t, s, "one", map[string]any{"genre": "x"}); text(r) != "nothing found" || len(structured(t, r).Items) != 0 {
		t.Errorf("%q", text(r))
	}
	if u := <-users; u != nil {
		t.Errorf("user %+v", u)
	}
}

func TestCallsAtOnceAreBounded(t *testing.T) {
	cfg := serve.DefaultConfig()
	cfg.Calls, cfg.Timeout = 1, 300*time.Millisecond
	hold := make(chan struct{})
	began := make(chan struct{}, 2)
	s := overHTTP(t, newServer(t, cfg, tool(t, "one", nil, func(context.Context, tools.Call[params]) (tools.Result, error) {
		began <- struct{}{}
		<-hold // it does not even look at its context
		return tools.Result{Items: tracks(1)}, nil
	})))
	first := make(chan string, 1)
	go func() {
		r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "one", Arguments: map[string]any{"genre": "x"}})
		if err != nil {
			first <- err.Error()
			return
		}
		first <- text(r)
	}()
	<-began
	if r := call(t, s, "one", map[string]any{"genre": "x"}); !r.IsError || !strings.Contains(text(r), "too many calls") {
		t.Errorf("%q", text(r))
	}
	close(hold)
	if got := <-first; !strings.Contains(got, "Song") {
		t.Errorf("the first call: %q", got)
	}
}

func TestLongAnswersAreCut(t *testing.T) {
	s := overStdio(t, newServer(t, serve.DefaultConfig(), tool(t, "one", nil, func(context.Context, tools.Call[params]) (tools.Result, error) {
		items := tracks(50)
		for i := range items {
			items[i].Artists = slices.Repeat([]string{strings.Repeat("x", 1000)}, 20)
		}
		return tools.Result{Items: items}, nil
	})))
	if n := len(structured(t, call(t, s, "one", map[string]any{"genre": "x", "limit": 50})).Items); n < 1 || n > 6 {
		t.Errorf("%d items of 20 kB, want no more than 128 kB", n)
	}
}

func TestHTTPRefusesPagesAndBigRequests(t *testing.T) {
	h := newServer(t, serve.DefaultConfig(), tool(t, "one", nil, find)).Handler()
	for name, c := range map[string]struct {
		change func(*http.Request)
		body   string
		want   int
	}{
		"another origin": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, `{}`, http.StatusForbidden},
		"8 MB":           {func(*http.Request) {}, `{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", 8<<20) + `"}`, http.StatusRequestEntityTooLarge},
	} {
		w := &recorder{header: http.Header{}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		c.change(r)
		if h.ServeHTTP(w, r); w.code != c.want {
			t.Errorf("%s: %d, want %d", name, w.code, c.want)
		}
	}
}

type recorder struct {
	header http.Header
	code   int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }
func (r *recorder) WriteHeader(code int)        { r.code = code }

type plain struct{}

func (plain) Name() string { return "plain" }
func (plain) Run(context.Context, schemas.ToolRequest) (tools.Result, error) {
	return tools.Result{}, nil
}

func TestNewReportsEveryProblem(t *testing.T) {
	type clash struct {
		Limit int `param:"limit" doc:"x"`
	}
	other, err := tools.Typed("clash", tools.Spec{Version: "1.0.0", For: "x", Example: tools.Example{Query: "x"}},
		func(context.Context, tools.Call[clash]) (tools.Result, error) { return tools.Result{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	_, err = serve.New(serve.DefaultConfig(), []tools.Tool{plain{}, other}, slog.New(slog.DiscardHandler), nil)
	if err == nil || !strings.Contains(err.Error(), "tool plain: has no spec") || !strings.Contains(err.Error(), "tool clash: schema: query and limit are taken") {
		t.Error(err)
	}
	_, err = serve.New(serve.Config{Limit: 99}, nil, slog.New(slog.DiscardHandler), nil)
	for _, want := range []string{"timeout", "calls", "limit 99", "market"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
