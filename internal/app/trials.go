package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/consumers/experiments"
	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/router-worker/rollout"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// trials are the experiments of the roll-out file: counted, read out, and switched off when
// they harm.
type trials struct {
	in     *infra
	live   *rollout.Live
	counts *experiments.Experiments

	mu    sync.Mutex
	off   map[string]bool // arms that somebody has switched, and how
	ready bool            // what was read out and switched before is known
}

func newTrials(in *infra, cfg Config) (*trials, error) {
	counts, err := experiments.New(cfg.Consumers.Experiments, in.reg)
	if err != nil {
		return nil, err
	}
	manifest, err := routes.Music()
	if err != nil {
		return nil, err
	}
	known := rollout.Known{Routes: manifest.Names(), Models: slices.Sorted(maps.Keys(cfg.Router.models())), Metrics: experiments.Names()}
	// Without a registerer: the router of the same process shows what comes of reading the file.
	live, err := rollout.Open(cfg.Router.Rollout, known, in.log, nil)
	if err != nil {
		return nil, err
	}
	t := &trials{in: in, live: live, counts: counts, off: map[string]bool{}}
	live.Changed = func(p *rollout.Policy) {
		if err := counts.Follow(plansOf(p)); err != nil {
			in.log.Error("an experiment is not counted as the roll-out says", "err", err)
		}
		counts.Compare(comparisonsOf(p))
	}
	live.Apply()
	return t, nil
}

// plansOf returns the experiments of a policy as they are read out.
func plansOf(p *rollout.Policy) []experiments.Plan {
	var plans []experiments.Plan
	for _, e := range p.Experiments {
		plans = append(plans, planOf(e))
	}
	return plans
}

func comparisonsOf(p *rollout.Policy) []experiments.Comparison {
	var list []experiments.Comparison
	for _, c := range p.Comparisons {
		list = append(list, experiments.Comparison{Name: c.Name, Route: c.Route, Section: c.Section, Rival: c.Tool})
	}
	return list
}

func planOf(e rollout.Experiment) experiments.Plan {
	p := experiments.Plan{Plan: experiment.DefaultPlan(), Starts: e.Starts, RollBack: e.Plan.RollBack, Draw: drawOf(e), Share: e.Share}
	p.Name, p.Control = e.Name, e.Arms[0].Name
	weights := e.Weights()
	for _, v := range e.Arms {
		p.Arms = append(p.Arms, experiment.Arm{Name: v.Name, Weight: weights[v.Name]})
	}
	if e.Plan.Alpha > 0 {
		p.Alpha = e.Plan.Alpha
	}
	if e.Plan.Spending != "" {
		p.Spending = experiment.Spending(e.Plan.Spending)
	}
	if n := e.Plan.Looks; n > 0 {
		p.Looks = nil
		for i := range n {
			p.Looks = append(p.Looks, float64(i+1)/float64(n))
		}
	}
	p.PlannedUnits = int64(e.Plan.Clients)
	for _, name := range e.Plan.SuccessMetrics() {
		p.Metrics = append(p.Metrics, metricOf(name, experiment.Success, 0))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Plan.Guardrails)) {
		p.Metrics = append(p.Metrics, metricOf(name, experiment.Guardrail, e.Plan.Guardrails[name]))
	}
	return p
}

// drawOf says how clients are drawn, and what the arms are. The share is no part of it: a
// greater one moves nobody.
func drawOf(e rollout.Experiment) string {
	return fmt.Sprintf("%q %q %q %+v", e.Salt, e.Markets, e.Platforms, e.Arms)
}

func metricOf(name string, kind experiment.Kind, margin float64) experiment.Metric {
	direction, _ := experiments.DirectionOf(name) // Follow refuses a metric that is not there
	return experiment.Metric{Name: name, Kind: kind, Direction: direction, Margin: margin}
}

// follow learns what was read out before, and which arms are off or were switched on again.
func (t *trials) follow(ctx context.Context) error {
	defer t.setReady(false)
	if err := t.remember(ctx); err != nil {
		return err
	}
	known := stream.TailConfig{CaughtUp: func() { t.setReady(true) }}
	return stream.Tail(ctx, t.in.cluster, control, known, func(_ context.Context, c schemas.Control, _ stream.Meta) error {
		if c.Arm != "" {
			t.switched(c)
		}
		return nil
	})
}

func (t *trials) switched(c schemas.Control) {
	t.mu.Lock()
	t.off[c.Arm] = c.Off
	t.mu.Unlock()
	t.counts.Stop(c.Arm, c.Off, c.SetAt)
}

func (t *trials) setReady(ready bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ready = ready
}

func (t *trials) isReady() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ready
}

