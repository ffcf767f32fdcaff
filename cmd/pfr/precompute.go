package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/producers/precompute"
	"github.com/parallel-fusion/pfr/schemas"
)

type precomputeCmd struct {
	Run      precomputeRunCmd      `cmd:"" default:"withargs" help:"Decide popular queries ahead of time (the default)."`
	List     precomputeListCmd     `cmd:"" help:"List what is decided ahead of time."`
	Withdraw precomputeWithdrawCmd `cmd:"" help:"Withdraw what is decided ahead of time for queries."`
}

// precomputing are the flags of commands that work on decisions made ahead of time.
type precomputing struct {
	model
	brokers
	Catalog  string        `placeholder:"DIR" help:"Folder with the catalogue that the routers have, instead of the sample."`
	Market   string        `default:"US" help:"Market whose limits the language model's work counts against."`
	Patience time.Duration `default:"2m" help:"How long to wait for a language model that cannot be asked."`
}

func (c precomputing) open(p *program) (*app.Precomputer, error) {
	set := append(c.model.overrides(), c.brokers.overrides()...)
	if c.Catalog != "" {
		set = append(set, "tools.catalog="+c.Catalog)
	}
	cfg, err := p.settings(set...)
	if err != nil {
		return nil, err
	}
	return app.NewPrecomputer(cfg, c.Market, p.log)
}

type precomputeRunCmd struct {
	precomputing
	counting
	FromFile      string        `placeholder:"FILE" help:"One query a line, if known with a tab and its count; - is the standard input. Without it: from the topics of queries and interactions."`
	Top           int           `default:"10000" help:"Queries to take up, the heaviest; 0 for all."`
	Tier          string        `enum:"student,llm" default:"student" help:"Who decides: ${enum}."`
	Gate          string        `enum:"none,confidence,agree" default:"confidence" help:"What a decision must be: ${enum}. The last wants the student to agree with the language model, or to be less sure."`
	MinConfidence float64       `default:"0.7" help:"Least confidence for the gate."`
	MaxUSD        float64       `name:"max-usd" default:"1" help:"What the run may spend."`
	Concurrency   int           `default:"4" help:"Queries in hand at a time."`
	TTL           time.Duration `name:"ttl" default:"168h" help:"How long routers take a decision."`
	Journal       string        `placeholder:"FILE" help:"Remember refused queries in FILE and do not pay for them again."`
	WithdrawStale bool          `help:"Only withdraw entries that no router takes."`
	KeepStale     bool          `help:"Leave entries that no router takes where they are."`
	DryRun        bool          `help:"Ask nobody, publish and withdraw nothing."`
	Verdicts      int           `default:"20" help:"How many refused and failed queries to list."`
	JSON          bool          `name:"json" help:"The report as JSON."`
}

func (c *precomputeRunCmd) config() precompute.Config {
	cfg := precompute.DefaultConfig()
	cfg.Tier, cfg.Top, cfg.TTL, cfg.Gate = schemas.Source(c.Tier), c.Top, c.TTL, precompute.Gate(c.Gate)
	cfg.MinConfidence, cfg.MaxUSD, cfg.Concurrency, cfg.Patience = c.MinConfidence, c.MaxUSD, c.Concurrency, c.Patience
	cfg.KeepStale, cfg.DryRun = c.KeepStale, c.DryRun
	return cfg
}

// Run takes popular queries through a tier and prints what came of it.
func (c *precomputeRunCmd) Run(ctx context.Context, p *program) (err error) {
	pre, err := c.open(p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pre.Close()) }()
	var journal precompute.Journal
	if c.Journal != "" {
		file, err := precompute.OpenJournal(c.Journal)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		journal = file
	}
	if err := pre.Probe(ctx, c.Patience); err != nil {
		return err
	}
	batch, err := pre.Batch(c.config(), journal)
	if err != nil {
		return err
	}
	if c.WithdrawStale {
		n, err := batch.WithdrawStale(ctx)
		if err == nil {
			fmt.Fprintf(p.out, "%d withdrawn\n", n)
		}
		return err
	}
	demand, err := c.demand(ctx, p, pre)
	if err != nil {
		return err
	}
	report, err := batch.Run(ctx, demand)
	return errors.Join(err, c.print(p, report))
}

