package inproc_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/filelock"
	"github.com/parallel-fusion/pfr/internal/inproc"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		runChild(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, cfg inproc.Config) *inproc.Brokers {
	t.Helper()
	b, err := inproc.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, b) })
	return b
}

func stop(t *testing.T, b *inproc.Brokers) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func inDir(dir string) inproc.Config {
	cfg := inproc.DefaultConfig()
	cfg.DataDir = dir
	return cfg
}

func TestRestartContinuesWhereItStopped(t *testing.T) {
	for name, sync := range map[string]bool{"page cache": false, "synced": true} {
		t.Run(name, func(t *testing.T) {
			cfg := inDir(t.TempDir())
			cfg.SyncWrites = sync
			first := start(t, cfg)
			k := dialKafka(t, first.KafkaAddr())
			k.create("queries", nil)
			k.produce("queries", "a", "b", "c")
			k.commit("group", "queries", 2)
			k.close()
			stop(t, first)

			second := start(t, cfg)
			if second.KafkaAddr() != first.KafkaAddr() || second.NATSURL() != first.NATSURL() {
				t.Errorf("moved from %s and %s to %s and %s", first.KafkaAddr(), first.NATSURL(), second.KafkaAddr(), second.NATSURL())
			}
			k = dialKafka(t, second.KafkaAddr())
			defer k.close()
			if got := strings.Join(k.readAll("queries"), " "); got != "a b c" {
				t.Errorf("records %q after the restart, want a b c", got)
			}
			if got := k.committed("group", "queries"); got != 2 {
				t.Errorf("committed offset %d after the restart, want 2", got)
			}
		})
	}
}

func TestMovesWhenThePortIsTaken(t *testing.T) {
	cfg := inDir(t.TempDir())
	first := start(t, cfg)
	addr := first.KafkaAddr()
	stop(t, first)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // already checked by use
	second := start(t, cfg)
	if second.KafkaAddr() == addr {
		t.Fatalf("started on %s, which is taken", addr)
	}
	stop(t, second)

	cfg.KafkaAddr = addr // asked for by name, there is no way out
	if _, err := inproc.Start(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil {
		t.Fatalf("started on %s, which is taken", addr)
	}
	cfg.KafkaAddr = ""
	start(t, cfg) // the failed start has let go of the directory
}

func TestOneProcessPerDirectory(t *testing.T) {
	cfg := inDir(t.TempDir())
	first := start(t, cfg)
	_, err := inproc.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if !errors.Is(err, filelock.ErrLocked) || !strings.Contains(err.Error(), cfg.DataDir) {
		t.Fatalf("second start: %v, want %v naming %s", err, filelock.ErrLocked, cfg.DataDir)
	}
	k := dialKafka(t, first.KafkaAddr()) // the first one is untouched
	k.create("queries", nil)
	k.close()
	stop(t, first)
	start(t, cfg)
}

// TestFormerMembersHoldNobodyUp leaves a member in a group, as a process does that ends
// without a word. The member's session would last a minute.
func TestFormerMembersHoldNobodyUp(t *testing.T) {
	cfg := inDir(t.TempDir())
	first := start(t, cfg)
	k := dialKafka(t, first.KafkaAddr())
	k.create("queries", nil)
	k.join(t.Context(), "group", "queries")
	k.close()
	stop(t, first)
	k = dialKafka(t, start(t, cfg).KafkaAddr())
	defer k.close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	k.join(ctx, "group", "queries")
}

// TestRetentionSurvivesARestart checks that old records go although the topic was made by
// an earlier process.
func TestRetentionSurvivesARestart(t *testing.T) {
	cfg := inDir(t.TempDir())
	cfg.CleanInterval = 20 * time.Millisecond
	first := start(t, cfg)
	k := dialKafka(t, first.KafkaAddr())
	k.create("kept", nil)
	k.create("small", map[string]string{"retention.bytes": "2000"})
	k.close()
	stop(t, first)

	k = dialKafka(t, start(t, cfg).KafkaAddr())
	defer k.close()
	for range 20 {
		k.produce("kept", strings.Repeat("x", 500))
		k.produce("small", strings.Repeat("x", 500))
	}
	eventually(t, "old records are gone", func() bool { return k.firstOffset("small") > 10 })
	if got := k.firstOffset("kept"); got != 0 {
		t.Errorf("a topic without limits begins at %d", got)
	}
}

func TestCompaction(t *testing.T) {
	cfg := inproc.DefaultConfig()
	cfg.CleanInterval = 20 * time.Millisecond
	k := dialKafka(t, start(t, cfg).KafkaAddr())
	defer k.close()
	k.create("routes", map[string]string{"cleanup.policy": "compact"})
	for _, v := range []string{"old", "older", "new", "last"} {
		k.produce("routes", v) // all have one key
	}
	// The newest batch is never compacted, so one more record than keys stays.
	eventually(t, "superseded records are gone", func() bool { return len(k.readAll("routes")) == 2 })
}

func TestMemoryForgets(t *testing.T) {
	first := start(t, inproc.DefaultConfig())
	k := dialKafka(t, first.KafkaAddr())
	k.create("queries", nil)
	k.produce("queries", "a")
	k.close()
	stop(t, first)
	second := start(t, inproc.DefaultConfig())
	k = dialKafka(t, second.KafkaAddr())
	defer k.close()
	k.create("queries", nil) // it does not exist
}

func TestNATSLimitsPayload(t *testing.T) {
	cfg := inproc.DefaultConfig()
	cfg.MaxPayload = 4096
	nc, err := nats.Connect(start(t, cfg).NATSURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if nc.MaxPayload() != 4096 {
		t.Errorf("the server carries %d bytes", nc.MaxPayload())
	}
}

func TestDataIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	start(t, inDir(dir))
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v; want 0700", info.Mode(), err)
	}
}

func TestStrayFilesAreNoObstacle(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"lock":           "99999999\n", // of a process that was killed
		"addresses.json": `{"kafka":"0.0.0.0:80","nats":5}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, inDir(dir))
}

func TestCancelledStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg := inDir(t.TempDir())
	if _, err := inproc.Start(ctx, cfg, slog.New(slog.DiscardHandler)); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	start(t, cfg) // nothing is left behind
}

func TestConfigReportsEveryProblem(t *testing.T) {
	err := inproc.Config{KafkaAddr: "0.0.0.0:9092", NATSAddr: "localhost"}.Validate()
	if err == nil {
		t.Fatal("a bad config is valid")
	}
	for _, field := range []string{"kafka_addr", "nats_addr", "clean_interval", "start_timeout", "max_payload"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("error %q does not mention %s", err, field)
		}
	}
	if err := inproc.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// eventually polls until ok or fails the test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