// remember tells the count of the last readouts: the looks that were taken are in nothing
// else but a snapshot.
func (t *trials) remember(ctx context.Context) error {
	last := map[string]schemas.ExperimentReadout{}
	err := stream.Tail(ctx, t.in.cluster, readouts, stream.TailConfig{UntilEnd: true},
		func(_ context.Context, m schemas.ExperimentReadout, _ stream.Meta) error {
			if m.Kind == schemas.ReadoutExperiment {
				last[m.Experiment] = m
			}
			return nil
		})
	if err != nil {
		return fmt.Errorf("last readouts: %w", err)
	}
	for _, m := range last {
		var r experiments.Readout
		if err := codec.Unmarshal(m.Readout, &r); err != nil {
			t.in.log.Warn("a readout is not remembered", "experiment", m.Experiment, "err", err)
			continue
		}
		t.counts.Remember(r)
	}
	return nil
}

// byExperiments signs what is set without a person.
const byExperiments = "experiments"

// publish sends the readouts, and switches off what harms. What cannot be published is
// logged: the next readout comes soon, and nothing else waits for it.
func (t *trials) publish(ctx context.Context) error {
	if !t.isReady() {
		return nil
	}
	t.publishTo(ctx, insist[schemas.ExperimentReadout]{publish(t.in, readouts)}, insist[schemas.Control]{publish(t.in, control)})
	return nil
}

func (t *trials) publishTo(ctx context.Context, out sender, controls switcher) {
	now := time.Now()
	list, err := t.counts.Readouts(now)
	if err != nil {
		t.in.log.Error("an experiment cannot be read out", "err", err)
	}
	for _, c := range t.counts.Comparisons(now) {
		m := schemas.ExperimentReadout{SchemaVersion: schemas.Version, Experiment: c.Name, Kind: schemas.ReadoutComparison, AsOf: c.AsOf}
		t.note(ctx, send(ctx, out, m, c))
	}
	for _, r := range list {
		m := schemas.ExperimentReadout{SchemaVersion: schemas.Version, Experiment: r.Name, Kind: schemas.ReadoutExperiment, AsOf: r.AsOf}
		t.note(ctx, send(ctx, out, m, r))
		for _, arm := range r.RollBack {
			t.note(ctx, t.stop(ctx, controls, r, arm))
		}
	}
}

// note logs an error, unless the end of ctx has caused it.
func (t *trials) note(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		t.in.log.Error("what an experiment says is not published", "err", err)
	}
}

// sender is a topic that readouts go to.
type sender interface {
	Publish(ctx context.Context, m schemas.ExperimentReadout) error
}

// switcher is a topic that switches of arms go to.
type switcher interface {
	Publish(ctx context.Context, c schemas.Control) error
}

// send publishes a readout within its message. One that is too large goes without its
// history.
func send(ctx context.Context, out sender, m schemas.ExperimentReadout, readout any) error {
	data, err := codec.Marshal(readout)
	if err != nil {
		return fmt.Errorf("readout of %s: %w", m.Experiment, err)
	}
	m.Readout = data
	err = out.Publish(ctx, m)
	if r, ok := readout.(experiments.Readout); ok && errors.Is(err, stream.ErrTooLarge) && r.History != nil {
		r.History = nil
		return errors.Join(fmt.Errorf("publish history of %s: %w", m.Experiment, err), send(ctx, out, m, r))
	}
	if err != nil {
		return fmt.Errorf("publish readout of %s: %w", m.Experiment, err)
	}
	return nil
}

// stop switches an arm off, unless it is.
func (t *trials) stop(ctx context.Context, controls switcher, r experiments.Readout, arm string) error {
	name := r.Name + "/" + arm
	t.mu.Lock()
	_, known := t.off[name] // on again by a person: that stands
	t.mu.Unlock()
	if known {
		return nil
	}
	c := schemas.Control{SchemaVersion: schemas.Version, Arm: name, Off: true, By: byExperiments, Reason: reasonFor(r, arm), SetAt: time.Now().UTC()}
	if err := controls.Publish(ctx, c); err != nil {
		return fmt.Errorf("switch %s off: %w", name, err)
	}
	t.in.log.Warn("an experiment was rolled back", "arm", name, "reason", c.Reason)
	t.switched(c)
	return nil
}

func reasonFor(r experiments.Readout, arm string) string {
	for _, a := range r.Report.Arms {
		if a.Name == arm && len(a.Reasons) > 0 {
			return clip(a.Reasons[0], schemas.MaxTitleBytes)
		}
	}
	return "a guardrail is broken"
}

// clip cuts a text to some bytes.
func clip(s string, most int) string { return strings.ToValidUTF8(s[:min(len(s), most)], "") }