func (c *precomputeRunCmd) print(p *program, report precompute.Report) error {
	if !c.JSON {
		return report.Write(p.out, c.Verdicts)
	}
	out := json.NewEncoder(p.out)
	out.SetIndent("", "  ")
	return out.Encode(report)
}

// demand returns what is asked, from the file or the topics.
func (c *precomputeRunCmd) demand(ctx context.Context, p *program, pre *app.Precomputer) (precompute.Demand, error) {
	switch c.FromFile {
	case "":
		return pre.Demand(ctx, c.counting.config())
	case "-":
		return precompute.ReadDemand(p.in, app.Normalise)
	}
	f, err := os.Open(c.FromFile)
	if err != nil {
		return precompute.Demand{}, err
	}
	defer f.Close()
	demand, err := precompute.ReadDemand(f, app.Normalise)
	if err != nil {
		return demand, fmt.Errorf("%s:\n%w", c.FromFile, err)
	}
	return demand, nil
}

type precomputeListCmd struct {
	precomputing
	JSON bool `name:"json" help:"JSON lines."`
}

// listed is one line of the list.
type listed struct {
	precompute.Entry
	State precompute.State `json:"state"`
}

// Run lists every entry with its state for routers of these settings.
func (c *precomputeListCmd) Run(ctx context.Context, p *program) (err error) {
	pre, err := c.open(p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pre.Close()) }()
	if err := pre.Probe(ctx, c.Patience); err != nil {
		return err
	}
	entries, err := pre.Entries(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b precompute.Entry) int {
		return cmp.Or(cmp.Compare(a.Query, b.Query), cmp.Compare(a.Key, b.Key))
	})
	now, versions := time.Now(), pre.Versions()
	out := json.NewEncoder(p.out)
	out.SetEscapeHTML(false)
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(w, "QUERY\tROUTE\tSOURCE\tCONFIDENCE\tAGE\tEXPIRES IN\tSTATE")
	}
	for _, e := range entries {
		state := e.State(versions, now)
		if c.JSON {
			if err := out.Encode(listed{e, state}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%v\t%v\t%s\n", e.Query, e.Route, e.Source, e.Confidence,
			now.Sub(e.ComputedAt).Round(time.Second), e.ExpiresAt.Sub(now).Round(time.Second), state)
	}
	return w.Flush()
}

type precomputeWithdrawCmd struct {
	precomputing
	Query []string `arg:"" help:"Texts of the queries."`
}

// Run withdraws every entry of the queries, of whatever version. A query without one is an
// error.
func (c *precomputeWithdrawCmd) Run(ctx context.Context, p *program) (err error) {
	pre, err := c.open(p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pre.Close()) }()
	for _, text := range c.Query {
		n, err := pre.WithdrawQuery(ctx, text)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("nothing is decided ahead of time for %q", text)
		}
		fmt.Fprintf(p.out, "withdrawn: %s\n", text)
	}
	return nil
}

// counting are the flags of commands that count popular queries.
type counting struct {
	MinClients int           `default:"3" help:"Distinct clients that must have asked a query before it is popular: what fewer asked is not shown and not published."`
	Window     time.Duration `default:"24h" help:"How far back queries are counted."`
}

// config returns the settings of the count: a window slides by its 24th part.
func (c counting) config() popular.Config {
	cfg := popular.DefaultConfig()
	cfg.MinClients, cfg.Window, cfg.Step = c.MinClients, c.Window, max(c.Window/24, time.Minute)
	return cfg
}
