package llm

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Trained is how a model that was trained on the routes of a manifest is asked, and how it
// should answer: the short prompt and the compact form. What it is trained on is what a
// [Client] with [StyleShort] sends and reads.
type Trained struct{ manifest *routes.Manifest }

// NewTrained returns the form for the routes of a manifest.
func NewTrained(m *routes.Manifest) Trained { return Trained{m} }

// Version names the prompt and the schema.
func (t Trained) Version() string {
	schema, _ := json.Marshal(shape{form: FormCompact}.routeSchema(t.manifest)) // of strings and numbers
	return "trained-" + digest(shortRoute, string(schema))
}

// Turns returns the turns that a query is asked with: the router normalises it before.
func (t Trained) Turns(query string) (system, user string) {
	return shortRoute, userTurn(router.Normalise(query))
}

// Answer returns a decision in the compact form: minified, its parameters in the order of
// the manifest, the same bytes for the same decision. Text that a tokenizer could take for a
// token of a chat template stays escaped. One that would not be read back as it is is an
// error.
func (t Trained) Answer(route string, params schemas.Params) (string, error) {
	text, err := chat.Turn(answerObject(t.manifest, route, params))
	if err != nil {
		return "", fmt.Errorf("write decision: %w", err)
	}
	// A backslash that is escaped itself comes first, so that what follows it is left alone.
	text = strings.NewReplacer(`\\`, `\\`, `\u0026`, "&").Replace(text)
	read, err := parseGuess(t.manifest, text)
	if err != nil || read.route.Name != route || !maps.EqualFunc(read.params, params, sameValue) {
		return "", fmt.Errorf("write decision of route %q: %w", route, cmp.Or(err, errNotCanonical))
	}
	return text, nil
}

// errNotCanonical says that parameters are not in canonical form.
var errNotCanonical = errors.New("its parameters are not canonical")

// sameValue reports whether two values of parameters are equal.
func sameValue(a, b any) bool { return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b) }
