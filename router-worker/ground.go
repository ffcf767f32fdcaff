package router

import (
	"strings"
	"unicode"

	"github.com/parallel-fusion/pfr/schemas"
)

// Vocabulary knows the names that parameters can have. It is safe for concurrent use.
type Vocabulary interface {
	// Canonical returns the spelling of value as a value of a parameter, such as an artist
	// or a genre, if it is known.
	Canonical(parameter, value string) (string, bool)
}

// noWords knows nothing.
type noWords struct{}

func (noWords) Canonical(string, string) (string, bool) { return "", false }

// ground keeps the free text of a language model's parameters only where it is known to the
// vocabulary or taken from the query itself. A model says what it likes; what it made up,
// or was told to say, goes no further. Enums and numbers are bounded by the manifest.
func (r *Router) ground(params schemas.Params, query string) schemas.Params {
	said := words(query)
	out := make(schemas.Params, len(params))
	for name, v := range params {
		if p, _ := r.manifest.Parameter(name); p.Enum != nil {
			out[name] = v
			continue
		}
		switch v := v.(type) {
		case string:
			if text, ok := r.grounded(name, v, said); ok {
				out[name] = text
			}
		case []string:
			var kept []string
			for _, entry := range v {
				if text, ok := r.grounded(name, entry, said); ok {
					kept = append(kept, text)
				}
			}
			out[name] = kept
		default:
			out[name] = v
		}
	}
	return out
}

func (r *Router) grounded(name, text string, said map[string]bool) (string, bool) {
	if known, ok := r.vocabulary.Canonical(name, text); ok {
		return known, true
	}
	return text, isSaid(said, text)
}

// isSaid reports whether every word of text is one of the query's. An address or markup is
// no name, whoever said it.
func isSaid(said map[string]bool, text string) bool {
	if strings.Contains(text, "://") || strings.ContainsAny(text, "<>{}") {
		return false
	}
	list := words(text)
	for w := range list {
		if !said[w] {
			return false
		}
	}
	return len(list) > 0
}

func words(text string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsFuncSeq(Normalise(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
		set[w] = true
	}
	return set
}
