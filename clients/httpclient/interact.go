package httpclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// What became of an interaction.
const (
	Accepted  = "accepted"
	Duplicate = "duplicate" // of an event that was accepted before, perhaps by an attempt whose answer was lost
	Rejected  = "rejected"  // for good: Reason says why
)

// Verdict says what became of one interaction.
type Verdict struct {
	EventID string `json:"event_id"`
	Status  string `json:"status"` // Accepted, Duplicate or Rejected
	Reason  string `json:"reason,omitempty"`
}

// What one request may hold.
const (
	maxBatch      = 500
	maxBatchBytes = 240 << 10
)

// Interact reports what listeners did and returns a verdict on each event, in their order.
// It fills in EventID, SchemaVersion, Timestamp and SentAt where they are empty, and sends
// as many requests as it takes. What is not accepted because of a passing fault is sent
// again; an event counts once however often it is sent. On an error the verdicts that
// stand are returned too; the others have no Status.
func (c *Client) Interact(ctx context.Context, events ...schemas.Interaction) ([]Verdict, error) {
	b, err := newBatch(events)
	if err != nil {
		return nil, err
	}
	err = c.persist(ctx, func() error {
		for part := b.open(); len(part) > 0; part = b.open() {
			if err := c.sendBatch(ctx, b, part); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return b.verdicts, fmt.Errorf("interactions: %w", err)
	}
	return b.verdicts, nil
}

// batch is a list of events of which some have a verdict.
type batch struct {
	data     []json.RawMessage
	verdicts []Verdict
}

func newBatch(events []schemas.Interaction) (*batch, error) {
	b := &batch{make([]json.RawMessage, len(events)), make([]Verdict, len(events))}
	now := time.Now().UTC()
	for i, e := range events {
		if err := complete(&e, now); err != nil {
			return nil, err
		}
		data, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("interaction %s: %w", e.EventID, err)
		}
		if len(data) > maxBatchBytes {
			return nil, fmt.Errorf("interaction %s: has more than %d bytes", e.EventID, maxBatchBytes)
		}
		b.data[i], b.verdicts[i].EventID = data, e.EventID
	}
	return b, nil
}

// complete fills in what a caller may leave out.
func complete(e *schemas.Interaction, now time.Time) error {
	if e.EventID == "" {
		id, err := NewID()
		if err != nil {
			return err
		}
		e.EventID = id
	}
	if e.SchemaVersion == "" {
		e.SchemaVersion = schemas.Version
	}
	if e.Timestamp.IsZero() {
		e.Timestamp = now
	}
	if e.SentAt.IsZero() {
		e.SentAt = now
	}
	return nil
}

// open returns the first events without a verdict that fit in one request.
func (b *batch) open() []int {
	var part []int
	size := 0
	for i, v := range b.verdicts {
		if v.Status != "" {
			continue
		}
		size += len(b.data[i]) + 1
		if len(part) == maxBatch || size > maxBatchBytes {
			break
		}
		part = append(part, i)
	}
	return part
}

func (c *Client) sendBatch(ctx context.Context, b *batch, part []int) error {
	list := make([]json.RawMessage, len(part))
	for n, i := range part {
		list[n] = b.data[i]
	}
	payload, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("marshal: %w", err)
	}
	resp, err := c.send(ctx, call{method: http.MethodPost, path: "/v1/interactions", body: payload})
	if err != nil {
		if p, ok := errors.AsType[*Problem](err); ok {
			b.keep(part, p.Results)
		}
		return err
	}
	defer resp.Body.Close()
	answer, err := c.read(resp)
	if err != nil {
		return err
	}
	var verdicts struct{ Results []Verdict }
	if err := json.Unmarshal(answer, &verdicts); err != nil || len(verdicts.Results) != len(part) {
		return fmt.Errorf("the answer has %d verdicts on %d events", len(verdicts.Results), len(part))
	}
	for n, i := range part {
		b.verdicts[i].Status, b.verdicts[i].Reason = verdicts.Results[n].Status, verdicts.Results[n].Reason
	}
	return nil
}

// keep takes over the verdicts that came with a problem. They are fewer than the events,
// and each names its own.
func (b *batch) keep(part []int, verdicts []Verdict) {
	byID := make(map[string]Verdict, len(verdicts))
	for _, v := range verdicts {
		byID[v.EventID] = v
	}
	for _, i := range part {
		if v, ok := byID[b.verdicts[i].EventID]; ok {
			b.verdicts[i] = v
		}
	}
}
