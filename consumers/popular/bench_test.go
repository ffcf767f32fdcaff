package popular_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/schemas"
)

// BenchmarkQuery counts a Zipf trace over 25 times as many texts as there is room for.
func BenchmarkQuery(b *testing.B) {
	c := newCounter(b, nil)
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.01, 1, 100_000)
	trace := make([]schemas.PublicQuery, 1<<17)
	for i := range trace {
		trace[i] = schemas.PublicQuery{
			CorrelationID: fmt.Sprint("q", i), Text: fmt.Sprint("query number ", zipf.Uint64()),
			ClientID: fmt.Sprint("c", i%1000), Market: fmt.Sprint("M", i%5),
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q := trace[i%len(trace)]
		if i >= len(trace) {
			q.CorrelationID = fmt.Sprint("r", i)
		}
		c.Query(q, start())
	}
}

// BenchmarkSnapshot merges a day of 16 markets whose summaries are all full.
func BenchmarkSnapshot(b *testing.B) {
	c := newCounter(b, nil)
	fill(c)
	b.ReportAllocs()
	for b.Loop() {
		if s := c.Snapshot(start(), popular.View{Top: 10_000}); s.Searches == 0 {
			b.Fatal("nothing was counted")
		}
	}
}
