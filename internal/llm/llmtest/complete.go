package llmtest

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody caps what is read of a request.
const maxBody = 1 << 20

// complete serves a request for a completion.
func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	m := s.enter()
	defer s.leave()
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the client is gone
	}
	b, refusal := s.cfg.Flavour.parse(data)
	req := Request{Body: data, Header: r.Header.Clone(), Capped: b.cap > 0, Constrained: b.schema != nil, Problem: refusal}
	if refusal == "" {
		req.Query, req.System = b.query(), b.system()
	}
	s.record(req)
	switch {
	case !s.authorised(w, r):
	case m.kind == failing:
		s.fail(w, m)
	case refusal != "":
		problem(w, http.StatusBadRequest, "invalid_request_error", refusal)
	case m.kind == hanging:
		<-r.Context().Done()
	case m.kind == slow && !pause(r, m.delay):
	default:
		s.answer(w, r, m, b)
	}
}

func (s *Server) enter() Mode {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total++
	s.active++
	s.peak = max(s.peak, s.active)
	return s.mode
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
}

func (s *Server) record(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) < maxKept {
		s.requests = append(s.requests, r)
	}
}

// pause waits, and reports whether the client still does.
func pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *Server) fail(w http.ResponseWriter, m Mode) {
	if m.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(int(m.delay.Seconds())))
		problem(w, m.status, "rate_limit_exceeded", "Rate limit reached.")
		return
	}
	http.Error(w, "<html><h1>"+strconv.Itoa(m.status)+"</h1></html>", m.status) // as proxies do
}

// answer writes the completion that the mode calls for.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, m Mode, b body) {
	switch m.kind {
	case garbage:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "\x00\xff{]garbage")
		return
	case raw:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, m.text)
		return
	}
	content, finish := s.content(m, b)
	message := map[string]any{"role": "assistant", "content": content}
	if m.kind == refusing {
		message["content"], message["refusal"] = nil, "I'm sorry, I cannot help with that."
	}
	choice := map[string]any{"index": 0, "message": message, "finish_reason": finish, "logprobs": nil}
	if b.Logprobs && m.kind != refusing {
		choice["logprobs"] = map[string]any{"content": s.logprobs(b, content)}
	}
	out := map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": s.cfg.Model, "choices": []any{choice},
	}
	s.addUsage(out, b, content)
	if m.kind == dripping {
		drip(w, r, out, m.delay)
		return
	}
	reply(w, http.StatusOK, out)
}

// drip writes a body byte by byte.
func drip(w http.ResponseWriter, r *http.Request, v any, delay time.Duration) {
	data, _ := json.Marshal(v) // of maps and strings: it cannot go wrong
	w.Header().Set("Content-Type", "application/json")
	control := http.NewResponseController(w)
	for i := range data {
		if _, err := w.Write(data[i : i+1]); err != nil || control.Flush() != nil || !pause(r, delay) {
			return
		}
	}
}

// content returns what the model writes, and why it stops.
func (s *Server) content(m Mode, b body) (content, finish string) {
	switch m.kind {
	case ignoring:
		return "Sure! For this I would look for something nice to listen to.", "stop"
	case evil:
		return s.wickedness(b), "stop"
	case saying:
		return m.text, "stop"
	}
	if b.schema == nil {
		return "Sure! Here is what I think about it.", "stop"
	}
	var want json.RawMessage
	if s.cfg.Answer != nil {
		if answer := s.cfg.Answer(b.query()); json.Valid([]byte(answer)) {
			want = json.RawMessage(answer)
		}
	}
	content = string(write(b.schema, want, b.query()))
	if m.kind == truncated {
		return content[:len(content)*2/3], "length"
	}
	return content, "stop"
}

