package schemas_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// fuzz feeds a decoder with anything: it never panics, and what validates conforms to the
// schema and survives a round trip.
func fuzz(f *testing.F, name string) {
	var m message
	for _, candidate := range messages() {
		if candidate.name == name {
			m = candidate
		}
	}
	for _, g := range m.golden {
		data := golden(f, g)
		f.Add(data)
		f.Add(data[:len(data)/2])
		f.Add(bytes.ReplaceAll(data, []byte(`"1.0"`), []byte(`"1.7"`)))
		f.Add(bytes.ReplaceAll(data, []byte(`Z"`), []byte(`+05:30"`)))
		f.Add(bytes.ReplaceAll(data, []byte(`"Lady Gaga"`), []byte(`"\u0085\ud800"`)))
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	schema := compile(f)[m.schema]
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := m.decode(data)
		if err != nil {
			return
		}
		once := marshal(t, v)
		if err := conforms(t, schema, once); err != nil {
			t.Errorf("valid, but not by the schema: %v\n%s", err, once)
		}
		again, err := m.decode(once)
		if err != nil {
			t.Fatalf("encoded, but not valid any more: %v\n%s", err, once)
		}
		if twice := marshal(t, again); !bytes.Equal(once, twice) {
			t.Errorf("once\n%s\ntwice\n%s", once, twice)
		}
	})
}

func FuzzQuery(f *testing.F)            { fuzz(f, "Query") }
func FuzzRouteDecision(f *testing.F)    { fuzz(f, "RouteDecision") }
func FuzzPrecomputedRoute(f *testing.F) { fuzz(f, "PrecomputedRoute") }
func FuzzShadowDecision(f *testing.F)   { fuzz(f, "ShadowDecision") }
func FuzzToolRequest(f *testing.F)      { fuzz(f, "ToolRequest") }
func FuzzToolResponse(f *testing.F)     { fuzz(f, "ToolResponse") }
func FuzzProgress(f *testing.F)         { fuzz(f, "Progress") }
func FuzzSERP(f *testing.F)             { fuzz(f, "SERP") }
func FuzzInteraction(f *testing.F)      { fuzz(f, "Interaction") }
func FuzzOnlineMetrics(f *testing.F)    { fuzz(f, "OnlineMetrics") }
func FuzzExperiment(f *testing.F)       { fuzz(f, "ExperimentReadout") }
func FuzzControl(f *testing.F)          { fuzz(f, "Control") }
func FuzzErasure(f *testing.F)          { fuzz(f, "Erasure") }
func FuzzDeadLetter(f *testing.F)       { fuzz(f, "DeadLetter") }

// Every message has its fuzz test above.
func TestEveryMessageIsFuzzed(t *testing.T) {
	source := string(sourceFile(t, "fuzz_test.go"))
	for _, m := range messages() {
		if !strings.Contains(source, `fuzz(f, "`+m.name+`")`) {
			t.Errorf("%s has no fuzz test", m.name)
		}
	}
}

// Redact never fails, returns nil or an object, and has nothing to do on its own result.
func FuzzRedact(f *testing.F) {
	for _, m := range messages() {
		for _, g := range m.golden {
			f.Add(golden(f, g))
		}
	}
	f.Add([]byte(`{"query":{"user":{"id":"x"},"text":["a",{"b":1},["c"]]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		once := redact(data)
		if once == nil {
			return
		}
		var v map[string]json.RawMessage
		if err := json.Unmarshal(once, &v); err != nil {
			t.Fatalf("%v: %s", err, once)
		}
		if twice := redact(once); !bytes.Equal(once, twice) {
			t.Errorf("once\n%s\ntwice\n%s", once, twice)
		}
		if strings.Contains(string(once), `"user":`) {
			t.Errorf("a user block is left: %s", once)
		}
	})
}
