package httpjson_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
	"github.com/parallel-fusion/pfr/tool-workers/httpjson"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server answers with what reply writes, and keeps what it was asked.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
	body []string
}

func newServer(t *testing.T, reply http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen, s.body = append(s.seen, r), append(s.body, string(body))
		s.mu.Unlock()
		reply(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) last(t *testing.T) (*http.Request, string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) == 0 {
		t.Fatal("the server was not asked")
	}
	return s.seen[len(s.seen)-1], s.body[len(s.body)-1]
}

func (s *server) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

const concerts = `{"data":{"events":[
 {"id":4711,"name":"Night one","venue":{"city":"Utrecht"},"lineup":[{"name":"The Paper Lanterns"},{"name":"Ode"}],"date":"2026-12-01T20:00:00Z","relevance":0.9},
 {"id":"e-2","name":"<b>Night</b> two","venue":{"city":"Ghent"},"lineup":[],"date":"soon","relevance":0.5}]}}`

func answer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func describe() adapter.Config {
	return adapter.Config{
		Name: "concerts", For: "finds concerts of an artist", Results: []schemas.ItemType{"concert"}, CacheFor: time.Minute,
		Params: []tools.Param{
			{Name: "artist", Type: tools.TextParam, Doc: "who plays", Required: true},
			{Name: "kinds", Type: tools.ListParam, Doc: "what is wanted", Enum: []string{"club", "festival"}},
			{Name: "weeks", Type: tools.IntegerParam, Doc: "from now at most", Min: new(1), Max: new(52)},
		},
		Example: adapter.Example{Query: "ode live", Params: map[string]any{"artist": "Ode", "kinds": []any{"club"}, "weeks": uint64(4)}},
	}
}

func config(s *server) httpjson.Config {
	return httpjson.Config{
		URL: s.URL + "/v1/artists/{{artist}}/concerts", Query: map[string]any{"kind": "{{kinds}}", "weeks": "{{weeks}}", "n": "{{limit}}", "v": 2},
		Map: adapter.Mapping{
			List: "data.events", ID: "id", Title: "name", Subtitle: "venue.city", Artists: "lineup.#.name", ReleaseDate: "date", Score: "relevance",
		},
	}
}

func newTool(t *testing.T, tool adapter.Config, cfg httpjson.Config, reg prometheus.Registerer) *httpjson.Tool {
	t.Helper()
	built, err := httpjson.New(tool, cfg, reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := built.Close(); err != nil {
			t.Error(err)
		}
	})
	return built
}

func call(ctx context.Context, tool tools.Tool, params schemas.Params) (tools.Result, error) {
	return tool.Run(ctx, tooltest.Request(tool.Name(), tooltest.Call{Params: params}))
}

func TestConformance(t *testing.T) {
	s := newServer(t, answer(concerts))
	tooltest.Conform(t, newTool(t, describe(), config(s), nil),
		tooltest.Call{Query: "as typed", Params: schemas.Params{"artist": "Ode"}},
		tooltest.Call{Query: "as typed", Params: schemas.Params{"artist": "Ode", "kinds": []string{"club", "festival"}, "weeks": 52}})
	for i, req := range s.seen { // nothing of the listeners that the conformance test has
		for _, word := range []string{"Canary", "favorite", "somebody", "typed"} {
			if sent := fmt.Sprint(req.RequestURI, req.Header, s.body[i]); strings.Contains(sent, word) {
				t.Fatalf("%s has left: %s", word, sent)
			}
		}
	}
}

func TestTheQueryLeavesWhereSettingsSaySo(t *testing.T) {
	s := newServer(t, answer(concerts))
	tool, cfg := describe(), config(s)
	tool.SendQuery, cfg.Query = true, map[string]any{"q": "{{query}}"}
	if _, err := newTool(t, tool, cfg, nil).Run(t.Context(), tooltest.Request("concerts", tooltest.Call{Query: "as typed", Params: schemas.Params{"artist": "x"}})); err != nil {
		t.Fatal(err)
	}
	if req, _ := s.last(t); req.URL.RawQuery != "q=as+typed" {
		t.Errorf("sent %s", req.URL.RawQuery)
	}
}

