package rollout

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// Experiment compares ways of deciding on clients that are drawn by lot. Its first arm is
// the control.
type Experiment struct {
	Name string `yaml:"name"`
	// Salt draws the lots: the same clients get the same arms as long as it stays.
	Salt      string   `yaml:"salt"`
	Markets   []string `yaml:"markets"`   // none: all
	Platforms []string `yaml:"platforms"` // none: all
	Share     float64  `yaml:"share"`     // of the clients there that take part, 0 to 1
	// Starts is when the arms begin to differ. Until then all decide as the control does, and
	// what clients do is the covariate that makes the readout sharper. Zero: from the beginning.
	Starts time.Time `yaml:"starts"`
	Arms   []Variant `yaml:"arms"`
	Plan   Plan      `yaml:"plan"`
}

// Variant is an arm of an experiment.
type Variant struct {
	Name    string      `yaml:"name"`
	Weight  float64     `yaml:"weight"` // of its lot, in relation to the others; 0 means 1
	Ladder  router.Rung `yaml:"ladder"`
	Model   string      `yaml:"model"`
	Without []string    `yaml:"without"`
}

// Plan is what an experiment is read out by. It is said before there are any numbers.
type Plan struct {
	Clients  int     `yaml:"clients"`  // that will have taken part at the end, for the looks before it
	Looks    int     `yaml:"looks"`    // at the numbers, evenly spread; 0 means 5
	Alpha    float64 `yaml:"alpha"`    // of each success metric, two-sided; 0 means 0.05
	Spending string  `yaml:"spending"` // obrien-fleming or pocock; "" is the first
	// Success metrics, of which one must be better; see [Plan.SuccessMetrics].
	Success []string `yaml:"success"`
	// Guardrails and by how much each may be worse, relative to the control.
	Guardrails map[string]float64 `yaml:"guardrails"`
	// RollBack switches an arm off that breaks a guardrail.
	RollBack bool `yaml:"roll_back"`
}

// Stopped stands for the arm of clients whose arm was switched off.
const Stopped = "stopped"

// FullName returns the name of an arm in decisions and pages.
func (e Experiment) FullName(arm string) string { return e.Name + "/" + arm }

// maxArms bounds the arms of an experiment.
const maxArms = 8

// minWeight bounds weights on both sides: an arm of fewer clients is never read out.
const minWeight = 1e-6

// maxClients bounds the clients of a plan, which are counted in 40 bits.
const maxClients = 1 << 40

func (e Experiment) check(known Known) error {
	errs := []error{checkPlainName(e.Name)}
	if !(e.Share > 0 && e.Share <= 1) {
		errs = append(errs, fmt.Errorf("share %v: must be above 0 and at most 1", e.Share))
	}
	for _, market := range e.Markets {
		errs = append(errs, checkMarket(market))
	}
	if len(e.Arms) < 2 || len(e.Arms) > maxArms {
		errs = append(errs, fmt.Errorf("arms: want 2 to %d, of which the first is the control", maxArms))
	}
	names := map[string]bool{Stopped: true}
	for _, v := range e.Arms {
		if names[v.Name] {
			errs = append(errs, fmt.Errorf("arm %s: the name is taken", v.Name))
		}
		names[v.Name] = true
		if err := e.checkArm(v, known); err != nil {
			errs = append(errs, fmt.Errorf("arm %s: %w", v.Name, err))
		}
	}
	return errors.Join(append(errs, e.Plan.check(known))...)
}

// checkPlainName wants a name without a slash, which parts experiment and arm in pages.
func checkPlainName(name string) error {
	err := checkName(name)
	if strings.Contains(name, "/") {
		err = errors.Join(err, errors.New("name: must not have a slash"))
	}
	return err
}

func (e Experiment) checkArm(v Variant, known Known) error {
	errs := []error{checkPlainName(v.Name), checkRung("ladder", v.Ladder), checkModel("model", v.Model, known), checkRoutes(v.Without, known)}
	if n := len(e.FullName(v.Name)); n >= schemas.MaxNameBytes {
		errs = append(errs, fmt.Errorf("%s has %d bytes: must have fewer than %d", e.FullName(v.Name), n, schemas.MaxNameBytes))
	}
	if v.Weight != 0 && !(v.Weight >= minWeight && v.Weight <= 1/minWeight) { // NaN is not, either
		errs = append(errs, fmt.Errorf("weight %v: must be between %v and %v, or left out for 1", v.Weight, minWeight, 1/minWeight))
	}
	return errors.Join(errs...)
}

