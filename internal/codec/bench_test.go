package codec_test

import (
	"os"
	"testing"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// BenchmarkDecode is the time of one message, from bytes to a valid value.
func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile("../../schemas/testdata/route-decision.v1.json")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := codec.Decode[schemas.RouteDecision](data); err != nil {
			b.Fatal(err)
		}
	}
}
