package export_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/parallel-fusion/pfr/consumers/export"
)

// childFolder is set in a process that is there to be killed.
const childFolder = "PFR_EXPORT_TEST_FOLDER"

func killConfig(dir string) export.Config {
	cfg := config(dir)
	cfg.ChunkRows = 10
	return cfg
}

const killRecords = 100 // of each table

// child exports what is left of the workload into dir and says so after each record.
func child(dir string) int {
	e, err := export.Open(killConfig(dir), masks{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := context.Background()
	for _, r := range rest(e, workload(killRecords)) {
		if err := r.feed(ctx, e); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(r.key())
	}
	if err := e.Flush(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// A process that is killed again and again, somewhere behind a record, leaves each record
// once.
func TestKilledProcess(t *testing.T) {
	kills := 4
	if os.Getenv("PFR_TEST_SCALE") == "1" {
		kills = 100
	}
	dir := filepath.Join(t.TempDir(), "lake")
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range kills {
		before := map[string]any{}
		if i > 0 {
			before = visible(t, dir)
		}
		if runChild(t, dir, 1+rng.IntN(2*2*killRecords/kills)) {
			break
		}
		after := visible(t, dir)
		for key := range before {
			if after[key] == nil {
				t.Fatalf("%s was there, and is gone", key)
			}
		}
	}
	if !runChild(t, dir, -1) {
		t.Fatal("the last process did not end by itself")
	}
	complete(t, dir, workload(killRecords))
}

// runChild starts a process and kills it after it has taken so many records; never, if that
// is negative. It reports whether the process ended well by itself.
func runChild(t *testing.T, dir string, records int) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if records--; records == 0 {
			_ = cmd.Process.Kill() // SIGKILL
		}
	}
	return cmd.Wait() == nil
}
