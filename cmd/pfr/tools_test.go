package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

type cityParams struct {
	City string `param:"city" doc:"where" required:"true"`
	Days int    `param:"days" doc:"from now" min:"1" max:"30"`
}

func TestToolsAreListed(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	brokers, err := inproc.Start(t.Context(), inproc.DefaultConfig(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer brokers.Close()
	list := func(asJSON bool) string {
		var out bytes.Buffer
		c := &toolsCmd{NATS: brokers.NATSURL(), JSON: asJSON, Timeout: 10 * time.Second}
		if err := c.Run(t.Context(), &program{streams: streams{out: &out}, cli: &cli{}, log: quiet}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := list(false); got != "no tool is served\n" {
		t.Errorf("%q", got)
	}

	tool, err := tools.Typed("concerts", tools.Spec{
		Version: "1.4.0", For: "finds concerts", Example: tools.Example{Query: "tonight", Params: schemas.Params{"city": "Rome"}},
	}, func(context.Context, tools.Call[cityParams]) (tools.Result, error) { return tools.Result{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	cfg := app.DefaultConfig()
	cfg.NATS.URL = brokers.NATSURL()
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- app.ServeTool(ctx, cfg, app.ToolProcess{Tool: tools.NewSwappable(tool, "june"), Ready: func() { close(ready) }}, quiet)
	}()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	want := strings.Fields("concerts 1.4.0 june 1 0 of 8 0 0 0 0 0 city*, days")
	if lines := strings.Split(list(false), "\n"); len(lines) != 3 || strings.Join(strings.Fields(lines[1]), " ") != strings.Join(want, " ") {
		t.Errorf("%q", lines)
	}
	var states []app.ToolState
	if err := json.Unmarshal([]byte(list(true)), &states); err != nil || len(states) != 1 || !json.Valid(states[0].Schema) || states[0].For != "finds concerts" {
		t.Errorf("%+v, %v", states, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
