package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/internal/versions"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/dj/host"
)

// stock is the tools that a process serves, which change with the catalogue and the models.
type stock struct {
	in     *infra
	cfg    ToolsConfig
	host   *host.Host
	swaps  *prometheus.CounterVec
	served map[string]*tools.Swappable // by name; read-only once the parts are made

	mu      sync.Mutex // held while the stock changes
	version string     // "" while it is mixed
	day     catalog.Date
}

func newStock(in *infra, cfg ToolsConfig, h *host.Host, c collection) *stock {
	s := &stock{
		in: in, cfg: cfg, host: h, version: c.version, day: catalog.Day(c.catalog.AsOf), served: map[string]*tools.Swappable{},
		swaps: telemetry.Metrics(in.reg, "tools").CounterVec("swaps_total", "Changes of the catalogue or the models behind the tools.", "outcome"),
	}
	s.say(c)
	in.details["tools"] = func() any {
		s.mu.Lock()
		defer s.mu.Unlock()
		return map[string]string{"data": s.version}
	}
	return s
}

// say warns of models that cannot be used.
func (s *stock) say(c collection) {
	if c.doubt != nil {
		s.in.log.Error("recommenders cannot be used; the tools do without", "error", c.doubt)
	}
}

// follow exchanges what is behind the tools whenever the catalogue or the models get a new
// version, and at midnight where the catalogue lives today. What cannot be used is logged
// and counted, and the old goes on.
func (s *stock) follow(c collection) func(context.Context, func()) error {
	return func(ctx context.Context, ready func()) error {
		ready()
		changed := func(versions.Version) error { return s.renew(ctx) }
		failed := func(err error) {
			s.swaps.WithLabelValues("failed").Inc()
			s.in.log.Error("new catalogue or models cannot be used", "error", err)
		}
		var g errgroup.Group
		g.Go(func() error {
			s.cfg.catalogFolder().Follow(ctx, versions.Watch{Known: c.from[0], Every: s.cfg.Follow}, changed, failed)
			return nil
		})
		g.Go(func() error {
			s.cfg.modelsFolder().Follow(ctx, versions.Watch{Known: c.from[1], Every: s.cfg.Follow}, changed, failed)
			return nil
		})
		if !c.catalog.Dated {
			g.Go(func() error { s.daily(ctx, failed); return nil })
		}
		return g.Wait()
	}
}

// daily opens the catalogue anew when a day has begun.
func (s *stock) daily(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.mu.Lock()
			begun := catalog.Day(now.UTC()) != s.day
			s.mu.Unlock()
			if !begun {
				continue
			}
			if err := s.renew(ctx); err != nil {
				failed(err)
			}
		}
	}
}

// renew builds the tools anew and exchanges them one by one. Calls that run end on what
// they began with.
func (s *stock) renew(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := openCollection(s.cfg)
	if err != nil || c.version == s.version {
		return err
	}
	s.say(c)
	all, err := buildTools(c, s.host)
	if err != nil {
		return err
	}
	from := s.version
	s.version = "" // should it stop half way, the next one begins anew
	for _, t := range all {
		if served, ok := s.served[t.Name()]; ok {
			if err := served.Swap(ctx, t, c.version); err != nil {
				return err
			}
		}
	}
	s.version, s.day = c.version, catalog.Day(c.catalog.AsOf)
	s.swaps.WithLabelValues("done").Inc()
	s.in.log.Info("tools serve another catalogue", "from", from, "to", c.version)
	return nil
}
