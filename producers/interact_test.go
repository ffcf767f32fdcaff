package producers_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
)

// events keeps what was published.
type events struct {
	got    []schemas.Interaction
	refuse error
}

func (e *events) Publish(_ context.Context, i schemas.Interaction) error {
	if e.refuse == nil {
		e.got = append(e.got, i)
	}
	return e.refuse
}

func TestInteract(t *testing.T) {
	out := &events{}
	c, err := producers.New(producers.DefaultConfig(), producers.Ports{Interactions: out}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	click := schemas.Interaction{ActionName: schemas.ActionClick, QueryID: "01890a5d-ac96-774b-bcce-b302099a8057", ClientID: "c"}
	click.EventAttributes.Object.ObjectID = "artist:khruangbin"
	before := time.Now()
	if err := c.Interact(t.Context(), click, click); err != nil {
		t.Fatal(err)
	}
	if len(out.got) != 2 || out.got[0].EventID == out.got[1].EventID || out.got[0].Validate() != nil || out.got[0].ReceivedAt.Before(before) {
		t.Errorf("published %+v", out.got)
	}
	wrong := click
	wrong.QueryID = "x"
	if err := c.Interact(t.Context(), click, wrong); !errors.Is(err, schemas.ErrInvalid) || !strings.Contains(err.Error(), "interaction 1: ") {
		t.Errorf("a wrong event: %v", err)
	}
	out.refuse = errors.New("no leader")
	if err := c.Interact(t.Context(), click); !errors.Is(err, out.refuse) {
		t.Errorf("brokers away: %v", err)
	}
	searcher, err := producers.New(producers.DefaultConfig(), producers.Ports{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := searcher.Interact(t.Context(), click); err == nil {
		t.Error("published nowhere")
	}
}
