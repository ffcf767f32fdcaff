package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// Parameters that every tool has over MCP.
const (
	paramQuery = "query"
	paramLimit = "limit"
)

// maxItems bounds the items of a call: an agent reads all of them.
const maxItems = 50

// inputSchema is the schema of a tool's parameters plus query and limit.
func inputSchema(spec tools.Spec, limit int) (json.RawMessage, error) {
	var schema map[string]any
	if err := json.Unmarshal(spec.Params, &schema); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	properties, _ := schema["properties"].(map[string]any)
	if properties == nil {
		properties = map[string]any{}
	}
	if properties[paramQuery] != nil || properties[paramLimit] != nil {
		return nil, errors.New("schema: query and limit are taken")
	}
	properties[paramQuery] = map[string]any{
		"type": "string", "description": "the request in the words of whoever asks", "maxLength": maxQueryBytes,
	}
	properties[paramLimit] = map[string]any{
		"type": "integer", "description": "items wanted at most", "minimum": 1, "maximum": maxItems, "default": limit,
	}
	schema["properties"] = properties
	if required, _ := schema["required"].([]any); spec.Text && !slices.Contains(required, any(paramQuery)) {
		schema["required"] = append(required, paramQuery)
	}
	return json.Marshal(schema)
}

// outputSchema is that of [Answer].
func outputSchema() json.RawMessage {
	return json.RawMessage(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["items"],"properties":{` +
		`"text":{"type":"string","description":"an answer or an introduction"},` +
		`"items":{"type":"array","description":"best first","items":{"type":"object","required":["id","type","title","score"],"properties":{` +
		`"id":{"type":"string","description":"catalogue id: the type, a colon and a name"},"type":{"type":"string"},"title":{"type":"string"},` +
		`"subtitle":{"type":"string"},"artists":{"type":"array","items":{"type":"string"}},"genres":{"type":"array","items":{"type":"string"}},` +
		`"release_date":{"type":"string","description":"YYYY, YYYY-MM or YYYY-MM-DD"},"score":{"type":"number","description":"comparable within one answer"},` +
		`"why":{"type":"string","description":"a reason"},"synthetic":{"type":"boolean","description":"invented for a sample"}}}}}}`)
}
