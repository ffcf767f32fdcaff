package schemas_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// canary stands for anything of a user that must not be seen again.
const canary = "canary-7f3a"

func redact(data []byte) []byte { return schemas.Redact(data) }

func sourceFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A whole message loses its user block and nothing else.
func TestRedactKeepsWhatIsPublic(t *testing.T) {
	for _, m := range messages() {
		switch m.name {
		case "ToolRequest", "ToolResponse", "Progress", "DeadLetter", "ExperimentReadout":
			continue // on no topic, a dead letter already, or made anew in a moment
		}
		want := object(t, golden(t, m.golden[0]))
		everyObject(m.typ, want, func(_ reflect.Type, fields map[string]any) {
			delete(fields, "user")
			delete(fields, "features") // of the user, where analytics may have some
		})
		if got := object(t, redact(golden(t, m.golden[0]))); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", m.name, got, want)
		}
	}
}

// What a broken or hostile producer may do with the user block.
func TestRedactCanary(t *testing.T) {
	block := `{"id":"canary-7f3a","features":{"canary-7f3a":"canary-7f3a"}}`
	for name, message := range map[string]string{
		"where it belongs":             `{"text":"a","user":` + block + `}`,
		"in another case":              `{"text":"a","User":` + block + `,"USER":` + block + `}`,
		"under an unknown name":        `{"text":"a","listener":` + block + `}`,
		"as an unknown name":           `{"text":"a","canary-7f3a":1}`,
		"twice":                        `{"text":"a","user":1,"user":` + block + `}`,
		"in the query of a decision":   `{"text":"a","query":{"user":` + block + `}}`,
		"unknown in the query":         `{"text":"a","query":{"profile":` + block + `}}`,
		"deep in a decision":           `{"text":"a","decision":{"calls":[{"tool":"search","user":` + block + `}],"user":` + block + `}}`,
		"as a parameter":               `{"text":"a","decision":{"params":{"user":"canary-7f3a","USER":["canary-7f3a"]}}}`,
		"as an object for a parameter": `{"text":"a","decision":{"params":{"genre":` + block + `}}}`,
		"in a list of a parameter":     `{"text":"a","decision":{"params":{"genre":[` + block + `,[` + block + `]]}}}`,
		"as an experiment":             `{"text":"a","experiments":{"features":"canary-7f3a","a b canary-7f3a":"x"}}`,
		"where a text belongs":         `{"text":` + block + `,"market":[` + block + `]}`,
		"as JSON in a text":            `{"text":"{\"user\":{\"id\":\"canary-7f3a\"}}"}`,
		"as cut JSON in a text":        `{"text":"400: {\"user\":{\"id\":\"canary-7f3a\""}`,
		"in an item":                   `{"sections":[{"id":"x","items":[{"id":"track:x","user":` + block + `}],"user":` + block + `}]}`,
		"around the message":           `[{"text":"a","user":` + block + `}]`,
		"as a string":                  `"{\"user\":` + strings.ReplaceAll(block, `"`, `\"`) + `}"`,
		"not JSON":                     `{"text":"a","user":` + block,
		"trailing":                     `{"text":"a"}` + block,
	} {
		if got := string(redact([]byte(message))); strings.Contains(got, canary) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestRedactLeavesTheRest(t *testing.T) {
	for in, want := range map[string]string{
		`{"text":"a","nope":1}`:                                  `{"text":"a"}`,
		`{"text":7,"probe":null}`:                                `{"probe":null,"text":7}`,
		`{"text":"AC/DC [live]"}`:                                `{"text":"AC/DC [live]"}`,
		`{"decision":{"params":{"g":["a","b"],"n":4,"o":{}}}}`:   `{"decision":{"params":{"g":["a","b"],"n":4}}}`,
		`{"query":{"experiments":{"layout":"b","router":null}}}`: `{"query":{"experiments":{"layout":"b","router":null}}}`,
		`{"query":"lady gaga","route":"search"}`:                 `{"query":"lady gaga","route":"search"}`,
		`{"route":{"name":"search","user":1}}`:                   `{"route":{"name":"search"}}`,
		`{}`:                                                     `{}`,
		`null`:                                                   ``,
		``:                                                       ``,
		`[]`:                                                     ``,
	} {
		if got := string(redact([]byte(in))); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}
