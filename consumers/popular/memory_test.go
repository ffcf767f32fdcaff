package popular_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/schemas"
)

// fill takes every place that a counter of the default settings has, with texts that three
// clients have asked.
func fill(c *popular.Counter) {
	cfg := popular.DefaultConfig()
	n := 0
	for hour := range int(cfg.Window/cfg.Step) + 1 {
		for i := range (cfg.Markets + 1) * cfg.Capacity * cfg.MinClients {
			market := i / cfg.MinClients % (cfg.Markets + 1)
			c.Query(schemas.PublicQuery{
				CorrelationID: fmt.Sprintf("00000000-0000-7000-8000-%012d", n), Market: fmt.Sprint("M", market),
				Text: fmt.Sprint("a query of usual length ", i/cfg.MinClients), ClientID: fmt.Sprint("c", i%cfg.MinClients),
			}, start().Add(-time.Duration(hour)*time.Hour))
			n++
		}
	}
}

// TestMemory fills a counter to the last place and weighs it.
func TestMemory(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") == "" {
		t.Skip("PFR_TEST_SCALE is not set: this takes half a minute and a gigabyte")
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	c, err := popular.New(popular.DefaultConfig(), strings.ToLower, nil)
	if err != nil {
		t.Fatal(err)
	}
	fill(c)
	took, places := heap()-before, popular.DefaultConfig().MaxTexts()
	began := time.Now()
	s := c.Snapshot(start(), popular.View{})
	t.Logf("%d places take %d MB; the snapshot of %d texts took %v", places, took>>20, len(s.Queries), time.Since(began))
	if took > 600<<20 {
		t.Errorf("%d bytes", took)
	}
}
