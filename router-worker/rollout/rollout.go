// Package rollout says who gets which router: tiers, language models and routes by market,
// platform and share of the clients, candidates that run in the shadow, and what a market
// may spend. It is one YAML file that an operator edits; routers read it again when it
// changes, so that nothing is restarted.
//
// The vocabulary: an arm is a way of deciding for a part of the traffic; the ladder is the
// best tier that may be used, and lowering it is the kill switch; a candidate is an arm
// that is compared on a sample and serves nobody.
package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/guard"
	"github.com/parallel-fusion/pfr/schemas"
)

// Policy is a valid roll-out. It is immutable.
type Policy struct {
	// Ladder holds for everybody: an arm can be lower, not higher. It has to be said, so that
	// a file that lost its text lifts no kill switch. In the policy of no file it is "".
	Ladder router.Rung `yaml:"ladder"`
	// Model is the language model of the default arm; "" is the one called so.
	Model string `yaml:"model"`
	// Limits are for each market that has none of its own; nil leaves those of the settings.
	Limits  *guard.Limits           `yaml:"limits"`
	Markets map[string]guard.Limits `yaml:"markets"`
	// Experiments are tried in order, before the arms: the first that a client takes part in
	// decides for it.
	Experiments []Experiment `yaml:"experiments"`
	// Comparisons mix two tools within a section, whatever arm decides.
	Comparisons []Comparison `yaml:"comparisons"`
	// Arms are tried in order: the first that takes a query decides it.
	Arms       []Arm `yaml:"arms"`
	Candidates []Arm `yaml:"shadow"`

	Version string `yaml:"-"` // content hash
}

// Arm is a part of the traffic and what decides for it.
type Arm struct {
	Name      string      `yaml:"name"`
	Markets   []string    `yaml:"markets"`   // none: all
	Platforms []string    `yaml:"platforms"` // none: all
	Share     float64     `yaml:"share"`     // of the clients there, 0 to 1; the same clients as long as the name stays
	Ladder    router.Rung `yaml:"ladder"`
	Model     string      `yaml:"model"`
	Without   []string    `yaml:"without"` // routes that are not offered
}

// Known is what a policy may name.
type Known struct {
	Routes []string
	Models []string // language models; the default one is ""
	// Metrics are those that the plan of an experiment may name.
	Metrics []string
}

// Parse reads a policy. The error joins everything that is wrong.
func Parse(data []byte, known Known) (*Policy, error) {
	var p Policy
	if err := yaml.UnmarshalWithOptions(data, &p, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("roll-out: %w", err)
	}
	if p.Ladder == "" {
		return nil, errors.New("roll-out: ladder: say llm, student or search; llm gives everybody everything")
	}
	if err := p.check(known); err != nil {
		return nil, fmt.Errorf("roll-out: %w", err)
	}
	sum := sha256.Sum256(data)
	p.Version = hex.EncodeToString(sum[:6])
	return &p, nil
}

