package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/evaluation/interleave"
)

type experimentsCmd struct {
	Show  experimentsShowCmd `cmd:"" default:"withargs" help:"List experiments, or show one."`
	Stop  armStopCmd         `cmd:"" help:"Switch an arm off: its clients get what the control gives."`
	Start armStartCmd        `cmd:"" help:"Switch an arm on again."`
}

type experimentsShowCmd struct {
	Name string `arg:"" optional:"" help:"The experiment to show; without it all are listed."`
	JSON bool   `name:"json" help:"Print the readouts as JSON."`
	remote
}

// trial is an experiment as the gateway shows it.
type trial struct {
	Experiment string    `json:"experiment"`
	AsOf       time.Time `json:"as_of"`
	Readout    struct {
		Starts        time.Time         `json:"starts"`
		Moved         int64             `json:"moved"`
		Stopped       []string          `json:"stopped"` // arms that count no more
		StoppedAt     time.Time         `json:"stopped_at"`
		PlanChangedAt time.Time         `json:"plan_changed_at"`
		Report        experiment.Report `json:"report"`
	} `json:"readout"`
	Arms []armState `json:"arms"`
}

// comparison is one of two tools in a section, as the gateway shows it.
type comparison struct {
	Name       string                `json:"name"`
	Route      string                `json:"route"`
	Section    string                `json:"section"`
	Rival      string                `json:"rival"`
	Preference interleave.Preference `json:"preference"`
}

type armState struct {
	Arm    string    `json:"arm"` // experiment/arm
	Off    bool      `json:"off"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	SetAt  time.Time `json:"set_at"`
}

// Run asks the gateway for the latest readouts.
func (c *experimentsShowCmd) Run(ctx context.Context, p *program) error {
	path := "/v1/experiments"
	if c.Name != "" {
		path += "/" + url.PathEscape(c.Name)
	}
	data, err := c.get(ctx, path)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printIndented(p, data)
	}
	out := sheet(p)
	if c.Name == "" {
		var list struct {
			Experiments []trial      `json:"experiments"`
			Comparisons []comparison `json:"comparisons"`
		}
		if err := json.Unmarshal(data, &list); err != nil {
			return fmt.Errorf("experiments: %w", err)
		}
		out.trials(list.Experiments)
		out.comparisons(list.Comparisons)
	} else {
		var t trial
		if err := json.Unmarshal(data, &t); err != nil {
			return fmt.Errorf("experiment %s: %w", c.Name, err)
		}
		out.trial(t)
	}
	_, err = fmt.Fprintln(p.out, strings.Join(out.lines, "\n"))
	return err
}

// armSwitch are the flags of commands that switch an arm.
type armSwitch struct {
	Arm    string `arg:"" help:"EXPERIMENT/ARM, such as ranker/new."`
	Key    string `name:"operator-key-file" type:"existingfile" required:"" help:"File with a key that may operate." placeholder:"FILE"`
	Reason string `required:"" help:"Why, for those who come after."`
	HTTP   string `name:"http" default:"127.0.0.1:8080" help:"Address of the gateway."`
}

type (
	armStopCmd  struct{ armSwitch }
	armStartCmd struct{ armSwitch }
)

// Run switches the arm off.
func (c *armStopCmd) Run(ctx context.Context, p *program) error { return c.set(ctx, p, true) }

// Run switches the arm on again.
func (c *armStartCmd) Run(ctx context.Context, p *program) error { return c.set(ctx, p, false) }

func (c armSwitch) set(ctx context.Context, p *program, off bool) error {
	body := map[string]any{"arm": c.Arm, "off": off, "reason": c.Reason}
	data, err := remote{HTTP: c.HTTP}.call(ctx, request{http.MethodPost, "/v1/operator/arms", c.Key, body})
	if err != nil {
		return err
	}
	var s armState
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("arm %s: %w", c.Arm, err)
	}
	_, err = fmt.Fprintf(p.out, "%s is %s. Routers follow within a moment.\n", s.Arm, onOff(s.Off))
	return err
}

func onOff(off bool) string {
	if off {
		return "off"
	}
	return "on"
}
