package schemas

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Redact returns a copy of a message of some topic that keeps only the fields known to be
// public, at every depth, and nil for bytes that are not a JSON object. It works from a
// list of what is allowed, because a broken message may hold the user block anywhere and
// under any name:
//
//   - an unknown field goes, and so does an object where none belongs;
//   - where names are free (parameters, experiments) a value must be a string, a number,
//     a boolean or a list of those, and the name must look like one;
//   - a string that looks like JSON goes too: nobody knows what is in it.
//
// It can not see a user's data inside the plain text of a public field.
func Redact(message []byte) []byte {
	return publicMessage().object(message)
}

// shape lists the fields of an object that are public, each with the shape of the objects
// in it. A nil shape allows no object. The name anyName stands for every name.
type shape map[string]shape

const anyName = "*"

// value returns the public part of a value, or nil.
func (s shape) value(raw json.RawMessage) json.RawMessage {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return nil
	case raw[0] == '{':
		return s.object(raw)
	case raw[0] == '[':
		return s.list(raw)
	case raw[0] == '"' && looksLikeJSON(raw):
		return nil
	}
	return raw
}

func (s shape) object(raw []byte) json.RawMessage {
	var fields map[string]json.RawMessage
	if s == nil || json.Unmarshal(raw, &fields) != nil || fields == nil {
		return nil
	}
	for name, value := range fields {
		public, known := s.field(name)
		if kept := public.value(value); known && kept != nil {
			fields[name] = kept
			continue
		}
		delete(fields, name)
	}
	return encoded(fields)
}

func (s shape) list(raw []byte) json.RawMessage {
	var entries []json.RawMessage
	if json.Unmarshal(raw, &entries) != nil {
		return nil
	}
	kept := make([]json.RawMessage, 0, len(entries))
	for _, e := range entries {
		if e = s.entry(e); e != nil {
			kept = append(kept, e)
		}
	}
	return encoded(kept)
}

// entry is value without lists: no message has a list in a list.
func (s shape) entry(raw json.RawMessage) json.RawMessage {
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '[' {
		return nil
	}
	return s.value(raw)
}

func (s shape) field(name string) (shape, bool) {
	if _, free := s[anyName]; free {
		private := strings.EqualFold(name, "user") || strings.EqualFold(name, "features")
		return nil, !private && len(name) <= MaxNameBytes && isToken(name)
	}
	public, known := s[name]
	return public, known
}

func looksLikeJSON(raw []byte) bool {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return true
	}
	return strings.ContainsAny(text, "{[") && strings.ContainsRune(text, '"')
}

func encoded(v any) json.RawMessage {
	out, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return out
}