func (p *Policy) check(known Known) error {
	errs := []error{checkRung("ladder", p.Ladder), checkModel("model", p.Model, known)}
	if p.Limits != nil {
		errs = append(errs, p.Limits.Validate())
	}
	for _, market := range slices.Sorted(maps.Keys(p.Markets)) {
		if err := errors.Join(checkMarket(market), p.Markets[market].Validate()); err != nil {
			errs = append(errs, fmt.Errorf("markets.%s: %w", market, err))
		}
	}
	names := map[string]bool{}
	for i, e := range p.Experiments {
		if names[e.Name] {
			errs = append(errs, fmt.Errorf("experiment %s: the name is taken", e.Name))
		}
		names[e.Name] = true
		if err := e.check(known); err != nil {
			errs = append(errs, fmt.Errorf("experiment %d %s: %w", i+1, e.Name, err))
		}
	}
	for i, c := range p.Comparisons {
		if names[c.Name] {
			errs = append(errs, fmt.Errorf("comparison %s: the name is taken", c.Name))
		}
		names[c.Name] = true
		if err := c.check(known); err != nil {
			errs = append(errs, fmt.Errorf("comparison %d %s: %w", i+1, c.Name, err))
		}
	}
	for i, a := range slices.Concat(p.Arms, p.Candidates) {
		if names[a.Name] {
			errs = append(errs, fmt.Errorf("arm %s: the name is taken", a.Name))
		}
		names[a.Name] = true
		if err := a.check(known); err != nil {
			errs = append(errs, fmt.Errorf("arm %d %s: %w", i+1, a.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (a Arm) check(known Known) error {
	errs := []error{checkName(a.Name), checkRung("ladder", a.Ladder), checkModel("model", a.Model, known), checkRoutes(a.Without, known)}
	if !(a.Share > 0 && a.Share <= 1) {
		errs = append(errs, fmt.Errorf("share %v: must be above 0 and at most 1", a.Share))
	}
	for _, market := range a.Markets {
		errs = append(errs, checkMarket(market))
	}
	return errors.Join(errs...)
}

func checkName(name string) error {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) || len(name) > schemas.MaxNameBytes {
		return fmt.Errorf("name: must be printable ASCII without spaces, of at most %d bytes", schemas.MaxNameBytes)
	}
	return nil
}

func checkRoutes(without []string, known Known) error {
	var errs []error
	for _, r := range without {
		if !slices.Contains(known.Routes, r) {
			errs = append(errs, fmt.Errorf("without: no route %q; there are %s", r, strings.Join(known.Routes, ", ")))
		}
	}
	return errors.Join(errs...)
}

// checkMarket wants a market as queries have it: one that is written otherwise matches none.
func checkMarket(s string) error {
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return fmt.Errorf("market %q: must be two upper-case letters, as GB", s)
	}
	return nil
}

func checkRung(field string, r router.Rung) error {
	if !slices.Contains([]router.Rung{"", router.RungLLM, router.RungStudent, router.RungSearch}, r) {
		return fmt.Errorf("%s: must be %s, %s or %s, not %q", field, router.RungLLM, router.RungStudent, router.RungSearch, r)
	}
	return nil
}

func checkModel(field, name string, known Known) error {
	if name != "" && !slices.Contains(known.Models, name) {
		return fmt.Errorf("%s: no language model %q is configured; there are %q", field, name, known.Models)
	}
	return nil
}

// Assign implements [router.Rollout]. A query that names an arm, for a comparison, is
// decided by that one, candidates included; see [schemas.ExperimentArm]. It takes part in no
// experiment. A name that no arm has stands for the default arm.
func (p *Policy) Assign(q schemas.PublicQuery) router.Arm { return p.assign(q, nil) }

// assign is Assign without the arms of experiments that are off.
func (p *Policy) assign(q schemas.PublicQuery, off map[string]bool) router.Arm {
	a := p.decide(q, off)
	if _, named := q.Experiments[schemas.ExperimentArm]; named {
		return a // it is looked at by hand
	}
	for _, c := range p.Comparisons {
		if !off[c.Name] && c.takes(q) {
			a.Duels = append(a.Duels, router.Duel{Name: c.Name, Route: c.Route, Section: c.Section, Tool: c.Tool})
		}
	}
	return a
}

func (p *Policy) decide(q schemas.PublicQuery, off map[string]bool) router.Arm {
	if name, named := q.Experiments[schemas.ExperimentArm]; named {
		return p.arm(p.named(name))
	}
	for _, e := range p.Experiments {
		if v, takes := e.draw(q); takes {
			return p.variant(e, v, q, off)
		}
	}
	for _, a := range p.Arms {
		if a.takes(q) {
			return p.arm(a)
		}
	}
	return p.arm(Arm{})
}

// named returns the arm of a name. That of an experiment goes without its name: what is
// compared by hand must not count.
func (p *Policy) named(name string) Arm {
	for _, e := range p.Experiments {
		for _, v := range e.Arms {
			if e.FullName(v.Name) == name {
				return v.settings("~" + name)
			}
		}
	}
	arms := slices.Concat(p.Arms, p.Candidates)
	if i := slices.IndexFunc(arms, func(a Arm) bool { return a.Name == name }); i >= 0 {
		return arms[i]
	}
	return Arm{}
}

// Shadow implements [router.Rollout]. The first candidate whose sample holds q runs.
func (p *Policy) Shadow(q schemas.PublicQuery) (router.Arm, bool) {
	for _, a := range p.Candidates {
		if a.takes(q) {
			return p.arm(a), true
		}
	}
	return router.Arm{}, false
}

// arm returns a as the router sees it.
func (p *Policy) arm(a Arm) router.Arm {
	out := router.Arm{Name: a.Name, Ladder: lower(a.Ladder, p.Ladder), Model: a.Model, Without: a.Without}
	if out.Model == "" {
		out.Model = p.Model
	}
	return out
}

// lower returns the lower of two rungs.
func lower(a, b router.Rung) router.Rung {
	height := func(r router.Rung) int { return slices.Index([]router.Rung{router.RungSearch, router.RungStudent}, r) }
	ha, hb := height(a), height(b)
	if hb >= 0 && (ha < 0 || hb < ha) {
		return b
	}
	return a
}

// concerns reports whether a query is of one of the markets and platforms; none means all.
func concerns(markets, platforms []string, q schemas.PublicQuery) bool {
	return (len(markets) == 0 || slices.Contains(markets, q.Market)) && (len(platforms) == 0 || slices.Contains(platforms, q.Platform))
}

// takes reports whether the arm is for this query. Assignment is sticky: it depends on the
// arm's name and on who asks alone, so that arms of other names split the clients afresh.
func (a Arm) takes(q schemas.PublicQuery) bool {
	if !concerns(a.Markets, a.Platforms, q) {
		return false
	}
	return lot(a.Name, unit(q)) < a.Share
}

// unit is whom an assignment sticks to: the client, or what is known instead.
func unit(q schemas.PublicQuery) string {
	for _, id := range []string{q.ClientID, q.SessionID} {
		if id != "" {
			return id
		}
	}
	return q.CorrelationID
}
