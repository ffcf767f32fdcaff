package httpclient_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/clients/httpclient"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick are settings that do not wait.
func quick(addr string) httpclient.Config {
	cfg := httpclient.DefaultConfig()
	cfg.Addr, cfg.Backoff, cfg.MaxBackoff, cfg.Attempts = addr, time.Millisecond, 5*time.Millisecond, 3
	return cfg
}

func newClient(t *testing.T, cfg httpclient.Config, h *http.Client) *httpclient.Client {
	t.Helper()
	c, err := httpclient.New(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// asked is a request as a gateway got it.
type asked struct {
	path   string // with the method
	header http.Header
	body   map[string]any // of a search
	raw    []byte
}

// script is a gateway that answers each request with the next of its steps, and the last
// one for ever.
type script struct {
	mu    sync.Mutex
	asked []asked
	steps []http.HandlerFunc
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	a := asked{path: r.Method + " " + r.URL.String(), header: r.Header.Clone(), raw: raw}
	_ = json.Unmarshal(raw, &a.body) // not every body is an object
	s.mu.Lock()
	step := s.steps[min(len(s.asked), len(s.steps)-1)]
	s.asked = append(s.asked, a)
	s.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(raw))
	step(w, r)
}

func (s *script) got() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// serve starts a gateway that answers by script.
func serve(t *testing.T, steps ...http.HandlerFunc) (*httpclient.Client, *script) {
	t.Helper()
	s := &script{steps: steps}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return newClient(t, quick(server.URL), nil), s
}

const id = "01a20771-a079-7a63-a6d6-1e95a8109258"

var pageJSON = `{"schema_version":"1.0","correlation_id":"` + id + `","query":"q","later_field":1,"sections":[` + results + `,` + mix + `]}`

const (
	results = `{"id":"results","status":"ok","items":[{"id":"artist:a","title":"A"}]}`
	mix     = `{"id":"mix","status":"timeout","items":[]}`
)

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func page() http.HandlerFunc { return answer(http.StatusOK, "application/json", pageJSON) }

func problem(status int) http.HandlerFunc {
	data, _ := json.Marshal(httpclient.Problem{Title: http.StatusText(status), Status: status, Detail: "Why."})
	return answer(status, "application/problem+json", string(data))
}

func events(text string) http.HandlerFunc { return answer(http.StatusOK, "text/event-stream", text) }

// cut sends a part of a stream and breaks the connection.
func cut(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		events(text)(w, r)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func event(name, data string) string {
	return "event: " + name + "\nid: " + id + "/" + name + "\ndata: " + data + "\n\n"
}

func route() string {
	data, _ := json.Marshal(httpclient.Route{CorrelationID: id, Slots: schemas.Slots{Layout: "top_hit"}, Why: httpclient.Why{Summary: "Sure."}})
	return event("route", string(data))
}

func start(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}
