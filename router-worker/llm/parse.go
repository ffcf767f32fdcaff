package llm

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// maxDepth is how deep an answer nests: a list of values in a call in a list of calls.
const maxDepth = 4

// maxInteger bounds integers before they are clamped to what the manifest says.
const maxInteger = 1 << 40

// markup matches what a value of a parameter never is: a link, a tag, a script.
var markup = regexp.MustCompile(`(?i)://|<[a-z/!?]|javascript:|data:text`)

// badOutput is a reason why an answer is no valid decision. It never quotes the answer.
type badOutput string

func (e badOutput) Error() string { return router.ErrOutput.Error() + ": " + string(e) }

func (badOutput) Unwrap() error { return router.ErrOutput }

// pair is a member of a parsed object. The value is a string, a json.Number, a bool, nil,
// a []any or a []pair.
type pair struct {
	key   string
	value any
	end   int // offset after the value
}

// decided is a parsed decision.
type decided struct {
	route  routes.Route
	params schemas.Params // canonical
	start  int            // the bytes of the route's name, in the text that was parsed;
	end    int            // both 0 when it is written with escapes
}

// parseGuess reads a decision. Whatever the schema says must hold, or the error is a
// router.ErrOutput; what the portable schema cannot say (lengths, ranges) is clamped.
func parseGuess(m *routes.Manifest, content string) (decided, error) {
	members, offset, err := parseObject(content)
	if err != nil {
		return decided{}, err
	}
	var (
		d    decided
		raw  = schemas.Params{}
		some bool
	)
	for _, p := range members {
		if p.key != routeKey {
			if err := setParam(m, raw, p); err != nil {
				return decided{}, err
			}
			continue
		}
		name, _ := p.value.(string)
		if d.route, some = m.Route(name); !some {
			return decided{}, badOutput("the route does not exist")
		}
		if end := offset + p.end - 1; strings.HasSuffix(content[:end], `"`+name) {
			d.start, d.end = end-len(name), end
		}
	}
	if !some {
		return decided{}, badOutput("there is no route")
	}
	d.params = m.Canonical(d.route, raw)
	return d, nil
}

// parseCalls reads a composition, under the rules of parseGuess. Repeated calls are one.
func parseCalls(m *routes.Manifest, content string) ([]schemas.Chosen, error) {
	members, _, err := parseObject(content)
	if err != nil {
		return nil, err
	}
	if len(members) != 1 || members[0].key != callsKey {
		return nil, badOutput("want calls and nothing else")
	}
	list, ok := members[0].value.([]any)
	if !ok || len(list) == 0 || len(list) > m.Compose.MaxCalls {
		return nil, badOutput("calls is no list of the right length")
	}
	var (
		calls []schemas.Chosen
		seen  = map[string]bool{}
	)
	for _, item := range list {
		call, err := parseCall(m, item)
		if err != nil {
			return nil, err
		}
		key := fmt.Sprintf("%s %q", call.Tool, call.Params) // maps print in key order
		if !seen[key] {
			seen[key] = true
			calls = append(calls, call)
		}
	}
	return calls, nil
}

func parseCall(m *routes.Manifest, item any) (schemas.Chosen, error) {
	members, ok := item.([]pair)
	if !ok {
		return schemas.Chosen{}, badOutput("a call is not an object")
	}
	var (
		tool routes.ComposeTool
		some bool
		raw  = schemas.Params{}
	)
	for _, p := range members {
		if p.key != toolKey {
			if err := setParam(m, raw, p); err != nil {
				return schemas.Chosen{}, err
			}
			continue
		}
		name, _ := p.value.(string)
		if tool, some = m.Compose.Tool(name); !some {
			return schemas.Chosen{}, badOutput("the tool is not on offer")
		}
	}
	if !some {
		return schemas.Chosen{}, badOutput("a call has no tool")
	}
	params := m.Canonical(routes.Route{Parameters: tool.Parameters}, raw)
	return schemas.Chosen{Tool: tool.Tool, Params: params}, nil
}

