package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/schemas"
)

type routeCmd struct {
	model
	deciding
	JSON bool   `name:"json" help:"JSON lines (the default; the flag is there to be explicit)."`
	File string `arg:"" optional:"" default:"-" help:"File with one query a line; - is the standard input."`
}

// maxLine is the longest line of a file, in bytes.
const maxLine = 1 << 20

// routed is one line of the output.
type routed struct {
	Query      string         `json:"query"`
	Route      string         `json:"route,omitempty"`
	Params     schemas.Params `json:"params"`
	Source     schemas.Source `json:"source,omitempty"`
	Confidence float64        `json:"confidence"`
	Calls      []schemas.Call `json:"calls,omitempty"`

	Degraded     bool                  `json:"degraded,omitempty"`
	Alternatives []schemas.Alternative `json:"alternatives,omitempty"`
	Tiers        []schemas.Tier        `json:"tiers,omitempty"`
	Cost         float64               `json:"cost_usd,omitempty"`
	TookMS       float64               `json:"took_ms,omitempty"`

	Error string `json:"error,omitempty"` // set when the query cannot be searched for
}

// Run decides a route for every line. A line that gets none, because it is no query or its
// tier had no answer, becomes an error line, and the command fails at the end.
func (c *routeCmd) Run(ctx context.Context, p *program) error {
	in, closeIn, err := c.open(p.in)
	if err != nil {
		return err
	}
	defer closeIn()
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	decider, err := app.NewDecider(cfg, p.log)
	if err != nil {
		return err
	}
	defer decider.Close()

	out := json.NewEncoder(p.out)
	out.SetEscapeHTML(false)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	bad := 0
	for lines.Scan() {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")) // a byte order mark is no text
		if text == "" {
			continue
		}
		line := routed{Query: text}
		if err := schemas.CheckText(text); err != nil {
			line.Error = err.Error()
			bad++
		} else if d, err := c.decide(ctx, decider, text); err != nil {
			line.Error = err.Error()
			bad++
		} else {
			line.decided(d)
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	if bad > 0 {
		err = fmt.Errorf("%d lines have no route", bad)
	}
	return errors.Join(lines.Err(), err)
}

// deciding are the flags of commands that decide without brokers.
type deciding struct {
	Tier   string `enum:"all,student,llm" default:"all" help:"Which tier decides, by itself: ${enum}."`
	Market string `default:"US" help:"Market of the queries."`
}

func (c deciding) decide(ctx context.Context, decider *app.Decider, text string) (schemas.Decision, error) {
	q := schemas.PublicQuery{Text: text, Market: c.Market}
	if c.Tier == "all" {
		return decider.Decide(ctx, q), nil
	}
	return decider.Through(ctx, schemas.Source(c.Tier), q)
}

func (r *routed) decided(d schemas.Decision) {
	r.Route, r.Params, r.Source, r.Confidence, r.Calls = d.Route, d.Params, d.Source, d.Confidence, d.Calls
	r.Degraded, r.Alternatives, r.Tiers, r.Cost, r.TookMS = d.Degraded, d.Alternatives, d.Tiers, d.Cost, d.TookMS
}

func (c *routeCmd) open(stdin io.Reader) (io.Reader, func(), error) {
	if c.File == "-" {
		return stdin, func() {}, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { _ = f.Close() }, nil
}
