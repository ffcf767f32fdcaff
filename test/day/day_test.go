// Package day runs a whole day through the topics: searches and events with everything that
// goes wrong with them, read by a consumer process that is killed again and again. What it
// publishes must be what a reference counts that reads the topics once.
package day

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pfr-day-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "pfr")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/pfr").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build pfr: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// A small day, always: the treatment is better by much, since few searches show it.
func TestSmallDay(t *testing.T) {
	simulate(t, size{queries: 20_000, effect: 0.20, kills: 2, snapshots: time.Second / 2, publishes: time.Second / 2, life: time.Second, restarts: true}, 400)
}

// The whole day. It ends within eight minutes on two cores.
func TestDay(t *testing.T) {
	if os.Getenv("PFR_TEST_DAY") == "" {
		t.Skip("PFR_TEST_DAY is not set: a million searches take eight minutes, 2 GB of disk and 3 GB of memory")
	}
	simulate(t, size{queries: 1_000_000, effect: 0.03, kills: 20, snapshots: 5 * time.Second, publishes: 3 * time.Second, life: 3 * time.Second}, 1500)
}

// simulate lets a day happen. The resident memory of the consumer stays below a bound, in
// megabytes.
func simulate(t *testing.T, s size, maxRSS int) {
	began := time.Now()
	step := func(name string) {
		t.Logf("%6.1f s: %s", time.Since(began).Seconds(), name)
	}
	w := newWorld(s)
	step(fmt.Sprintf("%d searches and %d events are made up", len(w.searches), len(w.events)))
	in := startBrokers(t)
	c := newConsumer(t, in, w)
	killing := make(chan struct{})
	go func() {
		defer close(killing)
		c.liveAndDie(t, in, s)
	}()
	in.produce(t, w)
	step("everything is on the topics")
	ref := in.reference(t)
	step(fmt.Sprintf("the reference has counted %d cells", len(ref.cells)))
	<-killing
	if t.Failed() {
		return
	}
	step(fmt.Sprintf("the consumer was killed %d times, and began %d times from a snapshot", c.killed, c.met))
	if c.met < s.kills/2 {
		t.Error("the kills do not meet what was saved: the consumer lives too short")
	}
	in.awaitSame(t, ref)
	step("what was published is the same")
	readout := in.awaitReadout(t, ref)
	ref.sameSums(t, readout)
	readout.found(t, s.effect)
	peak := c.end(t)
	step(fmt.Sprintf("the consumer had at most %d MB of memory", peak))
	if peak > maxRSS {
		t.Errorf("the consumer took %d MB of memory, and should stay below %d", peak, maxRSS)
	}
}
