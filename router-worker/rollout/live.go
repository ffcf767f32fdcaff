package rollout

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// Live is the policy of a file as it is now. It is safe for concurrent use.
type Live struct {
	file   string // "": the empty policy
	known  Known
	log    *slog.Logger
	policy atomic.Pointer[Policy]
	limit  atomic.Pointer[router.Rung]     // set by an operator; nil: none
	off    atomic.Pointer[map[string]bool] // arms of experiments that were switched off; a map is never changed
	bad    atomic.Pointer[string]          // what is wrong with the file, if something is
	last   []byte                          // of the policy in force
	seen   []byte                          // at the last look
	reads  *prometheus.CounterVec
	// Changed is called with each policy that comes into force, the first one too. It is set
	// before Run.
	Changed func(*Policy)
}

// Open reads a file, which must hold a valid policy. Without a file everybody gets
// everything.
func Open(file string, known Known, log *slog.Logger, reg prometheus.Registerer) (*Live, error) {
	l := &Live{file: file, known: known, log: log, Changed: func(*Policy) {}}
	l.reads = telemetry.Metrics(reg, "rollout").CounterVec("reads_total", "Changes of the roll-out file, by what came of them.", "outcome")
	l.policy.Store(&Policy{})
	if file == "" {
		return l, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("roll-out: %w", err)
	}
	p, err := Parse(data, known)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	l.last = data
	l.policy.Store(p)
	return l, nil
}

// Limit lowers the ladder of every arm to a rung, until the next call. [router.RungLLM]
// lowers none: what the file says holds.
func (l *Live) Limit(r router.Rung) {
	if old := l.limit.Swap(&r); old == nil || *old != r {
		l.log.Warn("ladder set by an operator", "ladder", r)
	}
}

// Stop switches an arm of an experiment off, or on again: its clients get what the control
// gets. It is called by one goroutine.
func (l *Live) Stop(arm string, off bool) {
	arms := map[string]bool{}
	if old := l.off.Load(); old != nil {
		maps.Copy(arms, *old)
	}
	if arms[arm] == off {
		return
	}
	arms[arm] = off
	l.off.Store(&arms)
	l.log.Warn("arm of an experiment switched", "arm", arm, "off", off)
}

// Assign implements [router.Rollout].
func (l *Live) Assign(q schemas.PublicQuery) router.Arm {
	var off map[string]bool
	if arms := l.off.Load(); arms != nil {
		off = *arms
	}
	return l.lowered(l.policy.Load().assign(q, off))
}

// Shadow implements [router.Rollout].
func (l *Live) Shadow(q schemas.PublicQuery) (router.Arm, bool) {
	arm, sampled := l.policy.Load().Shadow(q)
	return l.lowered(arm), sampled
}

func (l *Live) lowered(a router.Arm) router.Arm {
	if limit := l.limit.Load(); limit != nil {
		a.Ladder = lower(a.Ladder, *limit)
		for i := range a.Rivals { // they are of this query alone
			a.Rivals[i].Ladder = lower(a.Rivals[i].Ladder, *limit)
		}
	}
	return a
}

// Apply calls Changed with the policy in force, for who does not run the Live.
func (l *Live) Apply() { l.Changed(l.policy.Load()) }

// every is how often the file is looked at.
const every = time.Second

// Run follows the file until ctx ends. A file that is gone or wrong changes nothing but
// [Live.Status].
func (l *Live) Run(ctx context.Context, ready func()) error {
	l.Apply()
	ready()
	if l.file == "" {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			l.read()
		}
	}
}

func (l *Live) read() {
	data, err := os.ReadFile(l.file)
	if err == nil && bytes.Equal(data, l.last) {
		l.bad.Store(nil)
		return
	}
	if err == nil && !bytes.Equal(data, l.seen) { // it may be half written: look again
		l.seen = data
		return
	}
	var p *Policy
	if err == nil {
		p, err = Parse(data, l.known)
	}
	if err != nil {
		l.reject(err)
		return
	}
	l.last = data
	l.bad.Store(nil)
	l.policy.Store(p)
	l.reads.WithLabelValues("accepted").Inc()
	l.log.Info("roll-out changed", "version", p.Version)
	l.Changed(p)
}

// reject notes what is wrong with the file, once.
func (l *Live) reject(err error) {
	text := err.Error()
	if old := l.bad.Swap(&text); old != nil && *old == text {
		return
	}
	l.reads.WithLabelValues("rejected").Inc()
	l.log.Error("roll-out not changed", "file", l.file, "err", err)
}

// Status says what is in force, for people.
type Status struct {
	Version string      `json:"version,omitempty"`
	Ladder  router.Rung `json:"ladder"`
	Arms    []string    `json:"arms,omitempty"`
	Off     []string    `json:"off,omitempty"`     // arms of experiments that were switched off
	Problem string      `json:"problem,omitempty"` // with the file as it is now; the last good one is in force
}

// Status returns the state of the roll-out.
func (l *Live) Status() Status {
	p := l.policy.Load()
	s := Status{Version: p.Version, Ladder: l.lowered(router.Arm{Ladder: p.Ladder}).Ladder}
	if s.Ladder == "" {
		s.Ladder = router.RungLLM
	}
	for _, e := range p.Experiments {
		for _, v := range e.Arms {
			s.Arms = append(s.Arms, e.FullName(v.Name))
		}
	}
	if arms := l.off.Load(); arms != nil {
		for _, name := range slices.Sorted(maps.Keys(*arms)) {
			if (*arms)[name] {
				s.Off = append(s.Off, name)
			}
		}
	}
	for _, a := range p.Arms {
		s.Arms = append(s.Arms, a.Name)
	}
	if bad := l.bad.Load(); bad != nil {
		s.Problem = *bad
	}
	return s
}
