package e2e

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// shop is everything that another domain needs of its own: a model and tools.
type shop struct{ pages []schemas.SERP }

func (*shop) Version() string { return "shop-1" }

func (*shop) Guess(text string) router.Guess {
	if text == "gifts for gardeners under 30 euros" {
		return router.Guess{Route: "browse", Params: schemas.Params{"category": "garden", "max_price": 30}, Confidence: 0.9}
	}
	return router.Guess{Route: "lookup", Confidence: 0.9}
}

func (*shop) Call(_ context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
	return schemas.ToolResponse{
		SchemaVersion: schemas.Version, CorrelationID: req.CorrelationID, Section: req.Section,
		Items: []schemas.Item{{ID: "product:" + req.Tool + "-1", Type: "product", Title: "Trowel"}},
	}, nil
}

func (*shop) Send(context.Context, schemas.Progress) {}

// shopPages publishes to the shop itself.
type shopPages struct{ *shop }

func (s shopPages) Publish(_ context.Context, p schemas.SERP) error {
	s.pages = append(s.pages, p)
	return p.Validate()
}

// next hands decisions straight to the aggregator.
type next func(ctx context.Context, d schemas.RouteDecision) error

func (n next) Publish(ctx context.Context, d schemas.RouteDecision) error { return n(ctx, d) }

// Another domain runs on the same router and aggregator with nothing but its manifest,
// its model and its tools.
func TestAnotherDomain(t *testing.T) {
	data, err := os.ReadFile("../schemas/routes/testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := routes.Parse("shop.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	var s shop
	log := slog.New(slog.DiscardHandler)
	agg, err := fusion.New(fusion.DefaultConfig(), fusion.Ports{Tools: &s, Pages: shopPages{&s}, Feed: &s}, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer agg.Close()
	r, err := router.New(router.DefaultConfig(), manifest, router.Ports{Student: &s}, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stage := r.Stage(next(agg.Handle), nil)
	for i, text := range []string{"gifts for gardeners under 30 euros", "cast iron pan 26 cm"} {
		q := anyQuery(t, i)
		q.Text, q.Deadline = text, time.Now().Add(time.Minute)
		if err := stage(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"browse complete: guide guide ok, products catalogue ok", "lookup complete: products catalogue ok"}
	for i, page := range s.pages {
		if outline(page) != want[i] {
			t.Errorf("got  %s\nwant %s", outline(page), want[i])
		}
	}
	if len(s.pages) != 2 {
		t.Errorf("%d pages", len(s.pages))
	}
}