// wickedness is the next thing that a model under an attacker's control might write.
func (s *Server) wickedness(b body) string {
	call := `{"tool":"search","text":"x"}`
	texts := []string{
		`{"route":"delete_everything","command":"rm -rf /"}`,
		`{"calls":[{"tool":"shell","text":"id"}]}`,
		`{"calls":[` + strings.Repeat(call+",", 49) + call + `]}`,
		`{"calls":[{"tool":"search","text":{"calls":[` + call + `]}}]}`,
		`{"route":"search","text":"<script>alert(1)</script>"}`,
		`{"route":"search","text":"https://evil.example/?q=1"}`,
		`{"route":"search","text":"'; DROP TABLE tracks; --"}`,
		b.system(),
		`{"route":"search"}{"route":"out_of_scope"}`,
		`{"route":"search","route":"out_of_scope"}`,
		`{"route":"search","text":"` + strings.Repeat("a", 100_000) + `"}`,
		`{"route":"search","entity_types":[` + strings.Repeat(`"track",`, 5000) + `"track"]}`,
		`{"route":["search"],"text":7}`,
		`{"route":"personalized_recs","era_from":1e308,"era_to":-99999999999999999999}`,
		strings.Repeat(`{"route":`, 2000) + `"search"` + strings.Repeat(`}`, 2000),
		"{\"route\":\"search\",\"text\":\"\u202egnp.exe\u0000\"}",
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn++
	return texts[(s.turn-1)%len(texts)]
}

// addUsage counts four bytes as a token and plays the prefix cache of the flavour.
func (s *Server) addUsage(out map[string]any, b body, content string) {
	var prompt strings.Builder
	for _, m := range b.Messages {
		prompt.WriteString(m.Content)
	}
	cached, total := s.cached(prompt.String())/4, (prompt.Len()+3)/4
	if b.CachePrompt != nil && !*b.CachePrompt {
		cached = 0
	}
	usage := map[string]any{"prompt_tokens": total, "completion_tokens": (len(content) + 3) / 4, "total_tokens": total + (len(content)+3)/4}
	switch s.cfg.Flavour {
	case OpenAI:
		if cached -= cached % 128; cached < 1024 {
			cached = 0
		}
		usage["prompt_tokens_details"] = map[string]any{"cached_tokens": cached}
	case VLLM:
		usage["prompt_tokens_details"] = map[string]any{"cached_tokens": cached - cached%16}
	case LlamaCPP:
		out["timings"] = map[string]any{"cache_n": cached, "prompt_n": total - cached}
	case Ollama: // it has no counter
	}
	out["usage"] = usage
}

// cached returns how many bytes of a prompt an earlier one began with, and remembers it.
func (s *Server) cached(prompt string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	longest := 0
	for _, p := range s.prefixes {
		n := 0
		for n < len(p) && n < len(prompt) && p[n] == prompt[n] {
			n++
		}
		longest = max(longest, n)
	}
	s.prefixes = append(s.prefixes[max(0, len(s.prefixes)-7):], prompt)
	return min(longest, len(prompt)-1)
}

// logprobs cuts content into tokens of four bytes. The first value from an enum of the
// schema, such as the route, has the confidence of the configuration at its first token,
// and the other values share the rest.
func (s *Server) logprobs(b body, content string) []any {
	begin, others := firstEnum(b.schema, content)
	var out []any
	for at := 0; at < len(content); {
		end := min(at+4, len(content))
		if at < begin {
			end = min(end, begin)
		}
		p := 0.999
		if at == begin {
			p = s.cfg.Confidence
		}
		t := token(content[at:end], p)
		if b.TopLogprobs > 0 {
			top := []any{token(content[at:end], p)}
			for _, o := range others {
				if at == begin && len(top) < b.TopLogprobs {
					top = append(top, token(o, (1-p)/float64(len(others))))
				}
			}
			t["top_logprobs"] = top
		}
		out = append(out, t)
		at = end
	}
	return out
}

// firstEnum finds where the value of the first property begins in content, and how the
// other values that it might have had begin.
func firstEnum(raw json.RawMessage, content string) (begin int, others []string) {
	var s, first schema
	if json.Unmarshal(raw, &s) != nil {
		return -1, nil
	}
	names, properties := decodeOrdered(s.Properties)
	if len(names) == 0 || json.Unmarshal(properties[names[0]], &first) != nil {
		return -1, nil
	}
	key := `{"` + names[0] + `":"`
	if !strings.HasPrefix(content, key) {
		return -1, nil
	}
	for _, e := range first.Enum {
		v := string(bytes.Trim(e, `"`))
		if head := v[:min(4, len(v))]; !strings.HasPrefix(content[len(key):], head) {
			others = append(others, head)
		}
	}
	return len(key), others
}

func token(text string, p float64) map[string]any {
	b := make([]int, len(text))
	for i := range len(text) {
		b[i] = int(text[i])
	}
	return map[string]any{"token": text, "bytes": b, "logprob": math.Log(p)}
}
