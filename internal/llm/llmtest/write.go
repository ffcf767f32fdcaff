package llmtest

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
)

// schema is as much of JSON Schema as a decision needs.
type schema struct {
	Type       json.RawMessage   `json:"type"` // a name or a list of names
	Enum       []json.RawMessage `json:"enum"`
	Properties json.RawMessage   `json:"properties"`
	Required   []string          `json:"required"`
	Items      json.RawMessage   `json:"items"`
	MaxItems   *int              `json:"maxItems"`
	Minimum    int               `json:"minimum"`
}

// write returns JSON that fits the schema. Where want fits, it is taken; where the schema
// leaves a choice, seed makes it.
func write(raw, want json.RawMessage, seed string) []byte {
	var s schema
	if json.Unmarshal(raw, &s) != nil {
		return []byte("null")
	}
	types := s.types()
	switch {
	case s.Enum != nil:
		return s.choose(want, seed)
	case want == nil && slices.Contains(types, "null"), string(want) == "null" && slices.Contains(types, "null"):
		return []byte("null")
	case slices.Contains(types, "object"):
		return s.writeObject(want, seed)
	case slices.Contains(types, "array"):
		return s.writeArray(want, seed)
	case slices.Contains(types, "integer"):
		if n, err := strconv.Atoi(string(want)); err == nil {
			return strconv.AppendInt(nil, int64(n), 10)
		}
		return strconv.AppendInt(nil, int64(max(s.Minimum, 1)), 10)
	}
	var text string
	if json.Unmarshal(want, &text) != nil {
		text = seed
	}
	data, _ := json.Marshal(text) // of a string: it cannot go wrong
	return data
}

func (s schema) types() []string {
	var one string
	if json.Unmarshal(s.Type, &one) == nil {
		return []string{one}
	}
	var many []string
	_ = json.Unmarshal(s.Type, &many) // none is as good as wrong
	return many
}

// choose takes want if the enum has it, else null if it has that, else what the seed says.
func (s schema) choose(want json.RawMessage, seed string) []byte {
	for _, e := range s.Enum {
		if want != nil && bytes.Equal(e, want) {
			return e
		}
	}
	if slices.ContainsFunc(s.Enum, func(e json.RawMessage) bool { return string(e) == "null" }) {
		return []byte("null")
	}
	h := fnv.New32a()
	h.Write([]byte(seed))
	return s.Enum[h.Sum32()%uint32(len(s.Enum))]
}

func (s schema) writeObject(want json.RawMessage, seed string) []byte {
	names, properties := decodeOrdered(s.Properties)
	_, wanted := decodeOrdered(want)
	b := []byte{'{'}
	for _, name := range names {
		w, ok := wanted[name]
		if !slices.Contains(s.Required, name) && (!ok || string(w) == "null") {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, name), ':')
		b = append(b, write(properties[name], w, seed)...)
	}
	return append(b, '}')
}

// writeArray keeps what fits of want; by itself it writes one entry.
func (s schema) writeArray(want json.RawMessage, seed string) []byte {
	var list []json.RawMessage
	if json.Unmarshal(want, &list) != nil {
		list = []json.RawMessage{nil}
	}
	if s.MaxItems != nil {
		list = list[:min(len(list), *s.MaxItems)]
	}
	b := []byte{'['}
	for i, w := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, write(s.Items, w, seed)...)
	}
	return append(b, ']')
}