func TestRequestAndItems(t *testing.T) {
	t.Setenv("CONCERTS_KEY", "s3cret")
	s := newServer(t, answer(concerts))
	cfg := config(s)
	cfg.Headers = map[string]string{"X-Client": "pfr"}
	cfg.SecretHeaders = map[string]adapter.SecretHeader{"Authorization": {Prefix: "Bearer ", Secret: adapter.Secret{Env: "CONCERTS_KEY"}}}
	cfg.AllowHTTP = true
	r, err := call(t.Context(), newTool(t, describe(), cfg, nil), schemas.Params{"artist": "AC/DC & co?", "kinds": []string{"club", "festival"}})
	if err != nil {
		t.Fatal(err)
	}
	req, _ := s.last(t)
	if got, want := req.RequestURI, "/v1/artists/AC%2FDC%20&%20co%3F/concerts?kind=club&kind=festival&n=10&v=2"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	if got := req.Header.Get("Authorization") + req.Header.Get("X-Client"); got != "Bearer s3cretpfr" {
		t.Errorf("headers: %q", got)
	}
	want := []schemas.Item{
		{ID: "concert:4711", Type: "concert", Title: "Night one", Subtitle: "Utrecht", Artists: []string{"The Paper Lanterns", "Ode"}, ReleaseDate: "2026-12-01", Score: 0.9},
		{ID: "concert:e-2", Type: "concert", Title: "Night two", Subtitle: "Ghent", Score: 0.5},
	}
	if !reflect.DeepEqual(r.Items, want) {
		t.Errorf("got\n%+v\nwant\n%+v", r.Items, want)
	}
}

func TestBodyIsData(t *testing.T) {
	s := newServer(t, answer(concerts))
	cfg := config(s)
	cfg.Method, cfg.URL, cfg.Query = http.MethodPost, s.URL+"/search", nil
	cfg.Body = map[string]any{"who": "{{artist}}", "size": "{{limit}}", "weeks": "{{weeks}}", "filter": []any{map[string]any{"kind": "{{kinds}}"}}}
	tool := newTool(t, describe(), cfg, nil)
	for want, params := range map[string]schemas.Params{
		`{"filter":[{"kind":["club"]}],"size":10,"weeks":3,"who":"x\",\"size\":\"0"}`: {"artist": `x","size":"0`, "kinds": []string{"club"}, "weeks": 3},
		`{"filter":[],"size":10,"who":"{{limit}}"}`:                                   {"artist": "{{limit}}"},
	} {
		if _, err := call(t.Context(), tool, params); err != nil {
			t.Fatal(err)
		}
		if _, body := s.last(t); body != want {
			t.Errorf("sent\n%s\nwant\n%s", body, want)
		}
	}
}

// hostile are values that would like to be more than values.
func hostile(other string) []string {
	return append(tooltest.Hostile(), other, "//"+strings.TrimPrefix(other, "http://"), "@"+strings.TrimPrefix(other, "http://"), "..", ".", "../..",
		`..\..`, "x/../../admin", "x\r\nHost: evil", "x\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1", "x?v=3", "x#y", "x&v=3", "%2e%2e%2f", "x;v=3", "x HTTP/1.1", "\u2028")
}

func TestParametersStayParameters(t *testing.T) {
	s, other := newServer(t, answer(concerts)), newServer(t, answer(concerts))
	cfg := config(s)
	cfg.Query["q"] = "{{artist}}"
	tool := newTool(t, describe(), cfg, nil)
	for _, value := range hostile(other.URL) {
		before := s.asked()
		if _, err := call(t.Context(), tool, schemas.Params{"artist": value}); err != nil {
			if !errors.Is(err, tools.ErrBadRequest) || s.asked() != before {
				t.Errorf("%q: %v after %d requests", value, err, s.asked()-before)
			}
			continue
		}
		req, _ := s.last(t)
		path := req.URL.EscapedPath()
		if !strings.HasPrefix(path, "/v1/artists/") || strings.Count(path, "/") != 4 || !strings.HasSuffix(path, "/concerts") {
			t.Errorf("%q became the path %s", value, path)
		}
		if got := req.URL.Query(); got.Get("q") != value || !reflect.DeepEqual(got["v"], []string{"2"}) || len(got) != 3 {
			t.Errorf("%q became the query %v", value, got)
		}
		if req.Header.Get("X-Evil") != "" || req.Host != strings.TrimPrefix(s.URL, "http://") {
			t.Errorf("%q changed the headers: %v, host %s", value, req.Header, req.Host)
		}
	}
	if n := other.asked(); n != 0 {
		t.Errorf("another host was asked %d times", n)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := newServer(t, answer(concerts))
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, code) })
		if _, err := call(t.Context(), newTool(t, describe(), config(s), nil), schemas.Params{"artist": "x"}); err == nil {
			t.Errorf("%d: followed", code)
		}
	}
	if n := other.asked(); n != 0 {
		t.Errorf("another host was asked %d times", n)
	}
}

