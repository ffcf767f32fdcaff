package schemas

import (
	"embed"
	"fmt"
	"strings"
)

// jsonSchemas holds the JSON Schema (2020-12) of every message, and common.v1, which they
// refer to.
//
//go:embed jsonschema/*.json
var jsonSchemas embed.FS

//go:embed asyncapi.yaml
var asyncAPI []byte

const (
	jsonSchemaFolder = "jsonschema"
	jsonSchemaEnding = ".json"
)

// JSONSchema returns a JSON Schema by its name, such as "query.v1". The error wraps
// [io/fs.ErrNotExist] when there is none of that name. The caller owns the bytes.
func JSONSchema(name string) ([]byte, error) {
	data, err := jsonSchemas.ReadFile(jsonSchemaFolder + "/" + name + jsonSchemaEnding)
	if err != nil {
		return nil, fmt.Errorf("read JSON schema: %w", err)
	}
	return data, nil
}

// JSONSchemas lists the names that [JSONSchema] knows, sorted.
func JSONSchemas() ([]string, error) {
	entries, err := jsonSchemas.ReadDir(jsonSchemaFolder)
	if err != nil {
		return nil, fmt.Errorf("list JSON schemas: %w", err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), jsonSchemaEnding)
	}
	return names, nil
}

// AsyncAPI returns the AsyncAPI 3.0 document of the topics and subjects, as YAML. Its
// messages refer to the JSON Schemas as jsonschema/<name>.json. The caller owns the bytes.
func AsyncAPI() []byte { return append([]byte(nil), asyncAPI...) }
