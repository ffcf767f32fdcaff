package app

import (
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/internal/supervise"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/dj/host"
	"github.com/parallel-fusion/pfr/tool-workers/newreleases"
	"github.com/parallel-fusion/pfr/tool-workers/podcasts"
	"github.com/parallel-fusion/pfr/tool-workers/recs"
	"github.com/parallel-fusion/pfr/tool-workers/releaseinfo"
	"github.com/parallel-fusion/pfr/tool-workers/search"
	"github.com/parallel-fusion/pfr/tool-workers/similarartists"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// toolBuilders lists every tool there is over a catalogue. A new tool is one line here.
func toolBuilders(c collection, h *host.Host) []func(*taste.Finder) (tools.Tool, error) {
	return []func(*taste.Finder) (tools.Tool, error){
		c.search,
		similarartists.New,
		recs.New,
		newreleases.New,
		releaseinfo.New,
		podcasts.New,
		func(f *taste.Finder) (tools.Tool, error) { return dj.New(f, h) },
	}
}

// search returns the tool with the index that was built beside the catalogue, or builds
// one.
func (c collection) search(f *taste.Finder) (tools.Tool, error) {
	if c.index == "" {
		return search.New(f)
	}
	return search.Open(f, c.index)
}

// buildTools builds every tool at once: each makes its own indexes.
func buildTools(c collection, h *host.Host) ([]tools.Tool, error) {
	builders := toolBuilders(c, h)
	built := make([]tools.Tool, len(builders))
	var g errgroup.Group
	for i, build := range builders {
		g.Go(func() (err error) {
			if built[i], err = build(c.finder); err != nil {
				return fmt.Errorf("build tool %d: %w", i, err)
			}
			return nil
		})
	}
	return built, g.Wait()
}

// toolsParts serves each tool on its NATS subject as a service of its own, over the current
// version of the catalogue.
func toolsParts(in *infra, cfg Config, know knowledge) ([]supervise.Part, error) {
	c, err := know.collection()
	if err != nil {
		return nil, err
	}
	h, parts, err := newHost(in, cfg)
	if err != nil {
		return nil, err
	}
	s := newStock(in, cfg.Tools, h, c)
	all, err := buildTools(c, h)
	if err != nil {
		return nil, err
	}
	results, err := tools.NewResults(cfg.Tools.Results, in.log, in.reg)
	if err != nil {
		return nil, fmt.Errorf("tool results: %w", err)
	}
	in.closers = append(in.closers, results.Close)
	for _, t := range all {
		if !cfg.Tools.serves(t.Name()) {
			continue
		}
		served := tools.NewSwappable(t, c.version)
		s.served[t.Name()] = served
		w := tools.NewWorker(served, c.version, in.log, in.reg, tools.WithResults(results))
		parts = append(parts, supervise.Part{Name: "tools/" + t.Name(), Run: toolPart(in.conn, toolService(cfg.Tools, served, c.version), w)})
	}
	if err := cfg.Tools.Extra.apart(all); err != nil {
		return nil, fmt.Errorf("tools: %w", err)
	}
	extra, err := extraParts(in, cfg.Tools, cfg.Tools.Extra, tools.WithResults(results))
	if err != nil {
		return nil, err
	}
	parts = append(parts, extra...)
	if want := len(cfg.Tools.Only); want > 0 && len(s.served)+len(extra) != want {
		return nil, fmt.Errorf("tools.only: %v: some of them are no tools", cfg.Tools.Only)
	}
	if cfg.Tools.Catalog != "" {
		parts = append(parts, supervise.Part{Name: "tools/catalogue", Run: s.follow(c)})
	}
	return parts, nil
}
