package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/producers/loadgen"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

type benchCmd struct {
	HTTP     string        `name:"http" default:"127.0.0.1:8080" help:"Address of the gateway."`
	Rate     float64       `default:"200" help:"Queries a second."`
	Duration time.Duration `default:"30s" help:"How long queries arrive."`
	Seed     uint64        `default:"1" help:"Seed of arrivals and queries."`
	Queries  string        `type:"existingfile" help:"File with one query a line; the examples of the manifest without it."`
	Cold     bool          `help:"Do not send each query once before the run."`
}

// Run puts an open-loop load on a gateway and prints the report. Losing a query fails.
func (c *benchCmd) Run(ctx context.Context, p *program) error {
	queries, err := c.queries()
	if err != nil {
		return err
	}
	target := c.target()
	if !c.Cold {
		for _, q := range queries {
			if _, err := target(ctx, q); err != nil {
				return fmt.Errorf("warm up %q: %w", q, err)
			}
		}
	}
	cfg := loadgen.DefaultConfig()
	cfg.Rate, cfg.Duration, cfg.Seed = c.Rate, c.Duration, c.Seed
	report, err := loadgen.Run(ctx, cfg, queries, target)
	fmt.Fprint(p.out, report)
	if err == nil && report.Lost > 0 {
		err = fmt.Errorf("%d queries were lost", report.Lost)
	}
	return err
}

func (c *benchCmd) queries() ([]string, error) {
	if c.Queries == "" {
		return exampleQueries()
	}
	data, err := os.ReadFile(c.Queries)
	if err != nil {
		return nil, err
	}
	var queries []string
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		if q := strings.TrimSpace(lines.Text()); q != "" {
			queries = append(queries, q)
		}
	}
	return queries, lines.Err()
}

func exampleQueries() ([]string, error) {
	m, err := routes.Music()
	if err != nil {
		return nil, err
	}
	var queries []string
	for _, r := range m.Routes {
		queries = append(queries, r.Examples...)
	}
	return queries, nil
}

// target searches over HTTP with connections of its own.
func (c *benchCmd) target() loadgen.Target {
	transport := &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512}
	client := &http.Client{Transport: transport}
	url := base(c.HTTP) + "/v1/search"
	return func(ctx context.Context, query string) (string, error) {
		payload, err := json.Marshal(map[string]string{"query": query, "client_id": "pfr-bench"})
		if err != nil {
			return "", err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			return "", plain(err)
		}
		defer resp.Body.Close()
		var page struct{ Status string }
		err = json.NewDecoder(resp.Body).Decode(&page)
		if resp.StatusCode != http.StatusOK {
			return "", fmt.Errorf("status %d", resp.StatusCode)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
		return page.Status, err
	}
}

// plain drops the address from an HTTP error, so that equal errors have equal texts.
func plain(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}
