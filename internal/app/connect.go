package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/internal/stream"
)

// infra is what every role stands on. It outlives them all.
type infra struct {
	cluster  *stream.Cluster
	producer *stream.Producer
	conn     *rpc.Conn
	kafka    []string // addresses
	nats     string
	log      *slog.Logger
	reg      *prometheus.Registry
	closers  []func() error        // in the order they were opened
	details  map[string]func() any // of /readyz, by role
}

// connect is the only function that knows which mode we run in: with embedded brokers it
// starts them and takes their addresses. From there on everything is the same.
func connect(ctx context.Context, cfg Config, log *slog.Logger, reg *prometheus.Registry) (_ *infra, err error) {
	in := &infra{log: log, reg: reg, details: map[string]func() any{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, in.close())
		}
	}()
	if cfg.Embedded.Enabled {
		brokers, err := inproc.Start(ctx, cfg.Embedded.Config, log)
		if err != nil {
			return in, fmt.Errorf("embedded brokers: %w", err)
		}
		in.closers = append(in.closers, brokers.Close)
		cfg.Kafka.Brokers, cfg.NATS.URL = []string{brokers.KafkaAddr()}, brokers.NATSURL()
		log.Info("embedded brokers are up", "kafka", brokers.KafkaAddr(), "nats", brokers.NATSURL())
	}
	in.kafka, in.nats = cfg.Kafka.Brokers, cfg.NATS.URL
	if in.cluster, err = stream.Dial(cfg.Kafka, log, reg); err != nil {
		return in, fmt.Errorf("kafka at %s: %w", strings.Join(cfg.Kafka.Brokers, ","), err)
	}
	in.closers = append(in.closers, in.cluster.Close)
	if in.producer, err = stream.NewProducer(in.cluster, cfg.Produce); err != nil {
		return in, fmt.Errorf("kafka producer: %w", err)
	}
	in.closers = append(in.closers, in.closeProducer)
	if in.conn, err = rpc.Dial(ctx, cfg.NATS, log, reg); err != nil {
		return in, fmt.Errorf("nats at %s: %w", cfg.NATS.URL, err)
	}
	in.closers = append(in.closers, in.conn.Close)
	return in, nil
}

// ensureTopics creates the topics that are missing and checks the others.
func (in *infra) ensureTopics(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, cfg.Supervise.StartTimeout)
	defer cancel()
	if err := in.cluster.EnsureTopics(ctx, cfg.Topics.specs()...); err != nil {
		return fmt.Errorf("topics: %w", err)
	}
	return nil
}

// flushTimeout bounds how long the last records may take to reach the brokers.
const flushTimeout = 5 * time.Second

func (in *infra) closeProducer() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	return in.producer.Close(ctx)
}

// closeTimeout bounds the end of the process once every role has stopped.
const closeTimeout = 10 * time.Second

// close closes everything in reverse order.
func (in *infra) close() error {
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, c := range slices.Backward(in.closers) {
			errs = append(errs, c())
		}
		done <- errors.Join(errs...)
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(closeTimeout):
		return fmt.Errorf("connections are not closed after %v", closeTimeout)
	}
}
