package opensearch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
	"github.com/parallel-fusion/pfr/tool-workers/opensearch"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func describe() adapter.Config {
	return adapter.Config{
		Name: "books", For: "finds audio books", Results: []schemas.ItemType{"book"}, CacheFor: time.Minute,
		Params: []tools.Param{
			{Name: "text", Type: tools.TextParam, Doc: "words of the title or the author", Required: true},
			{Name: "genres", Type: tools.ListParam, Doc: "any of these", Max: new(4)},
			{Name: "year_from", Type: tools.IntegerParam, Doc: "published since", Min: new(1000), Max: new(3000)},
		},
		Example: adapter.Example{Query: "books about rivers", Params: map[string]any{"text": "river"}},
	}
}

func config(url string) opensearch.Config {
	return opensearch.Config{
		URL: url, Index: "pfr-books",
		Query: map[string]any{"bool": map[string]any{
			"must": []any{map[string]any{"multi_match": map[string]any{"query": "{{text}}", "type": "best_fields", "fuzziness": "AUTO"}}},
			"filter": []any{
				map[string]any{"terms": map[string]any{"genre": "{{genres}}"}},
				map[string]any{"range": map[string]any{"year": map[string]any{"gte": "{{year_from}}"}}},
			},
		}},
		Map: adapter.Mapping{ID: "_id", Title: "_source.title", Artists: "_source.authors", Genres: "_source.genre", ReleaseDate: "_source.year", Subtitle: "_source.publisher.name"},
	}
}

