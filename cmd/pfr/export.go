package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/schemas"
)

type exportCmd struct {
	Parquet exportParquetCmd `cmd:"" help:"Pages and interactions as Parquet files, for DuckDB and others (docs/analytics/duckdb.md)."`
}

type exportParquetCmd struct {
	Out      string `required:"" help:"Folder of the files; it is made when absent, and continued when there." placeholder:"DIR"`
	Follow   bool   `help:"Go on when the end of the topics is reached."`
	SaltFile string `name:"salt-file" help:"File with the salt that pages are made with: DIR/salt of 'pfr up --data DIR'. Without it events carry no client." placeholder:"FILE"`
	brokers
}

// Run exports what the topics hold.
func (c *exportParquetCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(saltOverride(c.overrides(), c.SaltFile)...)
	if err != nil {
		return err
	}
	cfg.Consumers.Export.Dir = c.Out
	if cfg.Privacy.SaltFile == "" {
		fmt.Fprintln(p.err, "pfr: without --salt-file events carry no client; pages do, and so everything that is counted by search is there. 'pfr up --data DIR' keeps the salt in DIR/salt, without --data there is none")
	}
	admin, err := app.NewAdmin(cfg, p.log)
	if err != nil {
		return err
	}
	defer admin.Close()
	lines := &exportProgress{out: p.err, said: time.Now(), read: map[string]int64{}, total: map[string]int64{}}
	err = admin.Export(ctx, app.ExportOptions{Follow: c.Follow, Progress: lines.show})
	if err != nil {
		return err
	}
	lines.end()
	fmt.Fprintf(p.out, "%s: %d pages and %d events were added\n", c.Out, lines.read[schemas.TopicSERPs], lines.read[schemas.TopicInteractions])
	return nil
}

// saltOverride adds the flag of the salt to those of a command.
func saltOverride(set []string, file string) []string {
	if file != "" {
		set = append(set, "privacy.salt_file="+file)
	}
	return set
}

// exportProgress says from time to time how far both topics were read.
type exportProgress struct {
	out io.Writer

	mu          sync.Mutex
	read, total map[string]int64
	said        time.Time
}

// progressEvery is how often a line is written.
const progressEvery = 2 * time.Second

func (e *exportProgress) show(topic string, read, total int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.read[topic], e.total[topic] = read, total
	if now := time.Now(); now.Sub(e.said) >= progressEvery {
		e.said = now
		e.line()
	}
}

// end says how far it came.
func (e *exportProgress) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.line()
}

func (e *exportProgress) line() {
	fmt.Fprintf(e.out, "pfr: %d of %d pages, %d of %d events\n", e.read[schemas.TopicSERPs], e.total[schemas.TopicSERPs], e.read[schemas.TopicInteractions], e.total[schemas.TopicInteractions])
}
