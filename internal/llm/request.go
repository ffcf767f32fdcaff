package llm

import (
	"encoding/json"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
)

// Task is what stays the same from question to question. Servers keep what they made of
// it, so its bytes should not change.
type Task struct {
	System    string          // static turn
	Name      string          // of the schema: letters, digits, _ and -
	Schema    json.RawMessage // of the answer
	MaxTokens int             // of the answer
	// TopLogprobs is how many alternatives of each token are asked for; 0 asks for no
	// probabilities.
	TopLogprobs int
	CacheKey    string // of System, for servers that route by it
}

// request returns the body for a question. Which fields are set is a matter of the
// profile: OpenAI refuses fields that it does not know, and Ollama drops the newer name of
// the token cap, which lets it write without end.
func (c Config) request(s *server, q Question) openai.ChatCompletionNewParams {
	t := q.Task(s.profile)
	body := openai.ChatCompletionNewParams{
		Model:          s.model,
		Messages:       []openai.ChatCompletionMessageParamUnion{openai.SystemMessage(t.System), openai.UserMessage(q.User)},
		ResponseFormat: format(s.profile, t),
	}
	if c.Temperature >= 0 {
		body.Temperature, body.Seed = param.NewOpt(c.Temperature), param.NewOpt(c.Seed)
		if q.Seed != nil {
			body.Seed = param.NewOpt(*q.Seed)
		}
	}
	if t.TopLogprobs > 0 {
		body.Logprobs, body.TopLogprobs = param.NewOpt(true), param.NewOpt(int64(t.TopLogprobs))
	}
	if c.ReasoningEffort != "" {
		body.ReasoningEffort = shared.ReasoningEffort(c.ReasoningEffort)
	}
	switch s.profile {
	case Auto, OpenAI:
		body.MaxCompletionTokens = param.NewOpt(int64(t.MaxTokens))
		body.PromptCacheKey = param.NewOpt(t.CacheKey)
	case LlamaCPP:
		body.MaxTokens = param.NewOpt(int64(t.MaxTokens))
		body.SetExtraFields(map[string]any{"cache_prompt": true})
	case VLLM, Ollama:
		body.MaxTokens = param.NewOpt(int64(t.MaxTokens))
	}
	return body
}

// format returns the wrapped form of the schema, which every profile reads. The flat form
// is silently ignored by some.
func format(p Profile, t Task) openai.ChatCompletionNewParamsResponseFormatUnion {
	schema := shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: t.Name, Schema: t.Schema}
	if p == OpenAI || p == Auto {
		schema.Strict = param.NewOpt(true)
	}
	return openai.ChatCompletionNewParamsResponseFormatUnion{
		OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{JSONSchema: schema},
	}
}