// setParam checks a member against the manifest and adds it to params, unless it is null,
// empty or not to be trusted.
func setParam(m *routes.Manifest, params schemas.Params, p pair) error {
	def, ok := m.Parameter(p.key)
	if !ok {
		return badOutput("a parameter does not exist")
	}
	if p.value == nil {
		return nil
	}
	v, err := typed(def, p.value)
	if err == nil && v != nil {
		params[p.key] = v
	}
	return err
}

// typed returns the value of a parameter as [schemas.Params] hold it; nil: there is none.
func typed(def routes.Parameter, value any) (any, error) {
	switch v := value.(type) {
	case json.Number:
		if def.Type == routes.Integer {
			return integer(v)
		}
	case string:
		if def.Type == routes.String {
			s, err := text(def, v)
			if s == "" {
				return nil, err
			}
			return s, err
		}
	case []any:
		if def.Type == routes.List {
			return list(def, v)
		}
	}
	return nil, badOutput("a parameter has the wrong type")
}

func integer(v json.Number) (any, error) {
	if n, err := strconv.Atoi(v.String()); err == nil {
		return min(max(n, -maxInteger), maxInteger), nil
	}
	f, err := v.Float64()
	if err != nil || f != float64(int64(f)) || f > maxInteger || f < -maxInteger {
		return nil, badOutput("a number is not an integer")
	}
	return int(f), nil
}

// text returns a string that may be shown and searched for, or "".
func text(def routes.Parameter, v string) (string, error) {
	if strings.ContainsRune(v, unicode.ReplacementChar) {
		return "", badOutput("a string is not valid UTF-8")
	}
	if def.Enum != nil {
		if slices.Contains(def.Enum, v) {
			return v, nil
		}
		return "", badOutput("a value is not one of those allowed")
	}
	s := clean(v)
	if utf8.RuneCountInString(s) > maxText || markup.MatchString(s) {
		return "", nil
	}
	return s, nil
}

func list(def routes.Parameter, v []any) (any, error) {
	out := make([]string, 0, len(v))
	for _, e := range v {
		s, ok := e.(string)
		if !ok {
			return nil, badOutput("a list holds more than strings")
		}
		s, err := text(def, s)
		if err != nil {
			return nil, err
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out, nil
}

// parseObject reads the one object that content holds, whatever prose or fence is around
// it. offset is where it begins.
func parseObject(content string) (members []pair, offset int, err error) {
	if !utf8.ValidString(content) {
		return nil, 0, badOutput("not valid UTF-8")
	}
	if i := strings.LastIndex(content, "</think>"); i >= 0 {
		offset = i
	}
	begin := strings.IndexByte(content[offset:], '{')
	if begin < 0 {
		return nil, 0, badOutput("there is no object")
	}
	offset += begin
	size := balanced(content[offset:])
	if size == 0 {
		return nil, 0, badOutput("the object does not end")
	}
	if strings.ContainsAny(content[offset+size:], "{}") {
		return nil, 0, badOutput("there is more than one object")
	}
	dec := json.NewDecoder(strings.NewReader(content[offset : offset+size]))
	dec.UseNumber()
	v, err := parseValue(dec, 0)
	if err != nil {
		return nil, 0, err
	}
	members, _ = v.([]pair) // it begins with a brace
	return members, offset, nil
}

// balanced returns the length of the object that s begins with, or 0 if it does not end.
func balanced(s string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// parseValue reads one JSON value. Unlike [json.Unmarshal] it refuses repeated keys and
// keeps offsets.
func parseValue(dec *json.Decoder, depth int) (any, error) {
	t, err := dec.Token()
	if err != nil || depth > maxDepth {
		return nil, badOutput("malformed JSON")
	}
	switch t {
	case json.Delim('{'):
		return parseMembers(dec, depth)
	case json.Delim('['):
		var out []any
		for dec.More() {
			v, err := parseValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, closeValue(dec)
	}
	return t, nil
}

func parseMembers(dec *json.Decoder, depth int) (any, error) {
	var out []pair
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return nil, badOutput("malformed JSON")
		}
		v, err := parseValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, badOutput("a key is repeated")
		}
		seen[key] = true
		out = append(out, pair{key: key, value: v, end: int(dec.InputOffset())})
	}
	return out, closeValue(dec)
}

// closeValue reads the bracket that ends a value.
func closeValue(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return badOutput("malformed JSON")
	}
	return nil
}
