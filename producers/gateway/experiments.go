package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
	"github.com/parallel-fusion/pfr/schemas"
)

// Experiments is what is known of experiments, and the switches of their arms.
type Experiments interface {
	// Readouts returns the latest of each experiment, in any order.
	Readouts() []schemas.ExperimentReadout
	// Arms returns the arms that somebody has switched, in any order.
	Arms() []ArmState
	// SetArm returns nil once what is set is durable: every router follows it.
	SetArm(ctx context.Context, c schemas.Control) error
}

// ArmState says whether an arm of an experiment serves its clients.
type ArmState struct {
	Arm    string    `json:"arm"` // experiment/arm
	Off    bool      `json:"off"`
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by"`
	SetAt  time.Time `json:"set_at"`
}

// experimentView is one experiment.
type experimentView struct {
	Experiment string          `json:"experiment"`
	AsOf       time.Time       `json:"as_of"`
	Readout    json.RawMessage `json:"readout"`
	Arms       []ArmState      `json:"arms"` // those that somebody has switched
	MayOperate bool            `json:"may_operate"`
}

// experimentList is the answer of /v1/experiments.
type experimentList struct {
	Experiments []experimentView  `json:"experiments"` // by name, without their histories
	Comparisons []json.RawMessage `json:"comparisons"` // by name
	MayOperate  bool              `json:"may_operate"`
}

func (g *Gateway) experiments(w http.ResponseWriter, r *http.Request) *problem {
	out := experimentList{[]experimentView{}, []json.RawMessage{}, access.From(r.Context()).May(access.Operate)}
	if g.ports.Experiments != nil {
		all := g.ports.Experiments.Readouts()
		slices.SortFunc(all, func(a, b schemas.ExperimentReadout) int { return strings.Compare(a.Experiment, b.Experiment) })
		for _, m := range all {
			if m.Kind == schemas.ReadoutComparison {
				out.Comparisons = append(out.Comparisons, m.Readout)
				continue
			}
			v := g.viewExperiment(r, m)
			v.Readout = withoutHistory(v.Readout)
			out.Experiments = append(out.Experiments, v)
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

func (g *Gateway) experiment(w http.ResponseWriter, r *http.Request) *problem {
	name := r.PathValue("name")
	m, ok := g.readout(name)
	if !ok {
		return newProblem(http.StatusNotFound, "There is no experiment of this name, or it was not read out so far. /v1/experiments lists those that were.")
	}
	return writeJSON(w, http.StatusOK, g.viewExperiment(r, m))
}

func (g *Gateway) readout(name string) (schemas.ExperimentReadout, bool) {
	if g.ports.Experiments == nil {
		return schemas.ExperimentReadout{}, false
	}
	all := g.ports.Experiments.Readouts()
	i := slices.IndexFunc(all, func(m schemas.ExperimentReadout) bool {
		return m.Experiment == name && m.Kind != schemas.ReadoutComparison
	})
	if i < 0 {
		return schemas.ExperimentReadout{}, false
	}
	return all[i], true
}

func (g *Gateway) viewExperiment(r *http.Request, m schemas.ExperimentReadout) experimentView {
	v := experimentView{m.Experiment, m.AsOf, m.Readout, []ArmState{}, access.From(r.Context()).May(access.Operate)}
	for _, a := range g.ports.Experiments.Arms() {
		if experiment, _, _ := strings.Cut(a.Arm, "/"); experiment == m.Experiment {
			v.Arms = append(v.Arms, a)
		}
	}
	slices.SortFunc(v.Arms, func(a, b ArmState) int { return strings.Compare(a.Arm, b.Arm) })
	return v
}

// withoutHistory returns a readout without its points. One that cannot be read stays.
func withoutHistory(readout json.RawMessage) json.RawMessage {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(readout, &parts); err != nil {
		return readout
	}
	delete(parts, "history")
	short, err := json.Marshal(parts)
	if err != nil {
		return readout
	}
	return short
}

// armBody is the body of POST /v1/operator/arms. Arm and Off are required.
type armBody struct {
	Arm    string `json:"arm"`
	Off    *bool  `json:"off"`
	Reason string `json:"reason"`
}

// setArm switches an arm of an experiment off, or on again, at every router.
func (g *Gateway) setArm(w http.ResponseWriter, r *http.Request) *problem {
	if g.ports.Experiments == nil {
		return noOperations()
	}
	body, p := readBody(w, r, maxSearchBody)
	if p != nil {
		return p
	}
	var b armBody
	if p := decodeStrict(body, &b); p != nil {
		return p
	}
	if p := g.checkArm(b); p != nil {
		return p
	}
	c := schemas.Control{
		SchemaVersion: schemas.Version, Arm: b.Arm, Off: *b.Off, Reason: b.Reason,
		By: signature(access.From(r.Context())), SetAt: time.Now().UTC(),
	}
	if err := c.Validate(); err != nil {
		return newProblem(http.StatusBadRequest, plain(err))
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.cfg.PublishTimeout)
	defer cancel()
	if err := g.ports.Experiments.SetArm(ctx, c); err != nil {
		g.log.Error("arm is not set", "arm", c.Arm, "off", c.Off, "by", c.By, "err", err)
		return newProblem(http.StatusServiceUnavailable, "The arm is not set, because the brokers are away. Send it again, or edit the roll-out file of the routers.").retry(1)
	}
	g.log.Warn("arm set", "arm", c.Arm, "off", c.Off, "by", c.By)
	return writeJSON(w, http.StatusOK, ArmState{Arm: c.Arm, Off: c.Off, Reason: c.Reason, By: c.By, SetAt: c.SetAt})
}

// checkArm refuses what can be no arm, and what is none of an experiment that is known. One
// that is not known may still run: nobody must be kept from stopping it.
func (g *Gateway) checkArm(b armBody) *problem {
	experiment, arm, ok := strings.Cut(b.Arm, "/")
	switch {
	case !ok || experiment == "" || arm == "":
		return newProblem(http.StatusBadRequest, "arm: must be the name of an experiment and of its arm, as ranker/new.")
	case b.Off == nil:
		return newProblem(http.StatusBadRequest, "off: must be true, or false to switch the arm on again.")
	}
	control, others := g.armsOf(experiment)
	switch {
	case control == "" || slices.Contains(others, arm):
		return nil
	case arm == control:
		return newProblem(http.StatusBadRequest, "arm: is the control, which all others fall back to. Switch those off.")
	}
	return newProblem(http.StatusBadRequest, fmt.Sprintf("arm: %s has no such arm. There are %s.", experiment, strings.Join(others, ", ")))
}

// armsOf returns the arms of an experiment; control is "" if they are not known.
func (g *Gateway) armsOf(experiment string) (control string, others []string) {
	m, ok := g.readout(experiment)
	if !ok {
		return "", nil
	}
	var r struct {
		Report struct {
			Control string
			Arms    []struct{ Name string }
		}
	}
	if err := json.Unmarshal(m.Readout, &r); err != nil {
		return "", nil
	}
	for _, a := range r.Report.Arms {
		if a.Name != r.Report.Control {
			others = append(others, a.Name)
		}
	}
	return r.Report.Control, others
}
