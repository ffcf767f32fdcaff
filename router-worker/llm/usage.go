package llm

import (
	"encoding/json"

	"github.com/openai/openai-go/v3"

	"github.com/parallel-fusion/pfr/schemas"
)

// maxCount bounds what a server may claim to have read or written: no prompt of ours is
// near it, and a false claim must not use up what a market may spend.
const maxCount = 1 << 16

// tokens reads the usage of a completion. llama.cpp tells what its prefix cache gave in
// timings; the others, if at all, in the details of the prompt.
func tokens(c *openai.ChatCompletion) schemas.Tokens {
	cached := c.Usage.PromptTokensDetails.CachedTokens
	var timings struct {
		CacheN int64 `json:"cache_n"`
	}
	if raw := c.JSON.ExtraFields["timings"].Raw(); cached == 0 && raw != "" && json.Unmarshal([]byte(raw), &timings) == nil {
		cached = timings.CacheN
	}
	prompt := count(c.Usage.PromptTokens)
	return schemas.Tokens{Prompt: prompt, Cached: min(count(cached), prompt), Completion: count(c.Usage.CompletionTokens)}
}

func count(n int64) int { return int(min(max(n, 0), maxCount)) }

// cost prices tokens, in US dollars. The first name with an entry counts.
func (c Config) cost(t schemas.Tokens, names ...string) float64 {
	for _, name := range append(names, defaultPrice) {
		if p, ok := c.Prices[name]; ok {
			return (float64(t.Prompt-t.Cached)*p.PromptPerM + float64(t.Cached)*p.CachedPerM + float64(t.Completion)*p.CompletionPerM) / 1e6
		}
	}
	return 0
}
