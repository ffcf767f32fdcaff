package app

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/newreleases"
	"github.com/parallel-fusion/pfr/tool-workers/podcasts"
	"github.com/parallel-fusion/pfr/tool-workers/recs"
	"github.com/parallel-fusion/pfr/tool-workers/releaseinfo"
	"github.com/parallel-fusion/pfr/tool-workers/search"
	"github.com/parallel-fusion/pfr/tool-workers/similarartists"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// toolBuilders lists every tool there is. A new tool is one line here.
func toolBuilders() []func(*taste.Finder) (tools.Tool, error) {
	return []func(*taste.Finder) (tools.Tool, error){
		func(f *taste.Finder) (tools.Tool, error) { return search.New(f) },
		func(f *taste.Finder) (tools.Tool, error) { return similarartists.New(f) },
		func(f *taste.Finder) (tools.Tool, error) { return recs.New(f) },
		func(f *taste.Finder) (tools.Tool, error) { return newreleases.New(f) },
		func(f *taste.Finder) (tools.Tool, error) { return releaseinfo.New(f) },
		func(f *taste.Finder) (tools.Tool, error) { return podcasts.New(f) },
		func(f *taste.Finder) (tools.Tool, error) { return dj.New(f) },
	}
}

// toolsParts serves each tool on its NATS subject as a service of its own.
func toolsParts(in *infra, cfg Config, know knowledge) ([]supervise.Part, error) {
	c, err := know.catalog()
	if err != nil {
		return nil, err
	}
	all, err := buildTools(c)
	if err != nil {
		return nil, err
	}
	var parts []supervise.Part
	for _, t := range all {
		if len(cfg.Tools.Only) > 0 && !slices.Contains(cfg.Tools.Only, t.Name()) {
			continue
		}
		service := rpc.DefaultServiceConfig()
		service.Name, service.Subject = t.Name(), schemas.ToolSubject(t.Name())
		service.Description = "pfr tool"
		service.Metadata = map[string]string{"catalogue": c.Version}
		service.Workers, service.Backlog = cfg.Tools.Workers, cfg.Tools.Backlog
		handle := toolHandler(tools.NewWorker(t, c.Version, in.log, in.reg))
		parts = append(parts, supervise.Part{Name: "tools/" + t.Name(), Run: func(ctx context.Context, ready func()) error {
			return in.conn.Serve(ctx, service, handle, ready)
		}})
	}
	if want := len(cfg.Tools.Only); want > 0 && len(parts) != want {
		return nil, fmt.Errorf("tools.only: %v: some of them are no tools", cfg.Tools.Only)
	}
	return parts, nil
}

// buildTools builds every tool at once: each makes its own indexes.
func buildTools(c *catalog.Catalog) ([]tools.Tool, error) {
	finder, err := taste.NewFinder(c, taste.NewInvented(c))
	if err != nil {
		return nil, fmt.Errorf("build tools: %w", err)
	}
	builders := toolBuilders()
	built := make([]tools.Tool, len(builders))
	var g errgroup.Group
	for i, build := range builders {
		g.Go(func() (err error) {
			if built[i], err = build(finder); err != nil {
				return fmt.Errorf("build tool %d: %w", i, err)
			}
			return nil
		})
	}
	return built, g.Wait()
}
