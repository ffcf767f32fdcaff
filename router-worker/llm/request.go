package llm

import (
	"encoding/json"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
)

// task is one kind of question: what stays the same from query to query.
type task struct {
	op        operation
	system    string // static turn
	name      string // of the schema
	schema    json.RawMessage
	maxTokens int
	logprobs  bool
	version   string // of prompt and schema
	cacheKey  string // of the prompt
}

// request returns the body for a query. Which fields are set is a matter of the profile:
// OpenAI refuses fields that it does not know, and Ollama drops the newer name of the
// token cap, which lets it write without end.
func (c Config) request(p Profile, model string, t task, user string) openai.ChatCompletionNewParams {
	body := openai.ChatCompletionNewParams{
		Model:          model,
		Messages:       []openai.ChatCompletionMessageParamUnion{openai.SystemMessage(t.system), openai.UserMessage(user)},
		ResponseFormat: format(p, t),
	}
	if c.Temperature >= 0 {
		body.Temperature, body.Seed = param.NewOpt(c.Temperature), param.NewOpt(c.Seed)
	}
	if t.logprobs && c.TopLogprobs > 0 {
		body.Logprobs, body.TopLogprobs = param.NewOpt(true), param.NewOpt(int64(c.TopLogprobs))
	}
	if c.ReasoningEffort != "" {
		body.ReasoningEffort = shared.ReasoningEffort(c.ReasoningEffort)
	}
	switch p {
	case Auto, OpenAI:
		body.MaxCompletionTokens = param.NewOpt(int64(t.maxTokens))
		body.PromptCacheKey = param.NewOpt(t.cacheKey)
	case LlamaCPP:
		body.MaxTokens = param.NewOpt(int64(t.maxTokens))
		body.SetExtraFields(map[string]any{"cache_prompt": true})
	case VLLM, Ollama:
		body.MaxTokens = param.NewOpt(int64(t.maxTokens))
	}
	return body
}

// format returns the wrapped form of the schema, which every profile reads. The flat form
// is silently ignored by some.
func format(p Profile, t task) openai.ChatCompletionNewParamsResponseFormatUnion {
	schema := shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: t.name, Schema: t.schema}
	if p == OpenAI || p == Auto {
		schema.Strict = param.NewOpt(true)
	}
	return openai.ChatCompletionNewParamsResponseFormatUnion{
		OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{JSONSchema: schema},
	}
}
