package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/experiments"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/router-worker/rollout"
	"github.com/parallel-fusion/pfr/schemas"
)

// small is a topic that takes little.
type small struct{ got []schemas.ExperimentReadout }

func (s *small) Publish(_ context.Context, m schemas.ExperimentReadout) error {
	if len(m.Readout) > 10_000 {
		return stream.ErrTooLarge
	}
	s.got = append(s.got, m)
	return nil
}

// A readout that is too large goes without its history, and the error says so.
func TestReadoutThatIsTooLarge(t *testing.T) {
	var to small
	r := experiments.Readout{Name: "x", History: make([]experiments.Point, 1000)}
	err := send(t.Context(), &to, schemas.ExperimentReadout{Experiment: "x", AsOf: time.Now()}, r)
	if !errors.Is(err, stream.ErrTooLarge) || len(to.got) != 1 || strings.Contains(string(to.got[0].Readout), `"lift"`) {
		t.Errorf("%v, %d readouts", err, len(to.got))
	}
}

// Nothing is read out, and no arm switched off, before it is known what was.
func TestTrialsWaitForWhatWasSwitched(t *testing.T) {
	var unready trials // with nothing to read out or to publish to
	if err := unready.publish(t.Context()); err != nil {
		t.Error(err)
	}
}

// Who draws or treats clients otherwise has another experiment; who lets more take part has
// the same.
func TestDrawOfExperiments(t *testing.T) {
	base := rollout.Experiment{Name: "x", Salt: "a", Share: 0.1, Arms: []rollout.Variant{{Name: "c"}, {Name: "t", Model: "small"}}}
	for name, c := range map[string]struct {
		change func(*rollout.Experiment)
		same   bool
	}{
		"share":   {func(e *rollout.Experiment) { e.Share = 0.5 }, true},
		"plan":    {func(e *rollout.Experiment) { e.Plan.Alpha = 0.1 }, true},
		"salt":    {func(e *rollout.Experiment) { e.Salt = "b" }, false},
		"markets": {func(e *rollout.Experiment) { e.Markets = []string{"GB"} }, false},
		"model":   {func(e *rollout.Experiment) { e.Arms = []rollout.Variant{{Name: "c"}, {Name: "t", Model: "large"}} }, false},
	} {
		e := base
		c.change(&e)
		if (planOf(e).Draw == planOf(base).Draw) != c.same {
			t.Errorf("%s: drawn as %s", name, planOf(e).Draw)
		}
	}
}
