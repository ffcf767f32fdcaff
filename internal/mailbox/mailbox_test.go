package mailbox_test

import (
	"sync"
	"testing"

	"github.com/parallel-fusion/pfr/internal/mailbox"
)

func TestDeliver(t *testing.T) {
	var m mailbox.Mailbox[int]
	m.Deliver("a", 1) // nobody waits
	first, stopFirst := m.Wait("a")
	second, stopSecond := m.Wait("a")
	other, stopOther := m.Wait("b")
	defer stopOther()
	m.Deliver("a", 2)
	m.Deliver("a", 3) // both have one
	if x, y := <-first, <-second; x != 2 || y != 2 {
		t.Errorf("got %d and %d", x, y)
	}
	stopFirst()
	m.Deliver("a", 4)
	stopSecond()
	if x := <-second; x != 4 {
		t.Errorf("got %d", x)
	}
	if len(first) != 0 || len(other) != 0 {
		t.Error("a value came to somebody else")
	}
}

func TestConcurrentUse(*testing.T) {
	var (
		m  mailbox.Mailbox[int]
		wg sync.WaitGroup
	)
	for range 100 {
		wg.Go(func() {
			arrived, stop := m.Wait("k")
			defer stop()
			m.Deliver("k", 1)
			<-arrived
		})
	}
	wg.Wait()
}
