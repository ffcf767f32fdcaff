package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
)

// A Go frontend without a gateway: publish, await, read the pages back.
func TestGoClient(t *testing.T) {
	p := up(t, "")
	cfg := pfr.Config{Kafka: []string{p.kafka}, NATS: p.nats, Name: "frontend"}
	c, err := pfr.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Search(t.Context(), producers.Request{Text: "artists similar to Khruangbin", Deadline: 5 * time.Second})
	if err != nil || page.Route.Name != "similar_artists" || page.Status != schemas.SERPComplete {
		t.Fatal(outline(page), err)
	}

	click := schemas.Interaction{ActionName: schemas.ActionClick, QueryID: page.CorrelationID, ClientID: "c", SectionID: page.Sections[0].ID}
	click.EventAttributes.Object.ObjectID = page.Sections[0].Items[0].ID
	if err := c.Interact(t.Context(), click); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	found := errors.New("found")
	err = pfr.ReadInteractions(ctx, cfg, func(_ context.Context, got schemas.Interaction) error {
		if got.QueryID == page.CorrelationID && got.SectionID == click.SectionID {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		t.Errorf("reading interactions: %v", err)
	}
	err = pfr.ReadOnlineMetrics(ctx, cfg, func(_ context.Context, got schemas.OnlineMetrics) error {
		if got.Window == schemas.WindowDay && got.Cut.String() == "route=similar_artists" && got.Counts.Successes == 1 {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		t.Errorf("reading online metrics: %v", err)
	}
	err = pfr.ReadPages(ctx, cfg, func(_ context.Context, got schemas.SERP) error {
		if got.CorrelationID == page.CorrelationID && outline(got) == outline(page) {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		t.Errorf("reading pages: %v", err)
	}

	p.procs[0].stop(t, 10*time.Second) // closes the brokers
	if _, err := c.Search(t.Context(), producers.Request{Text: "anything", Deadline: 100 * time.Millisecond}); !errors.Is(err, producers.ErrUnavailable) {
		t.Errorf("without brokers: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Log(err) // the brokers are gone
	}
}

func TestClientNeedsAddresses(t *testing.T) {
	if _, err := pfr.Connect(t.Context(), pfr.Config{}); err == nil {
		t.Error("connected to nowhere")
	}
}
