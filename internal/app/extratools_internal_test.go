package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
	"github.com/parallel-fusion/pfr/tool-workers/httpjson"
)

func extraHTTP(name, url string) ExtraTool {
	return ExtraTool{
		Kind: kindHTTP,
		Config: adapter.Config{
			Name: name, For: "finds books", Results: []schemas.ItemType{"book"}, CacheFor: time.Minute,
			Params:  []tools.Param{{Name: "text", Type: tools.TextParam, Doc: "words", Required: true}},
			Example: adapter.Example{Query: "a book", Params: map[string]any{"text": "river"}},
		},
		HTTP: &httpjson.Config{URL: url, Query: map[string]any{"q": "{{text}}"}, Map: adapter.Mapping{ID: "id", Title: "title"}},
	}
}

// Tools that are configured are served like any other, those that Only names.
func TestExtraToolsAreServed(t *testing.T) {
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("q") == "full" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `[{"id":1,"title":"The Long River"}]`)
	}))
	t.Cleanup(service.Close)
	log := slog.New(slog.DiscardHandler)
	brokers, err := inproc.Start(t.Context(), inproc.DefaultConfig(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = brokers.Close() })
	cfg := DefaultConfig()
	cfg.NATS.URL, cfg.Tools.Only = brokers.NATSURL(), []string{"books"}
	in := &infra{log: log, reg: prometheus.NewRegistry(), details: map[string]func() any{}}
	if in.conn, err = rpc.Dial(t.Context(), cfg.NATS, log, nil); err != nil {
		t.Fatal(err)
	}
	in.closers = append(in.closers, in.conn.Close)
	parts, err := extraParts(in, cfg.Tools, ExtraTools{extraHTTP("books", service.URL), extraHTTP("others", service.URL)})
	if err != nil || len(parts) != 1 || parts[0].Name != "tools/books" {
		t.Fatalf("%v, %v", parts, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- parts[0].Run(ctx, func() { close(ready) }) }()
	<-ready
	for text, want := range map[string]string{"river": "book:1", "": "remote 400: run books: bad tool request: text: got an empty text", "full": "remote "} {
		got, err := askExtra(t, in, text)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || strings.Contains(got, "full") {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	cancel()
	if err := errors.Join(<-done, in.close()); err != nil {
		t.Error(err)
	}
}

func askExtra(t *testing.T, in *infra, text string) (string, error) {
	t.Helper()
	payload, err := codec.Encode(schemas.ToolRequest{
		SchemaVersion: schemas.Version, CorrelationID: "0197b7a0-0000-7000-8000-000000000001", Tool: "books", Section: "s",
		Query: "x", Params: schemas.Params{"text": text}, Limit: 5, Market: "US", Deadline: time.Now().Add(10 * time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	reply, err := in.conn.Request(ctx, schemas.ToolSubject("books"), payload)
	if err != nil {
		return "", err
	}
	r, err := codec.Decode[schemas.ToolResponse](reply)
	if err != nil || len(r.Items) != 1 {
		return fmt.Sprintf("%d items", len(r.Items)), err
	}
	return r.Items[0].ID, nil
}

func TestExtraToolsNeedOneSection(t *testing.T) {
	good := extraHTTP("books", "https://example.org")
	if err := (ExtraTools{good}).Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*ExtraTool){
		`kind "x": must be`:         func(e *ExtraTool) { e.Kind = "x" },
		"needs the section mcp":     func(e *ExtraTool) { e.Kind = kindMCP },
		"needs the section http":    func(e *ExtraTool) { e.HTTP = nil },
		"extra[0]: tool books: for": func(e *ExtraTool) { e.For = "" },
	} {
		e := good
		change(&e)
		if err := (ExtraTools{e}).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	there, closeAll, err := ExtraTools{good}.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := (ExtraTools{good}).apart(there); err == nil || !strings.Contains(err.Error(), "extra[0]: books is the name") {
		t.Error(err)
	}
	if err := closeAll(); err != nil {
		t.Error(err)
	}
	if err := (ExtraTools{good, good}).Validate(); err == nil || !strings.Contains(err.Error(), "extra[1]: there is a tool books already") {
		t.Error(err)
	}
}
