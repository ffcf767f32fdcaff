package stream

import (
	"context"
	"fmt"
)

// Publisher writes payloads of one type to one topic. It is safe for concurrent use.
type Publisher[T any] struct {
	p *Producer
	t Topic[T]
}

// NewPublisher returns a Publisher of t on p.
func NewPublisher[T any](p *Producer, t Topic[T]) *Publisher[T] {
	return &Publisher[T]{p: p, t: t}
}

// Publish encodes v and writes it, under the contract of [Producer.Produce]. An encoding error
// is permanent.
func (p *Publisher[T]) Publish(ctx context.Context, v T, headers ...Header) error {
	_, _, err := p.PublishAt(ctx, v, headers...)
	return err
}

// PublishAt is Publish for callers that want to know where the record went.
func (p *Publisher[T]) PublishAt(ctx context.Context, v T, headers ...Header) (partition int, offset int64, err error) {
	value, err := p.t.Encode(v)
	if err != nil {
		return 0, 0, Permanent(fmt.Errorf("encode for %s: %w", p.t.Name, err))
	}
	m := Message{Topic: p.t.Name, Value: value, Headers: headers}
	if p.t.Key != nil {
		m.Key = []byte(p.t.Key(v))
	}
	return p.p.Produce(ctx, m)
}
