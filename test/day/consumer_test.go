package day

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/experiment"
)

// consumer is the process that counts.
type consumer struct {
	args   []string
	state  string // its snapshot
	killed int
	met    int // lives that began from a snapshot
	peak   int // of its resident memory, in megabytes, over all its lives

	cmd    *exec.Cmd
	works  chan struct{} // closed when it has the lease and its state
	exited chan struct{}
	log    []string
}

func newConsumer(t *testing.T, b *brokers, w *world) *consumer {
	t.Helper()
	dir := t.TempDir()
	seen := map[int32]bool{}
	for _, s := range w.searches {
		seen[s.client] = true
	}
	rollout := filepath.Join(dir, "rollout.yaml")
	text := fmt.Sprintf(`ladder: student
experiments:
  - name: %s
    share: 1
    starts: %s
    arms: [{name: %s, ladder: student}, {name: %s, ladder: llm}]
    plan:
      clients: %d
      looks: 1
      success: [success_rate]
      guardrails:
        click_through_rate: 0.5
        stream_rate: 0.5
        streams_per_search: 0.5
        abandonment_rate: 0.5
        bad_abandonment_rate: 0.5
        reformulation_rate: 0.5
        zero_result_rate: 0.9
        fallback_rate: 0.5
        failed_page_rate: 0.9
        expired_rate: 0.9
        cost_nano_usd: 0.9
`, trial, dayStart.Format(time.RFC3339), control, treatment, len(seen))
	if err := os.WriteFile(rollout, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &consumer{state: filepath.Join(dir, "state", "outcomes.snapshot")}
	c.args = []string{"--log-level", "info", "run", "consumers", "--kafka", b.KafkaAddr(), "--nats", b.NATSURL()}
	for _, set := range []string{
		"consumers.state_dir=" + filepath.Join(dir, "state"), "router.rollout=" + rollout, "consumers.take_over=6s",
		"consumers.experiments.every=1s",
		fmt.Sprint("consumers.snapshot_every=", w.size.snapshots), fmt.Sprint("consumers.publish_every=", w.size.publishes), "consumers.online.minutes=" + minuteCuts,
		fmt.Sprintf("topics.partitions=%d", partitions),
	} {
		c.args = append(c.args, "--set", set)
	}
	t.Cleanup(func() {
		if c.cmd != nil && c.cmd.ProcessState == nil {
			_ = c.cmd.Process.Kill()
			<-c.exited
		}
		if t.Failed() {
			t.Logf("consumer:\n%s", strings.Join(c.log, "\n"))
		}
	})
	return c
}

// begins is what the consumer logs when it works, with how many searches it had saved.
var begins = regexp.MustCompile(`online metrics go on.* searches=(\d+)`)

const keptLines = 30 // of the log

func (c *consumer) start(t *testing.T) {
	c.cmd, c.works, c.exited = exec.Command(binary, c.args...), make(chan struct{}), make(chan struct{})
	out, err := c.cmd.StderrPipe()
	if err != nil {
		t.Error(err)
		return
	}
	if err := c.cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	cmd, exited, begun := c.cmd, c.exited, c.works
	var once sync.Once // it may lose the lease and get it again
	go func() {
		defer close(exited)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.log = append(c.log[max(0, len(c.log)-keptLines):], lines.Text())
			if held := begins.FindStringSubmatch(lines.Text()); held != nil {
				once.Do(func() {
					if held[1] != "0" {
						c.met++
					}
					close(begun)
				})
			}
		}
		_ = cmd.Wait() // it may have been killed
	}()
}

// liveAndDie kills the consumer at random moments of its work, and starts it again. The last
// one stays. The moments follow the writing of the topics, and go beyond it. Every other
// consumer has saved its state before; what the others did is lost.
func (c *consumer) liveAndDie(t *testing.T, b *brokers, s size) {
	rng := rand.New(rand.NewPCG(5, 5))
	for c.start(t); c.killed < s.kills; c.start(t) {
		if !c.awaitWork(t) || c.killed%2 == 0 && !c.awaitSnapshot(t) {
			return
		}
		life := time.NewTimer(100*time.Millisecond + time.Duration(rng.Int64N(int64(s.life))))
		if !c.awaits(t, life.C) {
			return
		}
		c.measure(t)
		if err := c.cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		<-c.exited
		c.killed++
		if s.restarts {
			b.restart(t)
		}
	}
	c.awaitWork(t)
}

