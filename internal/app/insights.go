package app

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// experimentsView is the experiments as a gateway shows them. It implements
// [gateway.Experiments].
type experimentsView struct {
	arms publisher[schemas.Control]

	mu       sync.Mutex
	readouts map[string]schemas.ExperimentReadout // by experiment
	switched map[string]gateway.ArmState          // by arm
}

func newExperimentsView(in *infra) *experimentsView {
	return &experimentsView{
		arms: publish(in, control), readouts: map[string]schemas.ExperimentReadout{}, switched: map[string]gateway.ArmState{},
	}
}

// readout keeps the latest readout of an experiment.
func (v *experimentsView) readout(r schemas.ExperimentReadout) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.readouts[r.Experiment] = r
}

// control takes what was set for an arm, here, at another gateway or by the consumers.
func (v *experimentsView) control(c schemas.Control) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.switched[c.Arm] = gateway.ArmState{Arm: c.Arm, Off: c.Off, Reason: c.Reason, By: c.By, SetAt: c.SetAt}
}

// Readouts implements [gateway.Experiments].
func (v *experimentsView) Readouts() []schemas.ExperimentReadout {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Collect(maps.Values(v.readouts))
}

// Arms implements [gateway.Experiments].
func (v *experimentsView) Arms() []gateway.ArmState {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Collect(maps.Values(v.switched))
}

// SetArm implements [gateway.Experiments].
func (v *experimentsView) SetArm(ctx context.Context, c schemas.Control) error {
	return v.arms.Publish(ctx, c)
}

// controlParts follow what is set for every router.
func controlParts(in *infra, ops *operations, exps *experimentsView) []supervise.Part {
	return []supervise.Part{{Name: "gateway/control", Run: tail(in, control, stream.TailConfig{},
		func(_ context.Context, c schemas.Control, _ stream.Meta) error {
			if c.Arm != "" {
				exps.control(c)
			} else {
				ops.control(c)
			}
			return nil
		})}}
}

// insightsParts follow the online metrics and the readouts of experiments.
func insightsParts(in *infra, series *gateway.Series, exps *experimentsView) []supervise.Part {
	return []supervise.Part{
		{Name: "gateway/online", Run: tail(in, online, stream.TailConfig{},
			func(_ context.Context, m schemas.OnlineMetrics, _ stream.Meta) error {
				series.Put(m, time.Now())
				return nil
			})},
		{Name: "gateway/experiments", Run: tail(in, readouts, stream.TailConfig{},
			func(_ context.Context, r schemas.ExperimentReadout, _ stream.Meta) error {
				exps.readout(r)
				return nil
			})},
	}
}
