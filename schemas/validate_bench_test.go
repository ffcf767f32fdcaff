package schemas_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// A page is validated where it is written and where it is read.
func BenchmarkValidateSERP(b *testing.B) {
	page := read[schemas.SERP](b, "serp.v1")
	for range 30 {
		page.Sections[1].Items = append(page.Sections[1].Items, page.Sections[0].Items[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := page.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}
