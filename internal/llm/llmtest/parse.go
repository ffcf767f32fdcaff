package llmtest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// known are the fields of a request that a server reads. OpenAI refuses others.
var openAIFields = []string{ //nolint:gochecknoglobals // a table
	"model", "messages", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_completion_tokens", "max_tokens",
	"metadata", "n", "parallel_tool_calls", "presence_penalty", "prompt_cache_key", "prompt_cache_retention", "reasoning_effort",
	"response_format", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools",
	"top_p", "user", "verbosity",
}

// schemaName is what OpenAI accepts as the name of a schema.
var schemaName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// body is a request for a completion, as far as the fake reads it.
type body struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	Logprobs            bool            `json:"logprobs"`
	TopLogprobs         int             `json:"top_logprobs"`
	ResponseFormat      *responseFormat `json:"response_format"`
	CachePrompt         *bool           `json:"cache_prompt"`

	schema json.RawMessage // nil: unconstrained
	cap    int             // 0: none
}

type responseFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Name   string          `json:"name"`
		Strict bool            `json:"strict"`
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
	Schema json.RawMessage `json:"schema"` // of llama.cpp's json_object
}

// parse reads a request as the flavour does. problem is why it refuses it, or "".
func (f Flavour) parse(data []byte) (b body, problem string) {
	if err := json.Unmarshal(data, &b); err != nil {
		return b, "the body is not the JSON of a request"
	}
	if b.Model == "" && f != LlamaCPP || len(b.Messages) == 0 {
		return b, "model and messages are required"
	}
	if f == OpenAI {
		return b, b.parseOpenAI(data)
	}
	b.cap = b.MaxTokens
	if f == VLLM {
		b.cap = max(b.MaxTokens, b.MaxCompletionTokens)
	}
	if b.ResponseFormat == nil {
		return b, ""
	}
	switch {
	case b.ResponseFormat.Type == "json_schema":
		b.schema = b.ResponseFormat.JSONSchema.Schema // the flat form is silently unconstrained
	case b.ResponseFormat.Type == "json_object" && f == LlamaCPP:
		b.schema = b.ResponseFormat.Schema
	}
	if f == VLLM {
		return b, b.checkVLLM()
	}
	return b, ""
}

func (b *body) parseOpenAI(data []byte) string {
	keys, _ := decodeOrdered(data)
	for _, key := range keys {
		if !slices.Contains(openAIFields, key) {
			return "Unknown argument: " + key
		}
	}
	if b.MaxTokens > 0 && strings.HasPrefix(b.Model, "o") {
		return "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
	}
	if b.TopLogprobs > 20 || b.TopLogprobs > 0 && !b.Logprobs {
		return "top_logprobs: must be at most 20, with logprobs"
	}
	b.cap = max(b.MaxCompletionTokens, b.MaxTokens)
	if b.ResponseFormat == nil || b.ResponseFormat.Type != "json_schema" {
		return ""
	}
	s := b.ResponseFormat.JSONSchema
	if !schemaName.MatchString(s.Name) {
		return "Invalid 'response_format.json_schema.name'"
	}
	if s.Strict {
		if problem := lintStrict(s.Schema, true); problem != "" {
			return "Invalid schema for response_format: " + problem
		}
	}
	b.schema = s.Schema
	return ""
}

// checkVLLM refuses what its grammar engine does not support.
func (b *body) checkVLLM() string {
	if b.schema != nil && b.ResponseFormat.JSONSchema.Name == "" {
		return "response_format.json_schema.name: field required"
	}
	for _, word := range []string{"multipleOf", "uniqueItems", "contains", "minContains", "maxContains", "patternProperties", "propertyNames"} {
		if strings.Contains(string(b.schema), `"`+word+`"`) {
			return "The provided JSON schema contains features not supported by xgrammar."
		}
	}
	return ""
}

// strictKeywords are all that OpenAI's strict mode lets a schema be made of, as far as
// every one of its models supports it.
var strictKeywords = []string{"type", "properties", "required", "additionalProperties", "enum", "items", "description"} //nolint:gochecknoglobals // a table

// lintStrict says what OpenAI's strict mode would refuse.
func lintStrict(schema json.RawMessage, root bool) string {
	keys, members := decodeOrdered(schema)
	for _, key := range keys {
		if !slices.Contains(strictKeywords, key) {
			return "'" + key + "' is not permitted"
		}
	}
	if string(members["type"]) != `"object"` {
		if root {
			return "schema must be of type object"
		}
		if items, ok := members["items"]; ok {
			return lintStrict(items, false)
		}
		return ""
	}
	if string(members["additionalProperties"]) != "false" {
		return "'additionalProperties' is required to be supplied and to be false"
	}
	var required []string
	_ = json.Unmarshal(members["required"], &required) // a wrong one is found below
	names, properties := decodeOrdered(members["properties"])
	for _, name := range names {
		if !slices.Contains(required, name) {
			return "'required' must include every key in properties. Missing '" + name + "'"
		}
		if problem := lintStrict(properties[name], false); problem != "" {
			return problem
		}
	}
	return ""
}

// query returns the q of the last user turn.
func (b *body) query() string {
	for _, m := range slices.Backward(b.Messages) {
		var turn struct{ Q *string }
		if m.Role != "user" {
			continue
		}
		if json.Unmarshal([]byte(m.Content), &turn) == nil && turn.Q != nil {
			return *turn.Q
		}
		return m.Content
	}
	return ""
}

func (b *body) system() string {
	if b.Messages[0].Role == "system" {
		return b.Messages[0].Content
	}
	return ""
}
