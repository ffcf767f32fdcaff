package llmtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	messages = `"model":"m","messages":[{"role":"user","content":"{\"q\":\"lady gaga\"}"}]`
	closed   = `{"type":"object","properties":{"route":{"type":"string","enum":["a","b"]},"n":{"type":["integer","null"]}},"required":["route","n"],"additionalProperties":false}`
	open     = `{"type":"object","properties":{"route":{"type":"string","enum":["a","b"]},"n":{"type":"integer","multipleOf":2}},"required":["route"]}`
)

func wrapped(strict bool, name, schema string) string {
	return fmt.Sprintf(`,"response_format":{"type":"json_schema","json_schema":{"name":%q,"strict":%v,"schema":%s}}`, name, strict, schema)
}

// post sends a request and returns the status and the body.
func post(t *testing.T, s *llmtest.Server, body string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(s.URL()+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// Each flavour reads requests as the server that it imitates does.
func TestFlavoursReadRequestsDifferently(t *testing.T) {
	flat := `,"response_format":{"type":"json_schema","name":"x","schema":` + closed + `}`
	native := `,"response_format":{"type":"json_object","schema":` + closed + `}`
	type read struct{ ok, capped, constrained bool }
	for _, tc := range []struct {
		flavour llmtest.Flavour
		fields  string
		want    read
	}{
		{llmtest.OpenAI, `,"max_completion_tokens":9` + wrapped(true, "route", closed), read{true, true, true}},
		{llmtest.OpenAI, wrapped(true, "no spaces", closed), read{}},
		{llmtest.OpenAI, wrapped(true, "route", open), read{}},
		{llmtest.OpenAI, wrapped(false, "route", open), read{true, false, true}},
		{llmtest.OpenAI, `,"cache_prompt":true`, read{}},
		{llmtest.OpenAI, `,"top_logprobs":5`, read{}},
		{llmtest.VLLM, `,"max_tokens":9` + wrapped(false, "route", closed), read{true, true, true}},
		{llmtest.VLLM, `,"max_completion_tokens":9,"anything":1`, read{true, true, false}},
		{llmtest.VLLM, wrapped(false, "route", open), read{false, false, true}},
		{llmtest.VLLM, wrapped(false, "", closed), read{false, false, true}},
		{llmtest.LlamaCPP, `,"max_tokens":9,"cache_prompt":true` + wrapped(false, "", open), read{true, true, true}},
		{llmtest.LlamaCPP, `,"max_completion_tokens":9` + flat, read{true, false, false}},
		{llmtest.LlamaCPP, native, read{true, false, true}},
		{llmtest.Ollama, `,"max_tokens":9` + wrapped(false, "", open), read{true, true, true}},
		{llmtest.Ollama, `,"max_completion_tokens":9` + native, read{true, false, false}},
	} {
		s := llmtest.New(llmtest.Config{Flavour: tc.flavour})
		status, body := post(t, s, "{"+messages+tc.fields+"}")
		r := s.Requests()[0]
		if got := (read{r.Problem == "", r.Capped, r.Constrained}); got != tc.want && tc.want.ok || (status == http.StatusOK) != tc.want.ok {
			t.Errorf("%s %s: %+v, status %d, %s", tc.flavour, tc.fields, got, status, body)
		}
		s.Close()
	}
}

// The answer fits the schema, whatever the caller's function says, and is the same for the
// same query.
func TestEnforcingAnswersFitTheSchema(t *testing.T) {
	for answer, want := range map[string]string{
		`{"n":7,"x":1,"route":"b"}`: `{"route":"b","n":7}`,
		`{"route":"b","n":"7"}`:     `{"route":"b","n":1}`,
		`{"route":"b"}`:             `{"route":"b","n":null}`,
		``:                          ``, // its own choice
	} {
		s := llmtest.New(llmtest.Config{Answer: func(query string) string {
			if query != "lady gaga" {
				t.Errorf("asked about %q", query)
			}
			return answer
		}})
		var first string
		for range 2 {
			_, body := post(t, s, "{"+messages+wrapped(true, "route", closed)+"}")
			var got struct {
				Choices []struct{ Message struct{ Content string } }
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			content := got.Choices[0].Message.Content
			if want != "" && content != want || first != "" && content != first || !strings.HasPrefix(content, `{"route":"`) {
				t.Errorf("%s became %s, want %s", answer, content, want)
			}
			first = content
		}
		s.Close()
	}
}

func TestCountsAndPeak(t *testing.T) {
	s := llmtest.New(llmtest.Config{})
	defer s.Close()
	s.Set(llmtest.Slow(200 * time.Millisecond))
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { post(t, s, "{"+messages+"}") })
	}
	wg.Wait()
	if s.Count() != 5 || s.Peak() < 2 || s.Peak() > 5 || len(s.Requests()) != 5 {
		t.Errorf("%d requests, %d at once", s.Count(), s.Peak())
	}
	s.Reset()
	if s.Count() != 0 || s.Peak() != 0 || s.Requests() != nil {
		t.Error("Reset forgets nothing")
	}
}

// Closing ends requests that hang.
func TestCloseEndsHangingRequests(t *testing.T) {
	s := llmtest.New(llmtest.Config{})
	s.Set(llmtest.Hanging())
	done := make(chan error, 1)
	go func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Post(s.URL()+"/v1/chat/completions", "application/json", bytes.NewReader([]byte("{"+messages+"}")))
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	for deadline := time.Now().Add(10 * time.Second); s.Count() == 0 && time.Now().Before(deadline); {
		http.DefaultClient.CloseIdleConnections() // a turn for the server
	}
	s.Close()
	if err := <-done; err == nil {
		t.Error("a hanging server answered")
	}
}
