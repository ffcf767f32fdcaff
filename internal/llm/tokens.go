package llm

import (
	"encoding/json"
	"math"

	"github.com/openai/openai-go/v3"
)

// Tokens counts what a model read and wrote.
type Tokens struct {
	Prompt     int
	Cached     int // part of Prompt that was served from a prefix cache
	Completion int
}

// maxCount bounds what a server may claim to have read or written: no prompt of ours is
// near it, and a false claim must not use up a budget.
const maxCount = 1 << 16

// tokens reads the usage of a completion. llama.cpp tells what its prefix cache gave in
// timings; the others, if at all, in the details of the prompt.
func tokens(c *openai.ChatCompletion) Tokens {
	cached := c.Usage.PromptTokensDetails.CachedTokens
	var timings struct {
		CacheN int64 `json:"cache_n"`
	}
	if raw := c.JSON.ExtraFields["timings"].Raw(); cached == 0 && raw != "" && json.Unmarshal([]byte(raw), &timings) == nil {
		cached = timings.CacheN
	}
	prompt := count(c.Usage.PromptTokens)
	return Tokens{Prompt: prompt, Cached: min(count(cached), prompt), Completion: count(c.Usage.CompletionTokens)}
}

func count(n int64) int { return int(min(max(n, 0), maxCount)) }

// cost prices tokens, in US dollars. The first name with an entry counts.
func (c Config) cost(t Tokens, names ...string) float64 {
	for _, name := range append(names, defaultPrice) {
		if p, ok := c.Prices[name]; ok {
			return (float64(t.Prompt-t.Cached)*p.PromptPerM + float64(t.Cached)*p.CachedPerM + float64(t.Completion)*p.CompletionPerM) / 1e6
		}
	}
	return 0
}

// Token is a piece of an answer.
type Token struct {
	Text    string  // its bytes, which need not be whole characters
	Logprob float64 // natural logarithm of its probability; NaN: the server did not say
	Top     []Token // what else might have stood there, and maybe the token itself; their Top is nil
}

func logprobs(list []openai.ChatCompletionTokenLogprob) []Token {
	out := make([]Token, len(list))
	for i, t := range list {
		out[i] = Token{Text: written(t.Bytes, t.Token), Logprob: t.Logprob}
		if !t.JSON.Logprob.Valid() {
			out[i].Logprob = math.NaN()
		}
		for _, alt := range t.TopLogprobs {
			out[i].Top = append(out[i].Top, Token{Text: written(alt.Bytes, alt.Token), Logprob: alt.Logprob})
		}
	}
	return out
}

// written returns the bytes of a token.
func written(b []int64, token string) string {
	if len(b) == 0 {
		return token
	}
	out := make([]byte, len(b))
	for i, v := range b {
		out[i] = byte(v)
	}
	return string(out)
}
