package llm_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
)

// said is a token that a model wrote, with its probability and those of the others that
// stood in its place.
type said struct {
	text   string
	p      float64
	others map[string]float64
}

// completion returns the body of a response with these tokens. prefix comes before the
// content, as thinking does.
func completion(t *testing.T, prefix string, tokens ...said) string {
	t.Helper()
	var content strings.Builder
	entry := func(text string, p float64) map[string]any {
		b := make([]int, len(text))
		for i := range len(text) {
			b[i] = int(text[i])
		}
		return map[string]any{"token": "?", "bytes": b, "logprob": math.Log(p)}
	}
	list := []any{entry(prefix, 1)}
	for _, s := range tokens {
		content.WriteString(s.text)
		e, top := entry(s.text, s.p), []any{entry(s.text, s.p)}
		for text, p := range s.others {
			top = append(top, entry(text, p))
		}
		e["top_logprobs"] = top
		list = append(list, e)
	}
	data, err := json.Marshal(map[string]any{"choices": []any{map[string]any{
		"finish_reason": "stop", "message": map[string]any{"content": content.String()}, "logprobs": map[string]any{"content": list},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Routes of the garden: find, ideas, find_care.
func TestConfidenceIsReadOffTheTokens(t *testing.T) {
	server := serve(t, llmtest.Config{Flavour: llmtest.Ollama})
	c := connect(t, patient(server.URL()), garden(t))
	for name, tc := range map[string]struct {
		prefix string
		tokens []said
		want   float64
		next   map[string]float64
	}{
		"one token": {
			tokens: []said{{`{"route":"`, 0.2, nil}, {`ideas`, 0.9, map[string]float64{"find": 0.1}}, {`"}`, 0.5, nil}},
			want:   0.9, // find may be find or find_care
		},
		"several tokens": {
			tokens: []said{{`{"route":"`, 1, nil}, {`fi`, 0.8, map[string]float64{"ideas": 0.2}}, {`nd`, 1, nil}, {`_care`, 0.75, map[string]float64{`"}`: 0.25}}, {`"}`, 1, nil}},
			want:   0.6, next: map[string]float64{"ideas": 0.2, "find": 0.2},
		},
		"tokens across the quotes": {
			tokens: []said{{`{"route`, 1, nil}, {`":"ide`, 0.5, map[string]float64{`":"find`: 0.25, `":"fi`: 0.25}}, {`as"}`, 1, nil}},
			want:   0.5,
		},
		"illegal alternatives": {
			tokens: []said{{`{"route":"`, 1, nil}, {`ideas`, 0.3, map[string]float64{"search": 0.4, "find": 0.1, "Ideas": 0.2}}, {`"}`, 1, nil}},
			want:   0.75,
		},
		"not listed counts against": {
			tokens: []said{{`{"route":"`, 1, nil}, {`ideas`, 0.5, map[string]float64{"search": 0.3}}, {`"}`, 1, nil}},
			want:   0.5 / 0.7,
		},
		"thinking before": {
			prefix: `<think>"route":"ideas"</think>`,
			tokens: []said{{`{"route":"`, 1, nil}, {`ideas`, 0.9, map[string]float64{"find": 0.1}}, {`"}`, 1, nil}},
			want:   0.9,
		},
		"white space": {
			tokens: []said{{"{\n \"route\" :  \"", 1, nil}, {`ideas`, 0.9, map[string]float64{"find": 0.1}}, {"\"\n}", 1, nil}},
			want:   0.9,
		},
		"more than certain": { // nonsense: the default stands in
			tokens: []said{{`{"route":"ideas"}`, 7, nil}},
			want:   0.7,
		},
	} {
		t.Run(name, func(t *testing.T) {
			server.Set(llmtest.Raw(completion(t, tc.prefix, tc.tokens...)))
			a, err := c.Route(t.Context(), "x")
			if err != nil || math.Abs(a.Confidence-tc.want) > 1e-9 {
				t.Fatalf("%v, %v, want %v", a.Confidence, err, tc.want)
			}
			if len(a.Alternatives) != len(tc.next) {
				t.Errorf("alternatives %+v, want %v", a.Alternatives, tc.next)
			}
			for _, alt := range a.Alternatives {
				if math.Abs(alt.Confidence-tc.next[alt.Route]) > 1e-9 {
					t.Errorf("%+v, want %v", alt, tc.next)
				}
			}
			valid(t, garden(t), a)
		})
	}
}

// A temperature above one moves a confidence towards that of a guess, and keeps the order.
func TestConfidenceIsFlattened(t *testing.T) {
	server := serve(t, llmtest.Config{Flavour: llmtest.Ollama})
	server.Set(llmtest.Raw(completion(t, "", said{`{"route":"`, 1, nil}, said{`ideas`, 0.81, map[string]float64{`find"`: 0.15, "find_": 0.04}}, said{`"}`, 1, nil})))
	cfg := patient(server.URL())
	cfg.ConfidenceTemperature = 2
	a, err := connect(t, cfg, garden(t)).Route(t.Context(), "x")
	sum := 0.9 + math.Sqrt(0.15) + 0.2
	if err != nil || math.Abs(a.Confidence-0.9/sum) > 1e-9 || len(a.Alternatives) != 2 || a.Alternatives[0].Route != "find" || math.Abs(a.Alternatives[1].Confidence-0.2/sum) > 1e-9 {
		t.Errorf("%v %+v, %v", a.Confidence, a.Alternatives, err)
	}
	cfg.ConfidenceTemperature = 100
	a, err = connect(t, cfg, garden(t)).Route(t.Context(), "x")
	if err != nil || math.Abs(a.Confidence-1./3) > 0.01 {
		t.Errorf("%v, %v", a.Confidence, err)
	}
}

// Without probabilities, or with some that are of another text, the configuration says how
// sure an answer is.
func TestConfidenceThatIsNotSaid(t *testing.T) {
	server := serve(t, llmtest.Config{Flavour: llmtest.Ollama})
	cfg := patient(server.URL())
	cfg.DefaultConfidence = 0.66
	c := connect(t, cfg, garden(t))
	body := completion(t, "", said{`{"route":"ideas"}`, 0.5, nil})
	for name, text := range map[string]string{
		"none":  strings.Replace(body, `"logprobs"`, `"x"`, 1),
		"other": strings.Replace(body, `"bytes":[123`, `"bytes":[124`, 1),
		"null":  `{"choices":[{"message":{"content":"{\"route\":\"ideas\"}"},"logprobs":null}]}`,
	} {
		server.Set(llmtest.Raw(text))
		if a, err := c.Route(t.Context(), "x"); err != nil || a.Confidence != 0.66 || a.Alternatives != nil {
			t.Errorf("%s: %v %v, %v", name, a.Confidence, a.Alternatives, err)
		}
	}
	server.Set(llmtest.Enforcing())
	cfg.TopLogprobs = 0
	if _, err := connect(t, cfg, garden(t)).Route(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	requests := server.Requests()
	if last := string(requests[len(requests)-1].Body); strings.Contains(last, "logprobs") {
		t.Errorf("asked for probabilities: %s", last)
	}
}
