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

	chat "github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// maxInteger bounds integers before they are clamped to what the manifest says.
const maxInteger = 1 << 40

// markup matches what a value of a parameter never is: a link, a tag, a script.
var markup = regexp.MustCompile(`(?i)://|<[a-z/!?]|javascript:|data:text`)

// badOutput is a reason why an answer is no valid decision. It never quotes the answer.
type badOutput = chat.BadOutput

// decided is a parsed decision.
type decided struct {
	route  routes.Route
	params schemas.Params // canonical
	start  int            // the bytes of the route's name, in the text that was parsed;
	end    int            // both 0 when it is written with escapes
}

// parseGuess reads a decision. Whatever the schema says must hold, or the error is a
// chat.ErrOutput; what the portable schema cannot say (lengths, ranges) is clamped.
func parseGuess(m *routes.Manifest, content string) (decided, error) {
	members, offset, err := chat.ParseObject(content)
	if err != nil {
		return decided{}, err
	}
	var (
		d    decided
		raw  = schemas.Params{}
		some bool
	)
	for _, p := range members {
		if p.Key != routeKey {
			if err := setParam(m, raw, p); err != nil {
				return decided{}, err
			}
			continue
		}
		name, _ := p.Value.(string)
		if d.route, some = m.Route(name); !some {
			return decided{}, badOutput("the route does not exist")
		}
		if end := offset + p.End - 1; strings.HasSuffix(content[:end], `"`+name) {
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
	members, _, err := chat.ParseObject(content)
	if err != nil {
		return nil, err
	}
	if len(members) != 1 || members[0].Key != callsKey {
		return nil, badOutput("want calls and nothing else")
	}
	list, ok := members[0].Value.([]any)
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
	members, ok := item.([]chat.Pair)
	if !ok {
		return schemas.Chosen{}, badOutput("a call is not an object")
	}
	var (
		tool routes.ComposeTool
		some bool
		raw  = schemas.Params{}
	)
	for _, p := range members {
		if p.Key != toolKey {
			if err := setParam(m, raw, p); err != nil {
				return schemas.Chosen{}, err
			}
			continue
		}
		name, _ := p.Value.(string)
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
func setParam(m *routes.Manifest, params schemas.Params, p chat.Pair) error {
	def, ok := m.Parameter(p.Key)
	if !ok {
		return badOutput("a parameter does not exist")
	}
	if p.Value == nil {
		return nil
	}
	v, err := typed(def, p.Value)
	if err == nil && v != nil {
		params[p.Key] = v
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
	s := chat.Clean(v, schemas.MaxQueryRunes)
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
