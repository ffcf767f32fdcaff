package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/experiments"
	"github.com/parallel-fusion/pfr/evaluation/experiment"
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

// choosy is a topic that takes everything but the readouts of one name.
type choosy struct {
	refuses string
	got     []string
}

func (c *choosy) Publish(_ context.Context, m schemas.ExperimentReadout) error {
	if m.Experiment == c.refuses {
		return errors.New("refused")
	}
	c.got = append(c.got, m.Experiment)
	return nil
}

// A readout that cannot be published is logged, and all others go out. The end of the process
// is no reason to log.
func TestReadoutsThatCannotBePublishedAreLogged(t *testing.T) {
	var log bytes.Buffer
	counts, err := experiments.New(experiments.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	counts.Compare([]experiments.Comparison{{Name: "a"}, {Name: "b"}, {Name: "c"}})
	x := &trials{in: &infra{log: slog.New(slog.NewTextHandler(&log, nil))}, counts: counts, off: map[string]bool{}}
	to := &choosy{refuses: "b"}
	x.publishTo(t.Context(), to, nil)
	if text := log.String(); !slices.Equal(to.got, []string{"a", "c"}) || strings.Count(text, "level=ERROR") != 1 || !strings.Contains(text, "publish readout of b: refused") {
		t.Errorf("published %q, logged\n%s", to.got, text)
	}
	log.Reset()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	x.publishTo(over, to, nil)
	if log.Len() > 0 {
		t.Errorf("logged at the end: %s", log.String())
	}
}

// Nothing is read out, and no arm switched off, before it is known what was.
func TestTrialsWaitForWhatWasSwitched(t *testing.T) {
	var unready trials // with nothing to read out or to publish to
	if err := unready.publish(t.Context()); err != nil {
		t.Error(err)
	}
}

// Everything that a readout says is in the description of the interface.
func TestReadoutsAreDescribed(t *testing.T) {
	data, err := os.ReadFile("../../producers/gateway/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]reflect.Type{
		"Readout": reflect.TypeFor[experiments.Readout](), "Report": reflect.TypeFor[experiment.Report](), "ArmReport": reflect.TypeFor[experiment.ArmReport](),
		"Effect": reflect.TypeFor[experiment.EffectReport](), "ToolComparison": reflect.TypeFor[experiments.ComparisonReadout](),
	} {
		_, text, _ := strings.Cut(string(data), "\n    "+name+":\n")
		text = regexp.MustCompile(`(?m)^    \w`).Split(text, 2)[0]
		for _, f := range reflect.VisibleFields(of) {
			if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" && !strings.Contains(text, "\n        "+key+":") {
				t.Errorf("%s.%s is not described", name, key)
			}
		}
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
