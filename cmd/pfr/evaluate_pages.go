package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/serps"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/config"
	"github.com/parallel-fusion/pfr/schemas"
)

// provenance returns what pages of this command are of.
func (c *evaluateSERPsCmd) provenance(p *program, about serps.About) (serps.Provenance, error) {
	pipeline := append(c.overrides(), cmp.Or(c.Catalog, "the sample catalogue"))
	cfg, err := p.settings()
	if err != nil {
		return serps.Provenance{}, err
	}
	defaults := app.DefaultConfig()
	cfg.Router.LLM.Prices, defaults.Router.LLM.Prices = nil, nil // they are those of judges too, and change no page
	own, err := config.Redacted(cfg)
	if err != nil {
		return serps.Provenance{}, err
	}
	usual, err := config.Redacted(defaults)
	if err != nil {
		return serps.Provenance{}, err
	}
	if own != usual {
		sum := sha256.Sum256([]byte(own))
		pipeline = append(pipeline, "settings "+hex.EncodeToString(sum[:4]))
	}
	return serps.Provenance{
		Candidate: about.Candidate, Baseline: about.Baseline, TestSet: about.TestSet, Today: about.Today, Pipeline: strings.Join(pipeline, ", "),
	}, nil
}

// pages reads the pages that are in the folder, or makes them.
func (c *evaluateSERPsCmd) pages(ctx context.Context, p *program, cases []testset.Case, of serps.Provenance) ([]serps.Pages, error) {
	file := filepath.Join(c.Out, "pages.jsonl")
	if f, err := os.Open(file); err == nil && !c.Fresh {
		defer f.Close()
		had, pages, err := serps.ReadPages(f)
		if err == nil {
			err = had.Differs(of)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w\ntake another --out, or --fresh to make the pages anew", file, err)
		}
		return pages, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	pages, err := c.collect(ctx, p, cases, of.Today)
	if err != nil {
		return nil, err
	}
	return pages, writeFile(file, func(w io.Writer) error { return serps.WritePages(w, of, pages) })
}

func (c *evaluateSERPsCmd) collect(ctx context.Context, p *program, cases []testset.Case, today string) (pages []serps.Pages, err error) {
	set := c.overrides()
	if len(c.Kafka) == 0 && c.NATS == "" {
		set = append(set, "embedded.enabled=true")
	}
	if c.Catalog != "" {
		set = append(set, "tools.catalog="+c.Catalog)
	}
	cfg, err := p.settings(set...)
	if err != nil {
		return nil, err
	}
	bar := &progress{out: p.err}
	defer bar.end()
	collection := serps.DefaultCollection()
	collection.Today = today
	collection.Progress = func(done, of int) { bar.show("pages", int64(done), int64(of)) }
	err = app.WithPipeline(ctx, cfg, p.log, func(ctx context.Context, client *app.Client) error {
		candidate := app.NewPageSystem(system(c.Candidate), schemas.Mode(c.Candidate), client, c.Deadline)
		baseline := app.NewPageSystem(system(c.Baseline), schemas.Mode(c.Baseline), client, c.Deadline)
		pages, err = serps.Collect(ctx, collection, candidate, baseline, cases)
		return err
	})
	return pages, err
}
