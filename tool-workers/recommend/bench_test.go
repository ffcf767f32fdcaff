package recommend

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

func BenchmarkForUser(b *testing.B) {
	m := model(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.ForUser(i%m.Users(), 100, nil)
	}
}

func BenchmarkSimilar(b *testing.B) {
	m := model(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Similar(i%m.Items(), 20, nil)
	}
}

// atScale is an untrained model of 50,000 items with 100 predictors each, whose popularity
// and lengths of factors fall as trained ones do, and users with 100 items.
func atScale(tb testing.TB) *Model {
	tb.Helper()
	const n, users, k = 50_000, 200, 100
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func() int { return int(n * math.Pow(rng.Float64(), 3)) }
	rows, b := make([]listRow, n), NewBuilder()
	m := &Model{saturation: Binary, mix: Mix{0.6, 0.4, 0.05}, alpha: 5, reg: 50, listeners: make([]uint32, n)}
	m.factors = newFactors(n, 64, 1)
	for i := range rows {
		cells := map[int]Scored{}
		for range k {
			c := pick()
			cells[c] = Scored{Item: c, Score: float32(rng.NormFloat64() + 1)}
		}
		rows[i] = newListRow(slices.Collect(maps.Values(cells)))
		rows[i].count(make([]uint32, n))
		m.listeners[i] = uint32(1 + 20_000/(i+1))
		for f := range m.factors.row(i) {
			m.factors.row(i)[f] *= 20 / float32(math.Sqrt(float64(10+i)))
		}
		b.items.index(strconv.Itoa(i))
	}
	for range users * 100 {
		b.put(strconv.Itoa(rng.IntN(users)), strconv.Itoa(pick()), cell{weight: 1})
	}
	x := b.Build()
	m.predictors, m.items, m.users, m.histories = joinRows(rows), x.items, x.users, &x.cells
	if err := m.prepare(); err != nil {
		tb.Fatal(err)
	}
	return m
}

func BenchmarkForUserAtScale(b *testing.B) {
	m := atScale(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.ForUser(i%m.Users(), 100, nil)
	}
}
