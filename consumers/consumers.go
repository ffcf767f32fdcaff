// Package consumers holds typed readers of what the pipeline puts out.
//
// Kafka delivers at least once: after a crash a record may come again. [Once] is the
// remedy for whoever reads: it hands on each key exactly once, as far back as it
// remembers.
package consumers

import (
	"context"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/parallel-fusion/pfr/schemas"
)

// Handler takes one message. An error means that it must be delivered again.
type Handler[T any] func(ctx context.Context, v T) error

// Once returns a Handler that passes on the first message of each key and drops the
// others. It remembers the last capacity keys. A message that h fails on is not
// remembered. Messages of one key must come one after the other; others may overlap.
func Once[T any](capacity int, key func(T) string, h Handler[T]) (Handler[T], error) {
	seen, err := lru.New[string, struct{}](capacity)
	if err != nil {
		return nil, fmt.Errorf("remember %d keys: %w", capacity, err)
	}
	return func(ctx context.Context, v T) error {
		k := key(v)
		if seen.Contains(k) {
			return nil
		}
		if err := h(ctx, v); err != nil {
			return err
		}
		seen.Add(k, struct{}{})
		return nil
	}, nil
}

// Pages returns a Handler for the SERP topic that passes on each page once.
func Pages(capacity int, h Handler[schemas.SERP]) (Handler[schemas.SERP], error) {
	return Once(capacity, schemas.SERP.Key, h)
}

// Interactions returns a Handler for the interactions topic that passes on each event once.
func Interactions(capacity int, h Handler[schemas.Interaction]) (Handler[schemas.Interaction], error) {
	return Once(capacity, func(i schemas.Interaction) string { return i.EventID }, h)
}
