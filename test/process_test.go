// Package e2e tests the binary as its users run it: as one process, as a process for each
// role, and against real brokers.
package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pfr-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "pfr")
	args := []string{"build", "-o", binary}
	if os.Getenv("PFR_TEST_RACE") != "" {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "../cmd/pfr")...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build pfr: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// process is a running pfr.
type process struct {
	cmd    *exec.Cmd
	lines  chan string // of the standard output
	exited chan error
	mu     sync.Mutex
	log    strings.Builder // standard error
}

// startPFR starts the binary and returns at once. The test ends it.
func startPFR(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, args...), lines: make(chan string, 100), exited: make(chan error, 1)}
	p.cmd.Env = append(cleanEnv(), "PFR_LOG_LEVEL=debug")
	p.cmd.Stderr = writerFunc(func(b []byte) (int, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.log.Write(b)
	})
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			p.lines <- scanner.Text()
		}
		close(p.lines)
		p.exited <- p.cmd.Wait()
	}()
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.kill(t)
		}
		if t.Failed() {
			t.Logf("%v:\n%s", args, tail(p.logged(), 4000))
		}
	})
	return p
}

// cleanEnv is the environment without settings of the product.
func cleanEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PFR_") {
			env = append(env, e)
		}
	}
	return env
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// commandTimeout is long enough for a small model to read a few prompts.
const commandTimeout = 5 * time.Minute

// startTimeout is generous: the machine that runs these tests may be busy.
const startTimeout = 60 * time.Second

// await returns the first line of output that begins with prefix, without it.
func (p *process) await(t testing.TB, prefix string) string {
	t.Helper()
	deadline := time.After(startTimeout)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("pfr ended before it said %q:\n%s", prefix, tail(p.logged(), 4000))
			}
			if rest, found := strings.CutPrefix(line, prefix); found {
				return rest
			}
		case <-deadline:
			t.Fatalf("pfr did not say %q:\n%s", prefix, tail(p.logged(), 4000))
		}
	}
}

// kill ends the process with SIGKILL.
func (p *process) kill(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	<-p.exited //nolint:errcheck // it says that the process was killed
}

// stop ends the process with SIGTERM and fails the test unless it exits cleanly in time.
func (p *process) stop(t testing.TB, within time.Duration) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case err := <-p.exited:
		if err != nil {
			t.Errorf("after SIGTERM: %v\n%s", err, tail(p.logged(), 2000))
		}
	case <-time.After(within):
		t.Errorf("still running %v after SIGTERM", within)
		p.kill(t)
	}
}

// runPFR runs the binary to its end and returns what it printed.
func runPFR(t testing.TB, stdin string, args ...string) (stdout string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = cleanEnv()
	cmd.Stdin = strings.NewReader(stdin)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("%w: %s", err, errOut.String())
	}
	return out.String(), err
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// readAll reads a body and closes it.
func readAll(t testing.TB, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
