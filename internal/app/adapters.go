package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// toolCaller is the aggregator's way to the tools: request-reply over NATS.
type toolCaller struct{ conn *rpc.Conn }

// Call implements [fusion.Caller].
func (c toolCaller) Call(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
	payload, err := codec.Encode(req)
	if err != nil {
		return schemas.ToolResponse{}, err
	}
	reply, err := c.conn.Request(ctx, schemas.ToolSubject(req.Tool), payload)
	if err != nil {
		return schemas.ToolResponse{}, callError(err)
	}
	resp, err := codec.Decode[schemas.ToolResponse](reply)
	if err != nil {
		return resp, fmt.Errorf("%w: %w", fusion.ErrInvalid, err)
	}
	return resp, nil
}

// callError translates what the transport says into what the aggregator knows.
func callError(err error) error {
	var remote *rpc.RemoteError
	switch {
	case errors.Is(err, rpc.ErrNoResponders):
		return fmt.Errorf("%w: %w", fusion.ErrNoResponder, err)
	case errors.Is(err, rpc.ErrOverloaded):
		return fmt.Errorf("%w: %w", fusion.ErrShed, err)
	case errors.As(err, &remote) && remote.Code == codeElsewhere:
		return fmt.Errorf("%w: %w", fusion.ErrElsewhere, err)
	default:
		return err
	}
}

// codeElsewhere is the code of a worker that wants another one to have the call, as of an
// HTTP conflict.
const codeElsewhere = 409

// toolHandler is a worker's way back: its bad requests get a code that says so.
func toolHandler(w *tools.Worker) rpc.Handler {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		reply, err := w.Handle(ctx, payload)
		if errors.Is(err, tools.ErrBadRequest) {
			return nil, rpc.Errorf(rpc.CodeBadRequest, "%w", err)
		}
		if errors.Is(err, tools.ErrInHand) || errors.Is(err, tools.ErrSlow) {
			return nil, rpc.Errorf(codeElsewhere, "%w", err)
		}
		if errors.Is(err, tools.ErrOverloaded) {
			return nil, rpc.Errorf(rpc.CodeOverloaded, "%w", err)
		}
		return reply, err
	}
}

// steps carries the progress of queries over NATS, in both directions.
type steps struct{ conn *rpc.Conn }

// Send implements [fusion.Feed]. A step that cannot be sent is lost: the page is not.
func (s steps) Send(ctx context.Context, step schemas.Progress) {
	payload, err := codec.Marshal(step)
	if err == nil {
		err = s.conn.Publish(ctx, schemas.SERPSubject(step.CorrelationID), payload)
	}
	_ = err // counted by the connection's metrics
}

// followBuffer is room for the steps of the largest page.
const followBuffer = schemas.MaxCalls + 2

// Follow implements [producers.Steps].
func (s steps) Follow(correlationID string) (<-chan schemas.Progress, func(), error) {
	sub, err := s.conn.Subscribe(schemas.SERPSubject(correlationID), followBuffer)
	if err != nil {
		return nil, nil, err
	}
	out := make(chan schemas.Progress, followBuffer)
	go func() { // ends when the subscription is closed
		defer close(out)
		for payload := range sub.C() {
			if step, err := codec.Decode[schemas.Progress](payload); err == nil {
				select {
				case out <- step:
				default: // a flood of copies; the page comes from the archive
				}
			}
		}
	}()
	return out, func() { sub.Close() }, nil
}

// publisher hides the headers of a [stream.Publisher] from the roles.
type publisher[T any] struct{ p *stream.Publisher[T] }

func publish[T any](in *infra, t stream.Topic[T]) publisher[T] {
	return publisher[T]{stream.NewPublisher(in.producer, t)}
}

// Publish returns nil once v is durable.
func (p publisher[T]) Publish(ctx context.Context, v T) error { return p.p.Publish(ctx, v) }

// insist publishes until it works or ctx ends. A stage in the middle of the pipeline holds
// what was accepted: brokers that are away make it wait, they are no fault of the message.
type insist[T any] struct{ to publisher[T] }

// Waits of insist between two attempts.
const (
	insistMin = 50 * time.Millisecond
	insistMax = 2 * time.Second
)

// Publish returns nil once v is durable.
func (p insist[T]) Publish(ctx context.Context, v T) error {
	for wait := insistMin; ; wait = min(2*wait, insistMax) {
		err := p.to.Publish(ctx, v)
		if err == nil || errors.Is(err, stream.ErrPermanent) || errors.Is(err, stream.ErrTooLarge) || errors.Is(err, stream.ErrClosed) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
