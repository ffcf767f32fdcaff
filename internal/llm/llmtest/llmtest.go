// Package llmtest is a fake language model server for tests: the OpenAI chat completions
// API over HTTP on loopback, with the quirks of the servers that speak it, and with
// everything that can go wrong.
//
// A [Flavour] says how the server reads requests; a [Mode] says how it answers, and can be
// changed while it runs. An enforcing answer fits the schema of the request, whatever
// that is: a decision, a composition, a canary. The fake needs no testing package, so
// that programs and end-to-end tests can use it too.
package llmtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Flavour is the kind of server that is imitated.
type Flavour string

// Flavours, with what they do to fields that they do not know: OpenAI refuses them, the
// others drop them.
const (
	OpenAI   Flavour = "openai"
	VLLM     Flavour = "vllm"
	LlamaCPP Flavour = "llamacpp"
	Ollama   Flavour = "ollama"
)

// Mode is how a server answers.
type Mode struct {
	kind   kind
	delay  time.Duration
	status int
	text   string
}

type kind int

const (
	enforcing kind = iota
	ignoring
	slow
	dripping
	failing
	garbage
	truncated
	refusing
	hanging
	evil
	saying
	raw
)

// Enforcing answers with what the schema allows. It is the mode of a new server.
func Enforcing() Mode { return Mode{kind: enforcing} }

// Ignoring answers in prose, whatever the schema.
func Ignoring() Mode { return Mode{kind: ignoring} }

// Garbage answers 200 with bytes that are no JSON.
func Garbage() Mode { return Mode{kind: garbage} }

// Truncated stops in the middle, as at the token cap.
func Truncated() Mode { return Mode{kind: truncated} }

// Refusing answers with a refusal.
func Refusing() Mode { return Mode{kind: refusing} }

// Hanging takes the request and says nothing until the client is gone.
func Hanging() Mode { return Mode{kind: hanging} }

// Evil answers in turn with tools and routes that do not exist, with dozens of calls, with
// links and scripts, with the prompt itself, and more.
func Evil() Mode { return Mode{kind: evil} }

// Slow is Enforcing after a delay.
func Slow(d time.Duration) Mode { return Mode{kind: slow, delay: d} }

// Dripping is Enforcing, one byte of the body after the other, with a delay between them.
func Dripping(d time.Duration) Mode { return Mode{kind: dripping, delay: d} }

// Failing answers with an HTTP status.
func Failing(status int) Mode { return Mode{kind: failing, status: status} }

// Limiting answers 429 and asks to be left alone for a time, in whole seconds.
func Limiting(retryAfter time.Duration) Mode {
	return Mode{kind: failing, status: http.StatusTooManyRequests, delay: retryAfter}
}

// Saying makes the model write a text, whatever the schema.
func Saying(text string) Mode { return Mode{kind: saying, text: text} }

// Raw makes a text the whole body of the response.
func Raw(body string) Mode { return Mode{kind: raw, text: body} }

// Config configures a [Server]. The zero value is an OpenAI server.
type Config struct {
	Flavour Flavour // "" is OpenAI
	Model   string  // "" is "fake"
	// Key, if not "", must come with every request.
	Key string
	// Answer chooses what the model writes about a query: a JSON object. The server makes
	// it fit the schema. nil, or "" as its result: a valid answer that depends on the
	// query alone.
	Answer func(query string) string
	// Confidence is the probability of the first value from an enum, where probabilities
	// are asked for; 0 is 0.9.
	Confidence float64
}

// Request is what the server saw of a request for a completion.
type Request struct {
	Body        []byte
	Header      http.Header
	Query       string // the q of the last user turn, or all of that turn
	System      string // the system turn
	Capped      bool   // the server knew the field with the token cap
	Constrained bool   // the server understood the schema
	Problem     string // why it was refused; "" if it was not
}

// Server is a fake server. It is safe for concurrent use.
type Server struct {
	cfg  Config
	http *httptest.Server

	mu       sync.Mutex // guards the rest
	mode     Mode
	active   int
	peak     int
	turn     int // of evil
	total    int
	requests []Request // the last maxKept
	prefixes []string  // prompts that the prefix cache holds
}

// maxKept bounds how many requests are remembered.
const maxKept = 4096

// New starts a server in the mode Enforcing. The caller closes it.
func New(cfg Config) *Server {
	if cfg.Flavour == "" {
		cfg.Flavour = OpenAI
	}
	if cfg.Model == "" {
		cfg.Model = "fake"
	}
	if cfg.Confidence == 0 {
		cfg.Confidence = 0.9
	}
	s := &Server{cfg: cfg}
	s.http = httptest.NewServer(s.routes())
	return s
}

// URL returns the address, without the /v1 of the API.
func (s *Server) URL() string { return s.http.URL }

// Close ends every request under way and stops the server.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// Set changes the mode, for requests from now on.
func (s *Server) Set(m Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = m
}

// Count returns how many completions were asked for, refused ones too.
func (s *Server) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Peak returns the most completions that were under way at once.
func (s *Server) Peak() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}

// Requests returns the completions that were asked for, oldest first, some thousands at
// most. The caller must not change their bytes.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Reset forgets counts and requests. Mode and prefix cache stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.total, s.peak = nil, 0, s.active
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.complete)
	owner := map[Flavour]string{OpenAI: "system", VLLM: "vllm", LlamaCPP: "llamacpp", Ollama: "library"}[s.cfg.Flavour]
	document := func(pattern string, v any) {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
			if s.authorised(w, r) && s.up(w) {
				reply(w, http.StatusOK, v)
			}
		})
	}
	document("/v1/models", map[string]any{"object": "list", "data": []any{
		map[string]any{"id": s.cfg.Model, "object": "model", "created": 1, "owned_by": owner},
	}})
	switch s.cfg.Flavour {
	case LlamaCPP:
		document("/props", map[string]any{"default_generation_settings": map[string]any{"n_ctx": 4096}, "total_slots": 1})
		document("/health", map[string]any{"status": "ok"})
	case VLLM:
		document("/version", map[string]any{"version": "0.12.0"})
	case Ollama:
		document("/api/version", map[string]any{"version": "0.13.0"})
	case OpenAI:
	}
	return mux
}

// up answers with the failure of the mode Failing, if that is on.
func (s *Server) up(w http.ResponseWriter) bool {
	s.mu.Lock()
	m := s.mode
	s.mu.Unlock()
	if m.kind == failing {
		s.fail(w, m)
	}
	return m.kind != failing
}

func (s *Server) authorised(w http.ResponseWriter, r *http.Request) bool {
	if s.cfg.Key == "" || r.Header.Get("Authorization") == "Bearer "+s.cfg.Key {
		return true
	}
	// As OpenAI does, it quotes the key that it was given.
	problem(w, http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided: "+r.Header.Get("Authorization"))
	return false
}

func reply(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client may be gone
}

func problem(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, map[string]any{"error": map[string]any{
		"message": message, "type": "invalid_request_error", "param": nil, "code": code,
	}})
}

// decodeOrdered reads an object and the order of its keys.
func decodeOrdered(data []byte) (keys []string, members map[string]json.RawMessage) {
	members = map[string]json.RawMessage{}
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, members
	}
	for dec.More() {
		t, err := dec.Token()
		key, ok := t.(string)
		var v json.RawMessage
		if err != nil || !ok || dec.Decode(&v) != nil {
			break
		}
		keys = append(keys, key)
		members[key] = v
	}
	return keys, members
}
