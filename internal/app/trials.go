package app

import (
	"context"
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

	mu  sync.Mutex
	off map[string]bool // arms that are switched off already
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
	known := rollout.Known{Routes: manifest.Names(), Models: slices.Sorted(maps.Keys(cfg.Router.models()))}
	// Without a registerer: the router of the same process shows what comes of reading the file.
	live, err := rollout.Open(cfg.Router.Rollout, known, in.log, nil)
	if err != nil {
		return nil, err
	}
	t := &trials{in: in, live: live, counts: counts, off: map[string]bool{}}
	live.Changed = func(p *rollout.Policy) {
		if err := counts.Follow(plansOf(p)); err != nil {
			in.log.Error("experiments stay as they were", "err", err)
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
	p := experiments.Plan{Plan: experiment.DefaultPlan(), Starts: e.Starts, RollBack: e.Plan.RollBack}
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
	p.PlannedUnits = int64(max(e.Plan.Clients, 1))
	success := e.Plan.Success
	if len(success) == 0 {
		success = []string{"success_rate"}
	}
	for _, name := range success {
		p.Metrics = append(p.Metrics, metricOf(name, experiment.Success, 0))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Plan.Guardrails)) {
		p.Metrics = append(p.Metrics, metricOf(name, experiment.Guardrail, e.Plan.Guardrails[name]))
	}
	return p
}

func metricOf(name string, kind experiment.Kind, margin float64) experiment.Metric {
	direction, _ := experiments.DirectionOf(name) // Follow refuses a metric that is not there
	return experiment.Metric{Name: name, Kind: kind, Direction: direction, Margin: margin}
}

// follow learns which arms are off, and that somebody switched one on again.
func (t *trials) follow(ctx context.Context) error {
	return stream.Tail(ctx, t.in.cluster, control, stream.TailConfig{}, func(_ context.Context, c schemas.Control, _ stream.Meta) error {
		if c.Arm != "" {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.off[c.Arm] = c.Off
		}
		return nil
	})
}

// byExperiments signs what is set without a person.
const byExperiments = "experiments"

// publish sends the readouts, and switches off what harms.
func (t *trials) publish(ctx context.Context) error {
	now := time.Now()
	list, err := t.counts.Readouts(now)
	if err != nil {
		t.in.log.Error("an experiment cannot be read out", "err", err)
	}
	out, controls := insist[schemas.ExperimentReadout]{publish(t.in, readouts)}, insist[schemas.Control]{publish(t.in, control)}
	for _, c := range t.counts.Comparisons(now) {
		m := schemas.ExperimentReadout{SchemaVersion: schemas.Version, Experiment: c.Name, Kind: schemas.ReadoutComparison, AsOf: c.AsOf}
		if err := send(ctx, out, m, c); err != nil {
			return err
		}
	}
	for _, r := range list {
		m := schemas.ExperimentReadout{SchemaVersion: schemas.Version, Experiment: r.Name, Kind: schemas.ReadoutExperiment, AsOf: r.AsOf}
		if err := send(ctx, out, m, r); err != nil {
			return err
		}
		for _, arm := range r.RollBack {
			if err := t.stop(ctx, controls, r, arm); err != nil {
				return err
			}
		}
	}
	return nil
}

// send publishes a readout within its message.
func send(ctx context.Context, out insist[schemas.ExperimentReadout], m schemas.ExperimentReadout, readout any) error {
	data, err := codec.Marshal(readout)
	if err != nil {
		return fmt.Errorf("readout of %s: %w", m.Experiment, err)
	}
	m.Readout = data
	if err := out.Publish(ctx, m); err != nil {
		return fmt.Errorf("publish readout of %s: %w", m.Experiment, err)
	}
	return nil
}

// stop switches an arm off, unless it is.
func (t *trials) stop(ctx context.Context, controls insist[schemas.Control], r experiments.Readout, arm string) error {
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
	t.mu.Lock()
	defer t.mu.Unlock()
	t.off[name] = true
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
