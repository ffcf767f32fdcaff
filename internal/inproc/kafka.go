package inproc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kfake"
)

func kafkaDir(dataDir string) string { return filepath.Join(dataDir, "kafka") }

// startKafka returns the broker and where it listens.
func startKafka(cfg Config, last string, log *slog.Logger) (*kfake.Cluster, string, error) {
	l, err := listen(cfg.KafkaAddr, last)
	if err != nil {
		return nil, "", fmt.Errorf("listen for Kafka: %w", err)
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("pfr"),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return l, nil }),
		kfake.WithLogger(kafkaLog{log}),
	}
	if cfg.DataDir != "" {
		opts = append(opts, kfake.DataDir(kafkaDir(cfg.DataDir)))
	}
	if cfg.SyncWrites {
		opts = append(opts, kfake.SyncWrites())
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			log.Debug("Kafka listener", keyText, err.Error())
		}
		return nil, "", fmt.Errorf("open Kafka log in %s: %w", cfg.DataDir, err)
	}
	return cluster, l.Addr().String(), nil
}

// kafkaLog passes on what the broker says, at debug but for its warnings and errors.
type kafkaLog struct{ log *slog.Logger }

func (k kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	at := slog.LevelDebug
	if level <= kfake.LogLevelWarn {
		at = slog.LevelWarn
	}
	if ctx := context.Background(); k.log.Enabled(ctx, at) {
		k.log.Log(ctx, at, "kafka broker", keyText, fmt.Sprintf(format, args...))
	}
}
