package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/experiment"
)

// Plan is an experiment as it was announced.
type Plan struct {
	experiment.Plan
	Starts   time.Time // searches before it are covariates; zero: none are
	RollBack bool      // an arm that breaks a guardrail is to be switched off
	// Draw says how clients are drawn and what the arms are, in whatever words. Another one is
	// another experiment, which counts anew.
	Draw string
	// Share of the clients that take part. A greater one moves nobody, and lets who counted
	// count on.
	Share float64
}

// draw is a fingerprint of the experiment: what was counted counts for another one of the
// same fingerprint.
func (p Plan) draw() string {
	return fingerprint(p.Draw, p.Control, p.Arms, p.Starts.UTC())
}

// terms is a fingerprint of what the experiment is read out by.
func (p Plan) terms() string {
	return fingerprint(p.Alpha, p.Spending, p.Looks, p.PlannedUnits, p.MinUnits, p.Metrics, p.Share)
}

func fingerprint(parts ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", fmt.Sprintln(parts...)))
	return hex.EncodeToString(sum[:8])
}

// replan takes a plan of the same experiment. A change that comes after the first numbers is
// noted.
func (t *trial) replan(p Plan, latest time.Time) {
	if t.plan.terms() != p.terms() && t.begun() {
		t.changed = latest
	}
	t.plan = p
}

func check(p Plan) error {
	errs := []error{p.Validate()}
	if strings.Contains(p.Name, "/") {
		errs = append(errs, errors.New("name: must not have a slash"))
	}
	if len(p.Arms) > maxArms {
		errs = append(errs, fmt.Errorf("%d arms: at most %d", len(p.Arms), maxArms))
	}
	for _, m := range p.Metrics {
		if _, ok := measureOf(m.Name); !ok {
			errs = append(errs, fmt.Errorf("metric %q: there are %s", m.Name, strings.Join(Names(), ", ")))
		}
	}
	return errors.Join(errs...)
}