// awaitWork waits until the consumer has the lease and its state. One that does not get as
// far, because brokers with much to do refuse it, is started again, as whoever runs it would.
func (c *consumer) awaitWork(t *testing.T) bool {
	deadline := time.After(patience)
	for range 3 {
		select {
		case <-c.works:
			return true
		case <-c.exited:
			t.Logf("a consumer has not begun: %s", c.log[max(0, len(c.log)-1):])
		case <-deadline:
			t.Error("the consumer does not begin to work")
			return false
		}
		c.start(t)
	}
	t.Error("no consumer begins to work")
	return false
}

// leastState is how large a saved state is that holds searches, in bytes: one without is
// smaller.
const leastState = 4 << 10

// awaitSnapshot waits until the consumer has saved its state once more, with searches.
func (c *consumer) awaitSnapshot(t *testing.T) bool {
	saved, exited := make(chan time.Time), c.exited
	before, _ := modified(c.state)
	go func() {
		defer close(saved)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if at, size := modified(c.state); size >= leastState && !at.Equal(before) {
				return
			}
			select {
			case <-tick.C:
			case <-exited:
				return
			}
		}
	}()
	return c.awaits(t, saved)
}

// modified returns when a file was written last, and its size; zero if it is not there.
func modified(name string) (at time.Time, size int64) {
	info, err := os.Stat(name)
	if err != nil {
		return time.Time{}, 0
	}
	return info.ModTime(), info.Size()
}

// awaits reports whether a moment has come before the consumer ended.
func (c *consumer) awaits(t *testing.T, moment <-chan time.Time) bool {
	select {
	case <-c.exited:
		t.Error("the consumer has ended by itself")
	case <-time.After(patience):
		t.Error("the consumer does not go on")
	case <-moment:
		return true
	}
	return false
}

// measure reads the highest resident memory of the process.
func (c *consumer) measure(t *testing.T) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Logf("memory is not measured: %v", err) // no Linux
		return
	}
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Error(err)
	}
	c.peak = max(c.peak, kb>>10)
}

// end stops the consumer and returns the highest memory that it had.
func (c *consumer) end(t *testing.T) int {
	c.measure(t)
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-c.exited
	return c.peak
}

// readout is what the consumer says of the experiment.
type readout struct {
	Report experiment.Report `json:"report"`
}

func (r readout) sum(of func(experiment.MetricReport) int64) (sum int64) {
	for _, a := range r.Report.Arms {
		for _, m := range a.Metrics {
			if m.Name == "success_rate" {
				sum += of(m)
			}
		}
	}
	return sum
}

func (r readout) searches() int64 {
	return r.sum(func(m experiment.MetricReport) int64 { return m.Denominator })
}

func (r readout) successes() int64 {
	return r.sum(func(m experiment.MetricReport) int64 { return m.Numerator })
}

// found checks that the true effect was found.
func (r readout) found(t *testing.T, effect float64) {
	t.Helper()
	for _, a := range r.Report.Arms {
		for _, m := range a.Metrics {
			if a.Name != treatment || m.Name != "success_rate" {
				continue
			}
			if m.Effect == nil || m.Effect.Lift == nil || m.Effect.Lift.Interval == nil {
				t.Fatalf("no effect was computed: %+v", m)
			}
			lift := m.Effect.Lift
			t.Logf("success rate: %+.2f %% (%+.2f to %+.2f), true %+.2f %%; z %.1f, boundary %.2f, p %.2g; %s",
				100*lift.Value, 100*lift.Interval.Low, 100*lift.Interval.High, 100*effect, m.Effect.Z, m.Effect.Boundary, m.Effect.P, m.Effect.Finding)
			if m.Effect.Finding != experiment.Better {
				t.Errorf("the finding is %s", m.Effect.Finding)
			}
			if lift.Interval.Low > effect || lift.Interval.High < effect {
				t.Error("the interval does not cover the true effect")
			}
			return
		}
	}
	t.Error("the treatment is not in the readout")
}