func newTool(t *testing.T, tool adapter.Config, cfg opensearch.Config) *opensearch.Tool {
	t.Helper()
	built, err := opensearch.New(tool, cfg, nil)
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

// engine plays a recorded answer of OpenSearch 2.19 and keeps what it was asked.
type engine struct {
	*httptest.Server
	mu   sync.Mutex
	path string
	body map[string]any
}

const recorded = `{"took":7,"timed_out":%t,"_shards":{"total":1,"successful":1,"skipped":0,"failed":%d},"hits":{"max_score":1.9,"hits":[
 {"_index":"pfr-books","_id":"b1","_score":1.9,"_source":{"title":"The Long River","authors":["A. Ode"],"genre":"travel","year":1999,"publisher":{"name":"Reed"}}},
 {"_index":"pfr-books","_id":"b2","_score":0.4,"_source":{"title":"River Songs","authors":"B. Ode","genre":["songs","travel"],"year":2004}}]}}`

func newEngine(t *testing.T, answer string) *engine {
	t.Helper()
	e := &engine{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.path, e.body = r.RequestURI, nil
		_ = json.Unmarshal(data, &e.body)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(e.Close)
	return e
}

func run(t *testing.T, tool tools.Tool, within time.Duration, params schemas.Params) (tools.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return tool.Run(ctx, tooltest.Request(tool.Name(), tooltest.Call{Params: params, Limit: 5}))
}

func TestConformance(t *testing.T) {
	e := newEngine(t, fmt.Sprintf(recorded, false, 0))
	tooltest.Conform(t, newTool(t, describe(), config(e.URL)), tooltest.Call{Params: schemas.Params{"text": "river", "genres": []string{"travel"}, "year_from": 1990}})
}

func TestSearchIsData(t *testing.T) {
	e := newEngine(t, fmt.Sprintf(recorded, false, 0))
	tool := newTool(t, describe(), config(e.URL))
	r, err := run(t, tool, 2*time.Second, schemas.Params{"text": `x"}},{"match_all":{}}`, "genres": []string{"travel"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := tooltest.Render(r); got != "1.90  book:b1  The Long River (1999)\n0.40  book:b2  River Songs (2004)\n" || r.Version != "" {
		t.Errorf("got\n%s of version %q", got, r.Version)
	}
	query, _ := json.Marshal(e.body["query"])
	const want = `{"bool":{"filter":[{"terms":{"genre":["travel"]}}],"must":[{"multi_match":{"fuzziness":"AUTO","query":"x\"}},{\"match_all\":{}}","type":"best_fields"}}]}}`
	if string(query) != want || e.path != "/pfr-books/_search" {
		t.Errorf("asked %s for\n%s\nwant\n%s", e.path, query, want)
	}
	source, _ := json.Marshal(e.body["_source"])
	if string(source) != `["authors","genre","publisher.name","title","year"]` || e.body["size"] != 5.0 {
		t.Errorf("source %s, size %v", source, e.body["size"])
	}
	var ms int
	if _, err := fmt.Sscanf(fmt.Sprint(e.body["timeout"]), "%dms", &ms); err != nil || ms < 1500 || ms > 1800 || e.body["terminate_after"] != float64(ms*10_000) {
		t.Errorf("timeout %v, terminate_after %v, want most of 2 s", e.body["timeout"], e.body["terminate_after"])
	}
}

func TestPartialAnswersAreNotKept(t *testing.T) {
	for _, answer := range []string{fmt.Sprintf(recorded, true, 0), strings.Replace(fmt.Sprintf(recorded, false, 0), `"timed_out"`, `"terminated_early":true,"timed_out"`, 1), strings.Replace(fmt.Sprintf(recorded, false, 1), `"total":1`, `"total":2`, 1)} {
		r, err := run(t, newTool(t, describe(), config(newEngine(t, answer).URL)), time.Second, schemas.Params{"text": "x"})
		if err != nil || len(r.Items) != 2 || r.Version != "partial" {
			t.Errorf("%d items of version %q, %v", len(r.Items), r.Version, err)
		}
	}
	if _, err := run(t, newTool(t, describe(), config(newEngine(t, fmt.Sprintf(recorded, false, 1)).URL)), time.Second, schemas.Params{"text": "x"}); err == nil {
		t.Error("every shard failed, and that is an answer")
	}
	for _, answer := range []string{`[]`, `{"hits":5}`, `{"hits":{"hits":{"a":1}}}`, `x`} {
		if r, err := run(t, newTool(t, describe(), config(newEngine(t, answer).URL)), time.Second, schemas.Params{"text": "x"}); len(r.Items) != 0 || err == nil && answer != `{"hits":5}` {
			t.Errorf("%s: %v, %v", answer, r, err)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*adapter.Config, *opensearch.Config){
		"index \"*\"":                  func(_ *adapter.Config, c *opensearch.Config) { c.Index = "*" },
		"index \"_all\"":               func(_ *adapter.Config, c *opensearch.Config) { c.Index = "_all" },
		"index \"a/_delete_by_query\"": func(_ *adapter.Config, c *opensearch.Config) { c.Index = "a/_delete_by_query" },
		"index \".security\"":          func(_ *adapter.Config, c *opensearch.Config) { c.Index = ".security" },
		"index \"{{text}}\"":           func(_ *adapter.Config, c *opensearch.Config) { c.Index = "{{text}}" },
		"query: must":                  func(_ *adapter.Config, c *opensearch.Config) { c.Query = nil },
		"{{text}} below query_string": func(_ *adapter.Config, c *opensearch.Config) {
			c.Query = map[string]any{"query_string": map[string]any{"query": "{{text}}"}}
		},
		"{{text}} below script": func(_ *adapter.Config, c *opensearch.Config) {
			c.Query = map[string]any{"bool": map[string]any{"filter": []any{map[string]any{"script": map[string]any{"script": map[string]any{"params": map[string]any{"x": "{{text}}"}}}}}}}
		},
		"{{text}} below regexp": func(_ *adapter.Config, c *opensearch.Config) {
			c.Query = map[string]any{"regexp": map[string]any{"title": "{{text}}"}}
		},
		"{{text}} below field": func(_ *adapter.Config, c *opensearch.Config) {
			c.Query = map[string]any{"exists": map[string]any{"field": "{{text}}"}}
		},
		"{{year_from}} may be missing": func(_ *adapter.Config, c *opensearch.Config) {
			c.Query = map[string]any{"range": map[string]any{"year": map[string]any{"gte": "{{year_from}}"}}}
		},
		"a key cannot be":         func(_ *adapter.Config, c *opensearch.Config) { c.Query["{{text}}"] = 1 },
		"map.list":                func(_ *adapter.Config, c *opensearch.Config) { c.Map.List = "x" },
		"url: must begin":         func(_ *adapter.Config, c *opensearch.Config) { c.URL = "" },
		"{{nobody}}: there is no": func(_ *adapter.Config, c *opensearch.Config) { c.Query["x"] = "{{nobody}}" },
	} {
		tool, cfg := describe(), config("https://search.example.org")
		cfg.Query = maps.Clone(cfg.Query)
		change(&tool, &cfg)
		_, err := opensearch.New(tool, cfg, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := opensearch.DefaultConfig().Validate(); err == nil || errors.Is(err, context.Canceled) {
		t.Error("a search without an index is valid")
	}
}
