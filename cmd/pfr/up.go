package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
)

type upCmd struct {
	HTTP    string `name:"http" help:"Address to listen on (default 127.0.0.1:8080)." placeholder:"ADDR"`
	Data    string `help:"Folder that keeps topics and pages; without it they are in memory and gone at the end." placeholder:"DIR"`
	Catalog string `help:"Folder with a catalogue, built or in text form, instead of the sample." placeholder:"DIR"`
	Access  string `help:"File of the API keys and tokens that may use the interface (docs/gateway.md); without it everybody may." placeholder:"FILE"`
	model
}

// Run runs every role on embedded brokers and says when the pipeline answers.
func (c *upCmd) Run(ctx context.Context, p *program) error {
	if err := c.check(); err != nil {
		return err
	}
	set := append(c.overrides(), "embedded.enabled=true")
	for path, value := range map[string]string{"gateway.addr": c.HTTP, "embedded.data_dir": c.Data, "tools.catalog": c.Catalog, "gateway.access.file": c.Access} {
		if value != "" {
			set = append(set, path+"="+value)
		}
	}
	cfg, err := p.settings(set...)
	if err != nil {
		return err
	}
	if cfg.Gateway.OperatorKeyFile == "" {
		cfg.Gateway.OperatorKey = rand.Text()
	}
	begin := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watching sync.WaitGroup
	defer watching.Wait()
	err = app.Run(ctx, cfg, app.Process{Roles: app.Roles(), Started: func(r app.Running) {
		fmt.Fprintf(p.out, "kafka %s, nats %s\n", strings.Join(r.Kafka, ","), r.NATS)
		watching.Go(func() {
			site := "http://" + reachable(r.HTTP)
			slow := time.AfterFunc(slowStart, func() { fmt.Fprintf(p.err, "pfr: still not ready; %s/readyz says why\n", site) })
			defer slow.Stop()
			if err := awaitReady(ctx, site); err != nil {
				cancel(err)
				return
			}
			fmt.Fprintf(p.out, "pfr is ready on http://%s (%.1f s)\n", r.HTTP, time.Since(begin).Seconds())
			if next, err := c.next(r, cfg.Gateway.OperatorKey, self(os.Args)); err == nil {
				fmt.Fprint(p.out, next)
			}
		})
	}}, p.log)
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		return cause // it was up, but no query came through
	}
	return c.startAdvice(err)
}

// slowStart is how long nothing is said of a pipeline that is up and answers no query.
const slowStart = 30 * time.Second

// awaitReady returns when a query has gone all the way through the pipeline.
func awaitReady(ctx context.Context, base string) error {
	client := http.Client{Timeout: time.Second}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
