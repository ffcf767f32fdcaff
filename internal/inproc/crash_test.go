package inproc_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/inproc"
)

// childEnv makes this test binary run brokers on the directory that it names, until it is
// killed.
const childEnv = "INPROC_TEST_DIR"

func runChild(dir string) {
	b, err := inproc.Start(context.Background(), inDir(dir), slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(b.KafkaAddr())
	select {} // until it is killed
}

// startChild returns the Kafka address of brokers in another process, and how to kill it.
func startChild(t *testing.T, dir string) (addr string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if killed {
			return
		}
		killed = true
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // "signal: killed", as it should be
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		t.Fatalf("child: %s %v", line, err)
	}
	return strings.TrimSpace(line), kill
}

// TestKillLosesNothing kills the brokers' process three times, each time right after an
// acknowledgement, and expects every acknowledged record and offset.
func TestKillLosesNothing(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for round := range 3 {
		addr, kill := startChild(t, dir)
		k := dialKafka(t, addr)
		if round == 0 {
			k.create("queries", nil)
		}
		for i := range 200 {
			v := fmt.Sprintf("%d-%d", round, i)
			k.produce("queries", v)
			want = append(want, v)
			k.commit("group", "queries", int64(len(want)))
		}
		kill()
		k.close()
	}
	k := dialKafka(t, start(t, inDir(dir)).KafkaAddr()) // the lock is free
	defer k.close()
	got := k.readAll("queries")
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d records after the kills, want %d: from %v to %v", len(got), len(want), got[:1], got[len(got)-1:])
	}
	if got := k.committed("group", "queries"); got != int64(len(want)) {
		t.Errorf("committed offset %d after the kills, want %d", got, len(want))
	}
}

// TestLockHoldsAcrossProcesses checks that the error says who has the directory.
func TestLockHoldsAcrossProcesses(t *testing.T) {
	dir := t.TempDir()
	_, kill := startChild(t, dir)
	_, err := inproc.Start(t.Context(), inDir(dir), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), dir+" is held by process ") {
		t.Fatalf("error %v, want one that names %s and the process", err, dir)
	}
	kill()
	start(t, inDir(dir))
}
