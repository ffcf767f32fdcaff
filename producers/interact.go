package producers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/parallel-fusion/pfr/schemas"
)

// Interactions takes what listeners did.
type Interactions interface {
	// Publish returns nil once the event is durable.
	Publish(ctx context.Context, i schemas.Interaction) error
}

// Interact reports what listeners did with pages. The program that calls it is the edge: the
// events are stamped as received now. Ids, versions and times that are empty are filled in; an
// event without an id of its own counts again when it is sent again. Events are published in
// order; the error names the first that is not durable, and wraps ErrInvalid if it is wrong.
func (c *Client) Interact(ctx context.Context, events ...schemas.Interaction) error {
	if c.ports.Interactions == nil {
		return errors.New("interact: this client only searches")
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.PublishTimeout)
	defer cancel()
	now := time.Now().UTC()
	for n, e := range events {
		if err := complete(&e, now); err != nil {
			return err
		}
		if err := e.Validate(); err != nil {
			return fmt.Errorf("interaction %d: %w", n, err)
		}
		if err := c.ports.Interactions.Publish(ctx, e); err != nil {
			return fmt.Errorf("publish interaction %d: %w", n, err)
		}
	}
	return nil
}

func complete(e *schemas.Interaction, now time.Time) error {
	if e.EventID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make event id: %w", err)
		}
		e.EventID = id.String()
	}
	if e.SchemaVersion == "" {
		e.SchemaVersion = schemas.Version
	}
	if e.Timestamp.IsZero() {
		e.Timestamp = now
	}
	e.ReceivedAt = now
	return nil
}
