package posttraining_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	posttraining "github.com/parallel-fusion/pfr/post-training"
)

// childFolder is set in a process that is there to be killed.
const childFolder = "PFR_POST_TRAINING_TEST_FOLDER"

// manyQueries returns a script of n queries that pass at attempts 1 to 5, or never.
func manyQueries(t testing.TB, n int) script {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "? q%03d: artists like number %d\n", i, i)
		for attempt := range i % 6 {
			fmt.Fprintf(&b, "search {\"text\":\"%d\"} -> NO PASS it is not a name\n", attempt)
		}
		b.WriteString(`similar_artists {"artist":"` + strconv.Itoa(i) + "\"} -> PASS fits\n")
	}
	return readScript(t, b.String())
}

const killQueries = 60

func killConfig(dir string) posttraining.Config {
	cfg := config(dir)
	cfg.Parallel, cfg.Attempts = 3, 5
	return cfg
}

// child samples into dir. It waits for a byte of its input before each attempt, and writes
// one.
func child(dir string) int {
	t := &testing.T{}
	in := bufio.NewReader(os.Stdin)
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	s := manyQueries(t, killQueries)
	p := parts(t, s)
	p.Teachers = []posttraining.Teacher{scripted{script: s, id: "oracle", before: func(posttraining.Ask) error {
		<-turn
		defer func() { turn <- struct{}{} }()
		_, err := in.ReadByte()
		fmt.Print(".")
		return err
	}}}
	run, err := posttraining.Open(killConfig(dir), p, slog.New(slog.DiscardHandler), nil)
	if err == nil {
		_, err = run.Sample(context.Background(), nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// A process that is killed again and again, at some attempt or other, leaves what one that
// was left alone does: nothing is lost and nothing is there twice.
func TestKilledProcess(t *testing.T) {
	kills := 5
	if os.Getenv("PFR_TEST_SCALE") == "1" {
		kills = 100
	} else {
		t.Log("5 kills instead of 100: PFR_TEST_SCALE is not 1")
	}
	alone := t.TempDir()
	if _, err := sample(t, killConfig(alone), parts(t, manyQueries(t, killQueries))); err != nil {
		t.Fatal(err)
	}
	want := outputs(t, alone)
	rng := rand.New(rand.NewPCG(1, 2))
	torn, total := 0, 0
	for done := 0; done < kills; {
		dir := t.TempDir()
		for rest := 2 + rng.IntN(3); rest > 0 && done < kills; rest, done = rest-1, done+1 {
			attempts := 1 + rng.IntN(70)
			kill(t, dir, attempts, 1+rng.IntN(attempts))
			total += strings.Count(read(t, filepath.Join(dir, "journal.jsonl")), "\n")
			if rng.IntN(2) == 0 { // a disk that lost the end of a record
				tear(t, filepath.Join(dir, "journal.jsonl"), rng)
				torn++
			}
		}
		if _, err := sample(t, killConfig(dir), parts(t, manyQueries(t, killQueries))); err != nil {
			t.Fatal(err)
		}
		if got := outputs(t, dir); got != want {
			t.Fatalf("after %d kills the outputs differ:\n%s", done, got)
		}
	}
	if total == 0 {
		t.Error("no process had recorded anything when it was killed")
	}
	t.Logf("%d kills, %d torn journals, %.0f records on average when killed", kills, torn, float64(total)/float64(kills))
}

// kill starts a child, allows it so many attempts, and kills it behind one of them, while it
// makes others or waits.
func kill(t *testing.T, dir string, attempts, behind int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0]) //nolint:gosec // this very test
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = in.Write([]byte(strings.Repeat(".", attempts))) // a child that is done has closed it
	_, _ = io.ReadFull(out, make([]byte, behind))          // or ends before
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// tear cuts a few bytes off a file, at most its last line.
func tear(t *testing.T, path string, rng *rand.Rand) {
	t.Helper()
	raw := []byte(read(t, path))
	last := len(raw) - 1 - strings.LastIndexByte(strings.TrimSuffix(string(raw), "\n"), '\n')
	if len(raw) == 0 || last <= 0 {
		return
	}
	if err := os.Truncate(path, int64(len(raw)-1-rng.IntN(last))); err != nil {
		t.Fatal(err)
	}
}