func (p Plan) check(known Known) error {
	var errs []error
	if p.Clients < 1 || p.Clients > maxClients {
		errs = append(errs, fmt.Errorf("plan: clients %d: say how many clients will have taken part at the end, as clients: 40000; looks are taken at shares of them", p.Clients))
	}
	if p.Looks < 0 || p.Looks > 50 {
		errs = append(errs, fmt.Errorf("plan: looks %d: must be 1 to 50, or left out for 5", p.Looks))
	}
	if !(p.Alpha >= 0 && p.Alpha < 0.5) {
		errs = append(errs, fmt.Errorf("plan: alpha %v: must be below 0.5", p.Alpha))
	}
	if !slices.Contains([]string{"", "obrien-fleming", "pocock"}, p.Spending) {
		errs = append(errs, fmt.Errorf("plan: spending %q: must be obrien-fleming or pocock", p.Spending))
	}
	return errors.Join(append(errs, p.checkMetrics(known))...)
}

// checkMetrics wants each metric once, and such as are counted.
func (p Plan) checkMetrics(known Known) error {
	var errs []error
	named := map[string]bool{}
	check := func(role, name string) {
		if !slices.Contains(known.Metrics, name) {
			errs = append(errs, fmt.Errorf("plan: %s %q: no such metric; there are %s", role, name, strings.Join(known.Metrics, ", ")))
		}
		if named[name] {
			errs = append(errs, fmt.Errorf("plan: %s %s: the metric is named already; it is either of success or a guardrail", role, name))
		}
		named[name] = true
	}
	for _, name := range p.SuccessMetrics() {
		check("success", name)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Guardrails)) {
		check("guardrail", name)
		if margin := p.Guardrails[name]; !(margin > 0 && margin < 1) {
			errs = append(errs, fmt.Errorf("plan: guardrail %s: margin %v: must be a share of the control's value, above 0 and below 1, as 0.05", name, margin))
		}
	}
	return errors.Join(errs...)
}

// SuccessMetrics returns the success metrics of the plan: success_rate, if it names none.
func (p Plan) SuccessMetrics() []string {
	if len(p.Success) == 0 {
		return []string{"success_rate"}
	}
	return p.Success
}

// draw returns the arm of a query, if it takes part.
func (e Experiment) draw(q schemas.PublicQuery) (Variant, bool) {
	if !concerns(e.Markets, e.Platforms, q) {
		return Variant{}, false
	}
	who := unit(q)
	if lot(e.Name, e.Salt, "share", who) >= e.Share {
		return Variant{}, false
	}
	sum := 0.0
	for _, v := range e.Arms {
		sum += v.weight()
	}
	at := lot(e.Name, e.Salt, "arm", who) * sum // a lot of its own: a growing share moves nobody
	for _, v := range e.Arms {
		if at -= v.weight(); at < 0 {
			return v, true
		}
	}
	return e.Arms[len(e.Arms)-1], true
}

func (v Variant) weight() float64 {
	if v.Weight == 0 {
		return 1
	}
	return v.Weight
}

// Weights returns the share of each arm.
func (e Experiment) Weights() map[string]float64 {
	sum, out := 0.0, make(map[string]float64, len(e.Arms))
	for _, v := range e.Arms {
		sum += v.weight()
	}
	for _, v := range e.Arms {
		out[v.Name] = v.weight() / sum
	}
	return out
}

// lot returns a number in [0, 1) that depends on its arguments alone.
func lot(parts ...string) float64 {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}

// variant returns the arm v of e as the router sees it. An arm that was switched off decides
// as the control does, and before the start all do: what their clients did until then says
// how they differ without the experiment.
func (p *Policy) variant(e Experiment, v Variant, q schemas.PublicQuery, off map[string]bool) router.Arm {
	name := e.FullName(v.Name)
	stopped := off[name]
	if stopped {
		name = e.FullName(Stopped)
	}
	if stopped || q.SubmittedAt.Before(e.Starts) {
		v = e.Arms[0]
	}
	out := p.arm(v.settings(name))
	for _, r := range e.Arms {
		out.Rivals = append(out.Rivals, p.arm(r.settings("")))
	}
	return out
}

func (v Variant) settings(name string) Arm {
	return Arm{Name: name, Ladder: v.Ladder, Model: v.Model, Without: v.Without}
}
