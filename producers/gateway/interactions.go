package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/schemas"
)

const (
	maxInteractions = 500 // in one request
	publishAtOnce   = 64  // of one request
)

// verdict says what became of one interaction.
type verdict string

const (
	accepted  verdict = "accepted"
	duplicate verdict = "duplicate" // of an event of the same search that was accepted lately
	rejected  verdict = "rejected"
)

// result is the verdict on one interaction.
type result struct {
	EventID string  `json:"event_id"`
	Status  verdict `json:"status"`
	Reason  string  `json:"reason,omitempty"` // of a rejection

	key string // what tells the event from others
}

// eventKey tells events apart: clients choose event ids, and two of them may choose the same
// for different searches.
func eventKey(ev *schemas.Interaction) string { return ev.QueryID + "\x00" + ev.EventID }

func (g *Gateway) interactions(w http.ResponseWriter, r *http.Request) *problem {
	body, p := readBody(w, r, maxInteractionBody)
	if p != nil {
		return p
	}
	raw, p := splitEvents(body)
	if p != nil {
		return p
	}
	results, events := judge(raw, time.Now().UTC())
	ctx, cancel := context.WithTimeout(r.Context(), g.cfg.PublishTimeout)
	defer cancel()
	results, err := g.publish(ctx, results, events)
	if err != nil {
		if r.Context().Err() == nil {
			g.log.Warn("interactions not accepted", "events", len(raw), "err", err)
		}
		p := newProblem(http.StatusServiceUnavailable,
			"Not every event was accepted, because Kafka is away. Send them all again: those in results are safe.").retry(1)
		p.Results, p.Part = results, partKafka
		return p
	}
	for _, res := range results {
		g.m.interactions.WithLabelValues(string(res.Status)).Inc()
	}
	return writeJSON(w, http.StatusAccepted, map[string][]result{"results": results})
}

// splitEvents returns the events of a body: one object, or an array of them.
func splitEvents(body []byte) ([]json.RawMessage, *problem) {
	if !json.Valid(body) {
		return nil, newProblem(http.StatusBadRequest, "The body is not JSON.")
	}
	body = bytes.TrimSpace(body)
	switch body[0] {
	case '{':
		return []json.RawMessage{body}, nil
	case '[':
	default:
		return nil, newProblem(http.StatusBadRequest, "Send one event as an object, or several as an array.")
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, newProblem(http.StatusBadRequest, "The body is not an array of events.")
	}
	if len(raw) == 0 || len(raw) > maxInteractions {
		return nil, newProblem(http.StatusBadRequest, fmt.Sprintf("Send 1 to %d events at once.", maxInteractions))
	}
	return raw, nil
}

// judge decodes each event and rejects those that are wrong. Fields that it does not know
// are ignored, as on the topic. events has nil where results has a verdict already.
func judge(raw []json.RawMessage, now time.Time) (results []result, events []*schemas.Interaction) {
	results, events = make([]result, len(raw)), make([]*schemas.Interaction, len(raw))
	seen := make(map[string]bool, len(raw))
	for i, data := range raw {
		ev, err := decodeEvent(data, now)
		results[i] = result{EventID: ev.EventID}
		if err != nil {
			results[i].Status, results[i].Reason = rejected, describeEvent(err)
			continue
		}
		results[i].key = eventKey(&ev)
		if seen[results[i].key] {
			results[i].Status = duplicate
			continue
		}
		seen[results[i].key], events[i] = true, &ev
	}
	return results, events
}

// publish sends the events that are left. On an error it returns the verdicts that stand.
func (g *Gateway) publish(ctx context.Context, results []result, events []*schemas.Interaction) ([]result, error) {
	var group errgroup.Group
	group.SetLimit(publishAtOnce)
	for i, ev := range events {
		if ev == nil {
			continue
		}
		if g.recent.Contains(results[i].key) {
			results[i].Status = duplicate
			continue
		}
		group.Go(func() error {
			if err := g.ports.Interactions.Publish(ctx, *ev); err != nil {
				return fmt.Errorf("publish interaction %s: %w", ev.EventID, err)
			}
			g.recent.Add(results[i].key, struct{}{})
			results[i].Status = accepted
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return g.standing(results), err
	}
	return results, nil
}

// standing returns the verdicts that hold although others are missing.
func (g *Gateway) standing(results []result) []result {
	var out []result
	for _, r := range results {
		if r.Status == rejected || r.Status != "" && g.recent.Contains(r.key) {
			out = append(out, r)
		}
	}
	return out
}

// describeEvent is [describe] for one event.
func describeEvent(err error) string {
	if errors.Is(err, schemas.ErrInvalid) {
		return plain(err)
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		return "timestamp and sent_at: must be times in RFC 3339 form"
	}
	return describe(err)
}
