package inproc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/parallel-fusion/pfr/internal/filelock"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Brokers are the two running brokers.
type Brokers struct {
	cfg   Config
	lock  *filelock.Lock // nil in memory
	kafka *kfake.Cluster
	nats  *server.Server
	addrs addresses

	cleaner   sync.WaitGroup
	stop      chan struct{}
	closeOnce sync.Once
	closeErr  error
}

// Log keys.
const (
	keyKafka = "kafka"
	keyNATS  = "nats"
	keyDir   = "data_dir"
	keyText  = "text"
)

// Start takes the data directory, reads what it holds, and returns when both brokers
// accept connections. It creates no topics. ctx ends the start, not the brokers. An error
// that wraps [filelock.ErrLocked] means that another process has the directory. The caller closes
// the Brokers after every one of its clients.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Brokers, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("embedded brokers config: %w", err)
	}
	b := &Brokers{cfg: cfg, stop: make(chan struct{})}
	if err := b.start(ctx, log); err != nil {
		return nil, errors.Join(fmt.Errorf("start embedded brokers: %w", err), b.Close())
	}
	b.cleaner.Go(b.clean)
	log.Info("embedded brokers are ready", keyKafka, b.KafkaAddr(), keyNATS, b.NATSURL(), keyDir, cfg.DataDir)
	return b, nil
}

func (b *Brokers) start(ctx context.Context, log *slog.Logger) error {
	last, err := b.openDir()
	if err != nil {
		return err
	}
	if b.kafka, b.addrs.Kafka, err = startKafka(b.cfg, last.Kafka, log); err != nil {
		return err
	}
	if b.nats, b.addrs.NATS, err = startNATS(ctx, b.cfg, last.NATS, log); err != nil {
		return err
	}
	if b.cfg.DataDir == "" {
		return nil
	}
	return saveAddresses(b.cfg.DataDir, b.addrs)
}

// openDir makes the data directory ready and returns where the last run listened.
func (b *Brokers) openDir() (addresses, error) {
	if b.cfg.DataDir == "" {
		return addresses{}, nil
	}
	if err := os.MkdirAll(b.cfg.DataDir, 0o700); err != nil { // it holds users' queries
		return addresses{}, fmt.Errorf("create data directory: %w", err)
	}
	lock, err := filelock.Take(filepath.Join(b.cfg.DataDir, "lock"))
	if err != nil {
		return addresses{}, err
	}
	b.lock = lock
	if err := forgetSessions(b.cfg.DataDir); err != nil {
		return addresses{}, err
	}
	return loadAddresses(b.cfg.DataDir), nil
}

// forgetSessions drops the group members that the last run left behind. They were
// processes that are gone; a new member would wait for them before it gets a partition.
// Committed offsets are elsewhere and stay.
func forgetSessions(dir string) error {
	err := os.Remove(filepath.Join(kafkaDir(dir), "session_state.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget group sessions: %w", err)
	}
	return nil
}

// KafkaAddr is the host:port of the Kafka broker.
func (b *Brokers) KafkaAddr() string { return b.addrs.Kafka }

// NATSURL is the address of the NATS server.
func (b *Brokers) NATSURL() string { return "nats://" + b.addrs.NATS }

// clean applies retention and compaction. The broker has a timer for it that does not
// survive a restart.
func (b *Brokers) clean() {
	tick := time.NewTicker(b.cfg.CleanInterval)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-tick.C:
			b.kafka.Compact() // and retention
		}
	}
}

// Close stops both brokers, writes what the Kafka broker holds, and frees the data
// directory. Calls after the first return the same error.
func (b *Brokers) Close() error {
	b.closeOnce.Do(func() {
		close(b.stop)
		b.cleaner.Wait()
		if b.nats != nil {
			b.nats.Shutdown()
			b.nats.WaitForShutdown()
		}
		if b.kafka != nil {
			b.kafka.Close()
		}
		if b.lock != nil {
			b.closeErr = b.lock.Release()
		}
	})
	return b.closeErr
}
