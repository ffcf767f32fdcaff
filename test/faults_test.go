package e2e

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/schemas"
)

// allButDJ are the tools that run as they are; the test plays the DJ.
const allButDJ = "tools.only=[search, similar_artists, personalized_recs, new_releases, release_info, podcast_search]"

// One tool hangs, dies or talks nonsense: the page comes in time, the other sections are
// whole, and the bad one says what happened.
func TestOneBadTool(t *testing.T) {
	kafka, nats := embedded(t)
	p := &pipeline{kafka: kafka, nats: nats}
	for _, role := range []string{"consumers", "fusion", "router"} {
		p.run(t, role)
	}
	p.run(t, "tools", "--set", allButDJ)
	gateway := startPFR(t, "run", "gateway", "--http", "127.0.0.1:0", "--kafka", kafka, "--nats", nats, "--set", "pages.path="+t.TempDir()+"/pages.db")
	p.http = gateway.await(t, "pfr runs gateway on ")
	p.awaitReady(t)

	for name, c := range map[string]struct {
		handler rpc.Handler // nil: nobody serves the tool
		want    schemas.SectionStatus
	}{
		"is not there": {nil, schemas.SectionNoResponder},
		"hangs": {func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, schemas.SectionTimeout},
		"fails":          {func(context.Context, []byte) ([]byte, error) { return nil, errors.New("out of records") }, schemas.SectionError},
		"panics":         {func(context.Context, []byte) ([]byte, error) { panic("scratched") }, schemas.SectionError},
		"is overloaded":  {func(context.Context, []byte) ([]byte, error) { return nil, rpc.Errorf(rpc.CodeOverloaded, "full") }, schemas.SectionShed},
		"sends garbage":  {answer("<html>502 Bad Gateway</html>"), schemas.SectionInvalid},
		"sends nothing":  {answer(""), schemas.SectionInvalid},
		"sends no items": {answer(`{"schema_version":"1.0","correlation_id":"01890a5d-ac96-774b-bcce-b302099a8057","section":"mix","items":[]}`), schemas.SectionInvalid},
	} {
		t.Run("the DJ "+name, func(t *testing.T) {
			serveDJ(t, nats, c.handler)
			start := time.Now()
			page := p.search(t, "italian 80s disco nostalgia")
			took := time.Since(start)
			if page.Route.Name != "personalized_recs" || len(page.Sections) != 3 {
				t.Fatal(outline(page))
			}
			if got := page.Sections[2]; got.Tool != "dj" || got.Status != c.want || len(got.Items) != 0 || got.Reason == "" {
				t.Errorf("mix: %s %q, %d items", got.Status, got.Reason, len(got.Items))
			}
			if page.Status != schemas.SERPPartial || page.Sections[0].Status != schemas.SectionOK || page.Sections[1].Status != schemas.SectionOK {
				t.Error(outline(page))
			}
			if took > 5*time.Second { // the query's deadline
				t.Errorf("the page took %v", took)
			}
		})
	}
}

func answer(s string) rpc.Handler {
	return func(context.Context, []byte) ([]byte, error) { return []byte(s), nil }
}

// serveDJ serves the tool with handler until the test ends.
func serveDJ(t *testing.T, nats string, handler rpc.Handler) {
	t.Helper()
	if handler == nil {
		return
	}
	cfg := rpc.DefaultConfig()
	cfg.URL, cfg.Name = nats, "bad-dj"
	conn, err := rpc.Dial(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	service := rpc.DefaultServiceConfig()
	service.Name, service.Subject = "dj", schemas.ToolSubject("dj")
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- conn.Serve(ctx, service, handler, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	})
}

// The workers of three roles die by SIGKILL: others take over.
func TestKilledWorkersAreReplaced(t *testing.T) {
	kafka, nats := embedded(t)
	p := roles(t, kafka, nats)
	for i, role := range []string{"consumers", "fusion", "tools", "router"} {
		if role == "consumers" {
			continue
		}
		p.procs[i].kill(t)
		p.procs[i] = p.run(t, role)
	}
	eventually(t, "a page after fusion, tools and router were killed", func() bool {
		page, err := p.trySearch(t.Context(), map[string]any{"query": "artists similar to khruangbin", "deadline_ms": 1000})
		return err == nil && page.Status == schemas.SERPComplete
	})
}
