package popular_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/schemas"
)

// BenchmarkQuery counts a Zipf trace over ten times as many texts as there is room for.
func BenchmarkQuery(b *testing.B) {
	c := newCounter(b, func(c *popular.Config) { c.Capacity = 10_000 })
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.01, 1, 100_000)
	trace := make([]schemas.PublicQuery, 1<<17)
	for i := range trace {
		trace[i] = schemas.PublicQuery{
			CorrelationID: fmt.Sprint("q", i), Text: fmt.Sprint("query number ", zipf.Uint64()), ClientID: fmt.Sprint("c", i%1000),
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q := trace[i%len(trace)]
		if i >= len(trace) {
			q.CorrelationID = fmt.Sprint("r", i)
		}
		if err := c.Query(b.Context(), q, start()); err != nil {
			b.Fatal(err)
		}
	}
}
