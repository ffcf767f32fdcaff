package llamacpp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// commonRules are what every grammar stands on. The room for white space is that of
// llama.cpp's own grammars for schemas.
const commonRules = `
space ::= | " " | "\n"{1,2} [ \t]{0,20}
char ::= [^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" [0-9a-fA-F]{4})
integer ::= "-"? ([0] | [1-9] [0-9]{0,15})
`

// schema is the part of JSON Schema that a grammar can be made from.
type schema struct {
	Type       kinds             `json:"type"`
	Enum       []json.RawMessage `json:"enum"`
	Properties properties        `json:"properties"`
	Required   []string          `json:"required"`
	More       *bool             `json:"additionalProperties"`
	Items      *schema           `json:"items"`
	MinItems   int               `json:"minItems"`
	MaxItems   *int              `json:"maxItems"`
	MinLength  int               `json:"minLength"`
	MaxLength  *int              `json:"maxLength"`
	Minimum    *int64            `json:"minimum"`
	Maximum    *int64            `json:"maximum"`
}

// kinds are the types of a value, of which a schema may name one or a list.
type kinds []string

// UnmarshalJSON implements [json.Unmarshaler].
func (k *kinds) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*k = kinds{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(k))
}

// properties keep their order, which is the order that a model writes them in.
type properties []property

type property struct {
	key string
	of  schema
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *properties) UnmarshalJSON(data []byte) error {
	dec := strict(data)
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		one := property{key: fmt.Sprint(key)}
		if err := dec.Decode(&one.of); err != nil {
			return fmt.Errorf("property %s: %w", one.key, err)
		}
		*p = append(*p, one)
	}
	return nil
}

// strict returns a decoder that refuses keywords which would be ignored.
func strict(data []byte) *json.Decoder {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec
}

// errNotCovered marks a schema that says more than a grammar can be made from.
var errNotCovered = errors.New("the schema is not covered")

// Grammar returns the grammar, in llama.cpp's GBNF, of the documents that a schema allows:
// closed objects whose first property is required, lists, strings, integers from 0, booleans
// and null. Members stand in the order of the schema. Any other schema is an error.
func Grammar(text json.RawMessage) (string, error) {
	var s schema
	if err := strict(text).Decode(&s); err != nil {
		return "", fmt.Errorf("schema: %w", err)
	}
	value, err := s.value()
	if err != nil {
		return "", err
	}
	return "root ::= " + value + commonRules, nil
}

// value returns the expression for one value, with the space after it.
func (s schema) value() (string, error) {
	if s.Enum != nil {
		var words []string
		for _, w := range s.Enum {
			words = append(words, literal(string(w)))
		}
		return "(" + strings.Join(words, " | ") + ") space", nil
	}
	if len(s.Type) == 0 {
		return "", fmt.Errorf("a value without type or enum: %w", errNotCovered)
	}
	var ways []string
	for _, kind := range s.Type {
		way, err := s.kind(kind)
		if err != nil {
			return "", err
		}
		ways = append(ways, way)
	}
	if len(ways) == 1 {
		return ways[0], nil
	}
	return "(" + strings.Join(ways, " | ") + ")", nil
}

func (s schema) kind(name string) (string, error) {
	switch name {
	case "object":
		return s.object()
	case "array":
		return s.array()
	case "string":
		return `"\"" char` + repeated(s.MinLength, s.MaxLength) + ` "\"" space`, nil
	case "integer":
		return s.integer()
	case "boolean":
		return `("true" | "false") space`, nil
	case "null":
		return `"null" space`, nil
	}
	return "", fmt.Errorf("type %s: %w", name, errNotCovered)
}

