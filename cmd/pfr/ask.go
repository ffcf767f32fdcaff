package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/parallel-fusion/pfr/clients/httpclient"
	"github.com/parallel-fusion/pfr/schemas"
)

type askCmd struct {
	Query    []string      `arg:"" help:"What to search for; several words need no quotes."`
	HTTP     string        `name:"http" default:"127.0.0.1:8080" help:"Address of the gateway."`
	JSON     bool          `name:"json" xor:"form" help:"Print the page as JSON."`
	User     string        `help:"Pseudonymous id of the listener." placeholder:"ID"`
	Market   string        `default:"US" help:"Market, as two letters."`
	Mode     string        `enum:"pre-fusion,post-fusion,search" default:"pre-fusion" help:"Who puts the page together, a route, a language model, or plain search: ${enum}."`
	Deadline time.Duration `help:"When the page must be out, such as 2s (default: the gateway's)." placeholder:"DURATION"`
	Explain  bool          `xor:"form" help:"Say also how the route was decided, and where the time went."`
	All      bool          `help:"Show all items of each section."`
	Verbose  bool          `short:"v" help:"Show also what was left out, and more on each section."`
	Color    string        `enum:"auto,always,never" default:"auto" help:"Colours: ${enum}; auto means on a terminal, unless NO_COLOR is set."`
	KeyFile  string        `name:"api-key-file" type:"existingfile" help:"File with the API key, where the gateway wants one." placeholder:"FILE"`
}

// askTimeout is longer than a gateway waits for a page.
const askTimeout = 35 * time.Second

// patience is how long a person waits for the next attempt without being told.
const patience = 2 * time.Second

// Run asks one query over HTTP and draws the page.
func (c *askCmd) Run(ctx context.Context, p *program) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout+c.Deadline)
	defer cancel()
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	if err := c.ask(ctx, p, client); err != nil {
		return advice(err, c.HTTP)
	}
	return nil
}

func (c *askCmd) client() (*httpclient.Client, error) {
	cfg := httpclient.DefaultConfig()
	cfg.Addr, cfg.MaxBackoff = c.HTTP, patience
	if c.KeyFile != "" {
		key, err := os.ReadFile(c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("API key: %w", err)
		}
		cfg.APIKey = strings.TrimSpace(string(key))
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return httpclient.New(cfg, nil)
}

func (c *askCmd) request() httpclient.Request {
	r := httpclient.Request{Query: c.query(), Market: c.Market, Platform: "terminal", Mode: schemas.Mode(c.Mode), Deadline: c.Deadline}
	if c.User != "" {
		r.User = &schemas.User{ID: c.User}
	}
	return r
}

func (c *askCmd) ask(ctx context.Context, p *program, client *httpclient.Client) error {
	if c.JSON {
		page, err := client.Search(ctx, c.request())
		if err != nil {
			return err
		}
		return c.printJSON(p, page)
	}
	size, tty := terminal(p)
	v := view{width: size.columns, color: c.coloured(tty, p.env), all: c.All, verbose: c.Verbose, links: base(c.HTTP)}
	draft := &draft{query: c.query()}
	live := &live{out: p.out, rows: size.rows, on: tty}
	for e, err := range client.Stream(ctx, c.request()) {
		if err != nil {
			live.clear()
			return err
		}
		draft.add(e)
		if e.Page == nil {
			live.show(v.page(draft.page()))
		}
	}
	live.clear()
	return c.finish(ctx, p, client, shown{v, draft.page()})
}

// shown is a finished page and how it is shown.
type shown struct {
	view view
	page schemas.SERP
}

// finish draws the page for good, and explains it if that is wanted. The page is there also
// when its explanation is not.
func (c *askCmd) finish(ctx context.Context, p *program, client *httpclient.Client, s shown) error {
	if _, err := fmt.Fprintln(p.out, strings.Join(s.view.page(s.page), "\n")); err != nil || !c.Explain {
		return err
	}
	trace, err := explanation(ctx, client, s.page.CorrelationID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, strings.Join(s.view.explain(trace), "\n"))
	return err
}

// explanation returns the trace of a page that has just come out. The gateway's archive may
// be a moment behind.
func explanation(ctx context.Context, client *httpclient.Client, id string) (httpclient.Explanation, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		trace, err := client.Explain(ctx, id)
		p, missing := errors.AsType[*httpclient.Problem](err)
		missing = missing && p.Status == http.StatusNotFound || err == nil && (trace.Page == nil || trace.Decision == nil)
		if !missing || n == 40 {
			return trace, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return trace, ctx.Err()
		}
	}
}

// printJSON prints the page as the gateway sent it, indented.
func (c *askCmd) printJSON(p *program, page httpclient.Page) error {
	var indented bytes.Buffer
	if err := json.Indent(&indented, page.JSON, "", "  "); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	_, err := fmt.Fprintln(p.out, indented.String())
	return err
}

// base accepts an address with or without a scheme.
func base(addr string) string {
	if strings.Contains(addr, "://") {
		return strings.TrimSuffix(addr, "/")
	}
	return "http://" + addr
}

func (c *askCmd) query() string { return strings.Join(c.Query, " ") }

// coloured says whether to use them (https://no-color.org).
func (c *askCmd) coloured(tty bool, env []string) bool {
	switch c.Color {
	case "always":
		return true
	case "never":
		return false
	}
	return tty && variable(env, "NO_COLOR") == "" && variable(env, "TERM") != "dumb"
}

// variable returns the value of an environment variable, or "".
func variable(env []string, name string) string {
	for _, e := range env {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// size is that of a terminal, in cells.
type size struct{ columns, rows int }

// terminal returns the size of what is written to, and whether it is a terminal at all.
func terminal(p *program) (size, bool) {
	if f, ok := p.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return size{columns, rows}, variable(p.env, "TERM") != "dumb"
		}
	}
	if columns, err := strconv.Atoi(variable(p.env, "COLUMNS")); err == nil && columns > 0 {
		return size{columns, 0}, false
	}
	return size{columns: 80}, false
}