func TestStatuses(t *testing.T) {
	for code, want := range map[int]error{
		400: tools.ErrBadRequest, 422: tools.ErrBadRequest, 429: tools.ErrOverloaded, 503: tools.ErrOverloaded,
		404: adapter.ErrNotFound, 504: context.DeadlineExceeded, 500: nil, 401: nil, 204: nil,
	} {
		s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		_, err := call(t.Context(), newTool(t, describe(), config(s), nil), schemas.Params{"artist": "hush"})
		if err == nil || want != nil && !errors.Is(err, want) || want == nil && (errors.Is(err, tools.ErrBadRequest) || errors.Is(err, tools.ErrOverloaded)) {
			t.Errorf("%d: %v, want %v", code, err, want)
		}
		if s.asked() != 1 || strings.Contains(err.Error(), "hush") {
			t.Errorf("%d: asked %d times, %v", code, s.asked(), err)
		}
	}
	s := newServer(t, http.NotFound)
	cfg := config(s)
	cfg.NotFoundIsEmpty = true
	if r, err := call(t.Context(), newTool(t, describe(), cfg, nil), schemas.Params{"artist": "x"}); err != nil || len(r.Items) != 0 {
		t.Errorf("%v, %v, want nothing", r, err)
	}
}

func TestBadAnswers(t *testing.T) {
	big := `{"data":{"events":[` + strings.Repeat(`{"id":1,"name":"n","relevance":1},`, 8<<20/33) + `{"id":2,"name":"n","relevance":1}]}}`
	for name, body := range map[string]string{
		"8 MB": big, "html": "<html><body>Welcome</body></html>", "nothing": "", "nan": `{"data":{"events":[{"id":1,"name":"n","relevance":NaN}]}}`,
		"garbage": "\x00\xff\x1b[2J", "half": concerts[:100], "two": concerts + concerts, "deep": strings.Repeat("[", 900_000),
		"no list": `{"data":{"events":{"a":1}}}`, "a text": `"<script>"`, "a list": `[1]`,
	} {
		s := newServer(t, answer(body))
		r, err := call(t.Context(), newTool(t, describe(), config(s), nil), schemas.Params{"artist": "x"})
		if len(r.Items) != 0 || err == nil && name != "a text" && name != "a list" {
			t.Errorf("%s: %d items, %v", name, len(r.Items), err)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

func TestBadItemsAreDroppedAndCounted(t *testing.T) {
	const body = `{"data":{"events":[{"id":1,"name":"good","relevance":1},{"id":1,"name":"again","relevance":1},{"id":2,"relevance":1},{"name":"none","relevance":1},
	 {"id":"a b","name":"space","relevance":1},{"id":{"a":1},"name":"object","relevance":1},{"id":3,"name":"huge","relevance":1e999},{"id":4,"name":"text","relevance":"1"},
	 {"id":"<img>","name":"markup","relevance":1},{"id":5,"name":"<i></i>","relevance":1},null,7,"x",[],{"id":12345678901234567890,"name":"last","relevance":-1}]}}`
	reg := prometheus.NewPedanticRegistry()
	s := newServer(t, answer(body))
	r, err := call(t.Context(), newTool(t, describe(), config(s), reg), schemas.Params{"artist": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if got := tooltest.Render(r); got != "1.00  concert:1  good\n-1.00  concert:12345678901234567890  last\n" {
		t.Errorf("got\n%s", got)
	}
	const want = `# HELP pfr_adapter_dropped_total Entries of an answer that are no items, by reason.
# TYPE pfr_adapter_dropped_total counter
pfr_adapter_dropped_total{reason="id",tool="concerts"} 4
pfr_adapter_dropped_total{reason="score",tool="concerts"} 2
pfr_adapter_dropped_total{reason="title",tool="concerts"} 6
pfr_adapter_dropped_total{reason="twice",tool="concerts"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pfr_adapter_dropped_total"); err != nil {
		t.Error(err)
	}
}

// A server that sends a byte now and then holds a call no longer than its deadline.
func TestSlowAnswersEndAtTheDeadline(t *testing.T) {
	ended := make(chan struct{})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			fmt.Fprint(w, " ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := call(ctx, newTool(t, describe(), config(s), nil), schemas.Params{"artist": "x"})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the request goes on")
	}
}

func TestConfigIsChecked(t *testing.T) {
	s := newServer(t, answer(concerts))
	for want, change := range map[string]func(*adapter.Config, *httpjson.Config){
		"begin with http":                   func(_ *adapter.Config, c *httpjson.Config) { c.URL = "ftp://example.org/x" },
		"url: must":                         func(_ *adapter.Config, c *httpjson.Config) { c.URL = "https://{{artist}}.example.org/" },
		"no credentials":                    func(_ *adapter.Config, c *httpjson.Config) { c.URL = "https://a:b@example.org/" },
		"no query":                          func(_ *adapter.Config, c *httpjson.Config) { c.URL = "https://example.org/?a={{artist}}" },
		"whole segment":                     func(_ *adapter.Config, c *httpjson.Config) { c.URL = "https://example.org/a{{artist}}" },
		"go up":                             func(_ *adapter.Config, c *httpjson.Config) { c.URL = "https://example.org/../x" },
		"GET or POST":                       func(_ *adapter.Config, c *httpjson.Config) { c.Method = "DELETE" },
		"needs the method POST":             func(_ *adapter.Config, c *httpjson.Config) { c.Body = "x" },
		"must be a value or a list of them": func(_ *adapter.Config, c *httpjson.Config) { c.Query["x"] = map[string]any{"a": 1} },
		"must be the whole value":           func(_ *adapter.Config, c *httpjson.Config) { c.Query["x"] = "a {{artist}}" },
		"a key cannot be":                   func(_ *adapter.Config, c *httpjson.Config) { c.Query["{{artist}}"] = "x" },
		"{{query}}: there is no such":       func(_ *adapter.Config, c *httpjson.Config) { c.Query["x"] = "{{query}}" },
		"end-to-end header":                 func(_ *adapter.Config, c *httpjson.Config) { c.Headers = map[string]string{"A": "x\r\nB: y"} },
		`headers: "Host"`:                   func(_ *adapter.Config, c *httpjson.Config) { c.Headers = map[string]string{"Host": "x"} },
		"is a credential":                   func(_ *adapter.Config, c *httpjson.Config) { c.Headers = map[string]string{"authorization": "x"} },
		"needs id and title":                func(_ *adapter.Config, c *httpjson.Config) { c.Map.ID = "" },
		"without modifiers":                 func(_ *adapter.Config, c *httpjson.Config) { c.Map.ID = "@this" },
		"timeout -1ns":                      func(_ *adapter.Config, c *httpjson.Config) { c.Timeout = -1 },
		"secret_headers: need https": func(_ *adapter.Config, c *httpjson.Config) {
			c.SecretHeaders = map[string]adapter.SecretHeader{"A": {Secret: adapter.Secret{Env: "X"}}}
		},
		"either an environment variable or a file": func(_ *adapter.Config, c *httpjson.Config) {
			c.SecretHeaders = map[string]adapter.SecretHeader{"A": {}}
		},
		"results: must":             func(a *adapter.Config, _ *httpjson.Config) { a.Results = nil },
		"limit is a value":          func(a *adapter.Config, _ *httpjson.Config) { a.Params[2].Name = "limit" },
		"type \"float\"":            func(a *adapter.Config, _ *httpjson.Config) { a.Params[2].Type = "float" },
		"\"artist\": is there":      func(a *adapter.Config, _ *httpjson.Config) { a.Params[1].Name = "artist" },
		"example: artist: got no":   func(a *adapter.Config, _ *httpjson.Config) { a.Example.Params = nil },
		"a float64 is no parameter": func(a *adapter.Config, _ *httpjson.Config) { a.Example.Params["weeks"] = 1.5 },
	} {
		tool, cfg := describe(), config(s)
		cfg.Query = maps.Clone(cfg.Query)
		change(&tool, &cfg)
		built, err := httpjson.New(tool, cfg, nil)
		if err == nil {
			_ = built.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