func (s schema) object() (string, error) {
	if s.More == nil || *s.More || len(s.Properties) == 0 || !slices.Contains(s.Required, s.Properties[0].key) {
		return "", fmt.Errorf("an object that is open, or whose first property is not required: %w", errNotCovered)
	}
	var b strings.Builder
	b.WriteString(`"{" space `)
	for i, p := range s.Properties {
		value, err := p.of.value()
		if err != nil {
			return "", fmt.Errorf("property %s: %w", p.key, err)
		}
		key, _ := json.Marshal(p.key) // of a string: it cannot go wrong
		member := literal(string(key)) + ` space ":" space ` + value
		switch {
		case i == 0:
			b.WriteString(member)
		case slices.Contains(s.Required, p.key):
			b.WriteString(` "," space ` + member)
		default:
			b.WriteString(` ("," space ` + member + `)?`)
		}
	}
	b.WriteString(` "}" space`)
	return b.String(), nil
}

func (s schema) array() (string, error) {
	if s.Items == nil || (s.MaxItems != nil && *s.MaxItems < max(1, s.MinItems)) {
		return "", fmt.Errorf("a list without items: %w", errNotCovered)
	}
	item, err := s.Items.value()
	if err != nil {
		return "", err
	}
	most := s.MaxItems
	if most != nil {
		more := *most - 1
		most = &more
	}
	list := item + ` ("," space ` + item + `)` + repeated(max(s.MinItems-1, 0), most)
	if s.MinItems == 0 {
		list = "(" + list + ")?"
	}
	return `"[" space ` + list + ` "]" space`, nil
}

// repeated returns how often what stands before it may be written.
func repeated(least int, most *int) string {
	if most == nil {
		return fmt.Sprintf("{%d,}", least)
	}
	return fmt.Sprintf("{%d,%d}", least, *most)
}

// integer returns the expression for a whole number, between two bounds or none.
func (s schema) integer() (string, error) {
	if s.Minimum == nil && s.Maximum == nil {
		return "integer space", nil
	}
	if s.Minimum == nil || s.Maximum == nil || *s.Minimum < 0 || *s.Maximum < *s.Minimum {
		return "", fmt.Errorf("an integer with one bound, or below 0: %w", errNotCovered)
	}
	low, high := strconv.FormatInt(*s.Minimum, 10), strconv.FormatInt(*s.Maximum, 10)
	var ways []string
	for n := len(low); n <= len(high); n++ { // numbers of as many digits
		from, to := "1"+strings.Repeat("0", n-1), strings.Repeat("9", n)
		if n == len(low) {
			from = low
		}
		if n == len(high) {
			to = high
		}
		ways = append(ways, between(from, to)...)
	}
	return "(" + strings.Join(ways, " | ") + ") space", nil
}

// between returns the expressions for numbers of as many digits as both bounds have.
func between(low, high string) []string {
	rest := len(low) - 1
	zeros, nines := strings.Repeat("0", rest), strings.Repeat("9", rest)
	if low[0] == high[0] {
		if rest == 0 {
			return []string{digits(low[0], low[0])}
		}
		var ways []string
		for _, tail := range between(low[1:], high[1:]) {
			ways = append(ways, digits(low[0], low[0])+" "+tail)
		}
		return ways
	}
	from, to := low[0], high[0]
	var ways []string
	if low[1:] != zeros {
		for _, tail := range between(low[1:], nines) {
			ways = append(ways, digits(from, from)+" "+tail)
		}
		from++
	}
	var last []string
	if high[1:] != nines {
		for _, tail := range between(zeros, high[1:]) {
			last = append(last, digits(to, to)+" "+tail)
		}
		to--
	}
	if from <= to {
		middle := digits(from, to)
		if rest > 0 {
			middle += fmt.Sprintf(" [0-9]{%d}", rest)
		}
		ways = append(ways, middle)
	}
	return append(ways, last...)
}

// digits returns the expression for one digit.
func digits(from, to byte) string {
	if from == to {
		return fmt.Sprintf("[%c]", from)
	}
	return fmt.Sprintf("[%c-%c]", from, to)
}

// literal returns the expression for text itself.
func literal(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
