package opensearch_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

// engineEnv names the address of an engine that the tests may use; see test/opensearch.
const engineEnv = "PFR_TEST_OPENSEARCH"

// send asks the engine for anything and wants no error.
func send(t *testing.T, method, address, contentType, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode >= http.StatusBadRequest || strings.Contains(string(text), `"errors":true`) {
		t.Fatalf("%s %s: %d %.300s", method, address, resp.StatusCode, text)
	}
}

// library fills an index with a few books.
func library(t *testing.T) string {
	t.Helper()
	url := os.Getenv(engineEnv)
	if url == "" {
		t.Skipf("%s is not set: searched a recorded engine only", engineEnv)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	index := url + "/pfr-books"
	send(t, http.MethodPut, index, "application/json", `{"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"properties":{
		"title":{"type":"text"},"authors":{"type":"text"},"genre":{"type":"keyword"},"year":{"type":"integer"},"publisher":{"properties":{"name":{"type":"keyword"}}},"note":{"type":"text","index":false}}}}`)
	t.Cleanup(func() {
		req, _ := http.NewRequest(http.MethodDelete, index, nil) //nolint:noctx // the test's context has ended
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	})
	send(t, http.MethodPost, index+"/_bulk?refresh=true", "application/x-ndjson", `{"index":{"_id":"b1"}}
{"title":"The Long River","authors":["Anna Ode"],"genre":"travel","year":1999,"publisher":{"name":"Reed"},"note":"not for readers"}
{"index":{"_id":"b2"}}
{"title":"River Songs","authors":["Ben Ode"],"genre":["songs","travel"],"year":2004}
{"index":{"_id":"b3"}}
{"title":"Mountains at Night","authors":["Cleo Rivers"],"genre":"travel","year":2010}
`)
	return url
}

func TestRealEngine(t *testing.T) {
	tool := newTool(t, describe(), config(library(t)))
	tooltest.Conform(t, tool, tooltest.Call{Params: schemas.Params{"text": "river"}}, tooltest.Call{Params: schemas.Params{"text": "mountain night", "genres": []string{"travel", "x"}}})
	for want, params := range map[string]schemas.Params{
		"book:b2 book:b1 book:b3": {"text": "river song"}, // the third by its author, fuzzily
		"book:b2":                 {"text": "river", "year_from": 2004, "genres": []string{"songs"}},
		"book:b1":                 {"text": "lnog", "genres": []string{"travel"}}, // a typo
		"":                        {"text": "river", "genres": []string{"*"}},
		"book:b3":                 {"text": "mountains +title:river -night", "year_from": 2005},
	} {
		r, err := run(t, tool, 5*time.Second, params)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, item := range r.Items {
			ids = append(ids, item.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%v: %s, want %s", params, got, want)
		}
	}
}

// Nothing that a text says makes the engine do something else.
func TestRealEngineReadsValuesOnly(t *testing.T) {
	tool := newTool(t, describe(), config(library(t)))
	for _, text := range append(tooltest.Hostile(), `{"match_all":{}}`, "*:*", "_id:b1", "note:readers", "river~5", `"river" OR 1`, "{{text}}", "../_cat/indices") {
		if text == "" {
			continue // refused
		}
		r, err := run(t, tool, 5*time.Second, schemas.Params{"text": text, "genres": []string{text}})
		if err != nil || len(r.Items) != 0 {
			t.Errorf("%q: %d items, %v", text, len(r.Items), err)
		}
	}
}

func TestRealEngineSaysThatTheIndexIsMissing(t *testing.T) {
	cfg := config(library(t))
	cfg.Index = "pfr-no-such-index"
	if _, err := run(t, newTool(t, describe(), cfg), 5*time.Second, schemas.Params{"text": "river"}); err == nil {
		t.Error("an index that is not there has answered")
	}
	bad := config(os.Getenv(engineEnv))
	bad.Map = adapter.Mapping{ID: "_id", Title: "_source.no_such_field"}
	if r, err := run(t, newTool(t, describe(), bad), 5*time.Second, schemas.Params{"text": "river"}); err != nil || len(r.Items) != 0 {
		t.Errorf("%v, %v, want no items", r, err)
	}
}
