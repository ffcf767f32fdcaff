package rpc_test

import (
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/bustest/rpctest"
	"github.com/parallel-fusion/pfr/internal/inproc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startServer runs an embedded server for one test and returns its address.
func startServer(tb testing.TB) string {
	tb.Helper()
	b, err := inproc.Start(tb.Context(), inproc.DefaultConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Error(err)
		}
	})
	return b.NATSURL()
}

func TestConformanceEmbedded(t *testing.T) {
	rpctest.Run(t, func(t *testing.T) string { return startServer(t) })
}

// natsEnv names the address of a server process that the suite may use.
const natsEnv = "PFR_TEST_NATS"

func TestConformanceProcess(t *testing.T) {
	url := os.Getenv(natsEnv)
	if url == "" {
		t.Skipf("%s is not set: the suite ran against the embedded server only", natsEnv)
	}
	rpctest.Run(t, func(*testing.T) string { return url })
}
