package archtest_test

import (
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/archtest"
)

func TestImportTable(t *testing.T) {
	files, err := archtest.Files("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d files found", len(files))
	}
	for _, v := range archtest.Check(files) {
		t.Error(v)
	}
}

// Each planted import must be found, and its harmless twin must not.
func TestPlantedViolationsAreFound(t *testing.T) {
	const module = "github.com/parallel-fusion/pfr/"
	for _, c := range []struct{ path, imp, verdict string }{
		{"router-worker/x.go", module + "fusion-aggregator", "table"},     // a role, a role
		{"fusion-aggregator/x.go", module + "internal/rpc", "table"},      // a role, a transport
		{"internal/stream/x.go", module + "schemas", "table"},             // a transport, the schemas
		{"tool-workers/dj/x.go", module + "tool-workers/search", "table"}, // siblings
		{"schemas/x.go", module + "internal/codec", "table"},              // down to up
		{"router-worker/x.go", "github.com/segmentio/kafka-go", "door"},   // not its library
		{"schemas/x.go", "github.com/goccy/go-yaml", "door"},              // standard library only
		{"internal/app/x.go", "github.com/nats-io/nats.go/micro", "door"}, // a subpackage of a library
		{"producers/x.go", "github.com/unknown/library", "door"},          // new libraries are named first
		{"newfolder/x.go", module + "schemas", "no rule"},                 // new folders too
		{"router-worker/x.go", module + "schemas/routes", ""},
		{"internal/stream/x.go", "github.com/segmentio/kafka-go/protocol", ""},
		{"schemas/x_test.go", "github.com/goccy/go-yaml", ""},
		{"schemas/x.go", "encoding/json", ""},
	} {
		got := strings.Join(archtest.Check([]archtest.File{{Path: c.path, Imports: []string{c.imp}}}), "\n")
		if (c.verdict == "") != (got == "") || !strings.Contains(got, c.verdict) {
			t.Errorf("%s importing %s: %q, want %q", c.path, c.imp, got, c.verdict)
		}
	}
}
