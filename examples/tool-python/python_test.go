// Package toolpython_test holds the tool in Python to the contract of tools in any
// language: the messages, the errors, discovery, and a good end.
package toolpython_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// demand makes a missing Python a failure instead of a skipped test.
const demand = "PFR_TEST_PYTHON"

// python returns an interpreter that has the tool's library.
func python(t *testing.T) string {
	t.Helper()
	missing := func(why string, err error) {
		if os.Getenv(demand) != "" {
			t.Fatalf("%s: %v", why, err)
		}
		t.Skipf("%s (%v); %s=1 makes this a failure", why, err, demand)
	}
	if os.Getenv(demand) == "" {
		t.Skipf("installs a library: set %s=1", demand)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "python3", "-m", "venv", dir).CombinedOutput(); err != nil {
		missing("no python3 with venv", fmt.Errorf("%w: %.200s", err, out))
	}
	name := filepath.Join(dir, "bin", "python")
	install := exec.CommandContext(ctx, name, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "10", "-r", "requirements.txt")
	if out, err := install.CombinedOutput(); err != nil {
		missing("the library cannot be installed", fmt.Errorf("%w: %.200s", err, out))
	}
	return name
}

// station is a NATS server with a client.
type station struct {
	cfg  app.Config
	conn *rpc.Conn
}

func newStation(t *testing.T) *station {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	brokers, err := inproc.Start(t.Context(), inproc.DefaultConfig(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = brokers.Close() })
	s := &station{cfg: app.DefaultConfig()}
	s.cfg.NATS.URL = brokers.NATSURL()
	if s.conn, err = rpc.Dial(t.Context(), s.cfg.NATS, quiet, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close() })
	return s
}

// start runs the tool until the test ends, or stop is called, which says how it ended.
func (s *station) start(t *testing.T, python string, flags ...string) (stop func() error) {
	t.Helper()
	command := exec.Command(python, append([]string{"concerts.py", "--nats", s.cfg.NATS.URL}, flags...)...)
	command.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceValue(func() error {
		_ = command.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(20*time.Second, func() { _ = command.Process.Kill() })
		defer kill.Stop()
		if err := command.Wait(); err != nil {
			return fmt.Errorf("%w: %s", err, stderr.String())
		}
		return nil
	})
	t.Cleanup(func() { _ = stop() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "concerts is served\n" {
		t.Fatalf("%q, %v: %v", line, err, stop())
	}
	return stop
}

func request(within time.Duration, params schemas.Params) schemas.ToolRequest {
	return schemas.ToolRequest{
		SchemaVersion: schemas.Version, CorrelationID: "0197b7a0-0000-7000-8000-000000000001", Tool: "concerts", Section: "live",
		Query: "concerts", Params: params, Limit: 5, Market: "NL", Locale: "nl-NL", Deadline: time.Now().Add(within),
	}
}

// send sends a payload and returns the answer.
func (s *station) send(t *testing.T, payload []byte) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return s.conn.Request(ctx, schemas.ToolSubject("concerts"), payload)
}

func (s *station) ask(t *testing.T, req schemas.ToolRequest) (schemas.ToolResponse, error) {
	t.Helper()
	payload, err := codec.Encode(req)
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "tool-request.v1", payload)
	reply, err := s.send(t, payload)
	if err != nil {
		return schemas.ToolResponse{}, err
	}
	conforms(t, "tool-response.v1", reply)
	return codec.Decode[schemas.ToolResponse](reply)
}

// conforms holds a message to its JSON Schema.
func conforms(t *testing.T, name string, message []byte) {
	t.Helper()
	c := jsonschema.NewCompiler()
	for _, file := range []string{"common.v1", name} {
		data, err := schemas.JSONSchema(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("https://github.com/parallel-fusion/pfr/schemas/"+file+".json", doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("https://github.com/parallel-fusion/pfr/schemas/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(message))
	if err != nil {
		t.Fatalf("%s: %v", message, err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: %v", message, err)
	}
}

// code is that of a remote error, or 0.
func code(err error) int {
	if remote, ok := errors.AsType[*rpc.RemoteError](err); ok {
		return remote.Code
	}
	return 0
}

func TestToolInPython(t *testing.T) {
	interpreter := python(t)
	t.Run("answers", func(t *testing.T) { testAnswers(t, interpreter) })
	t.Run("refuses bad calls", func(t *testing.T) { testBadCalls(t, interpreter) })
	t.Run("is discovered", func(t *testing.T) { testDiscovery(t, interpreter) })
	t.Run("sheds load", func(t *testing.T) { testLoad(t, interpreter) })
	t.Run("ends well", func(t *testing.T) { testEnd(t, interpreter) })
}

func testAnswers(t *testing.T, python string) {
	s := newStation(t)
	s.start(t, python)
	for want, params := range map[string]schemas.Params{
		"concert:u-101 concert:u-102":               {"city": "UTRECHT", "weeks": 8},
		"concert:g-203":                             {"artist": "cafe systeme", "city": "Ghent"},
		"concert:o-401 concert:g-203":               {"artist": "Cafe\u0301 Syste\u0300me"},
		"concert:u-102 concert:l-302 concert:l-303": {"genres": []string{"folk"}},
		"": {"city": "Atlantis"},
		"concert:u-101 concert:g-201 concert:l-301 concert:u-102 concert:o-401": {},
	} {
		r, err := s.ask(t, request(10*time.Second, params))
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, item := range r.Items {
			ids = append(ids, item.ID)
		}
		if got := strings.Join(ids, " "); got != want || r.Section != "live" || r.Version != "2026-10" {
			t.Errorf("%v: %s, want %s: %+v", params, got, want, r)
		}
	}
}

func testBadCalls(t *testing.T, python string) {
	s := newStation(t)
	s.start(t, python)
	for want, params := range map[string]schemas.Params{
		"weeks: want":                      {"weeks": 53},
		"city: want":                       {"city": 5},
		"artist: want":                     {"artist": ""},
		"genres: want":                     {"genres": "folk"},
		`"secret": there is no such param`: {"secret": "x"},
	} {
		_, err := s.ask(t, request(10*time.Second, params))
		if code(err) != rpc.CodeBadRequest || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want 400: %s", params, err, want)
		}
	}
	other := request(10*time.Second, schemas.Params{})
	other.Tool = "search"
	if _, err := s.ask(t, other); code(err) != rpc.CodeBadRequest {
		t.Errorf("a call of another tool: %v", err)
	}
	for _, payload := range []string{"", "x", "[]", "null", "{}", `{"schema_version":"2.0"}`, strings.Repeat("[", 10_000), "\xff"} {
		if _, err := s.send(t, []byte(payload)); code(err) != rpc.CodeBadRequest {
			t.Errorf("%.20q: %v, want 400", payload, err)
		}
	}
	if _, err := s.ask(t, request(-time.Second, schemas.Params{})); !errors.Is(err, rpc.ErrTimeout) {
		t.Errorf("a call that is too late: %v", err)
	}
}

func testDiscovery(t *testing.T, python string) {
	s := newStation(t)
	s.start(t, python, "--workers", "3")
	s.start(t, python, "--workers", "3")
	for range 2 {
		if _, err := s.ask(t, request(10*time.Second, schemas.Params{})); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	states, err := app.ToolStates(ctx, s.cfg, slog.New(slog.DiscardHandler))
	if err != nil || len(states) != 1 {
		t.Fatalf("%+v, %v", states, err)
	}
	got := states[0]
	if got.Name != "concerts" || got.Version != "1.0.0" || got.Replicas != 2 || got.Workers != 6 || got.Handled != 2 || got.Failed != 0 || !slices.Equal(got.Data, []string{"2026-10"}) {
		t.Errorf("%+v", got)
	}
	if p := strings.Join(got.Parameters(), " "); p != "artist city genres weeks" {
		t.Errorf("parameters %s", p)
	}
	var example struct{ Params schemas.Params }
	if err := json.Unmarshal(got.Example, &example); err != nil {
		t.Fatal(err)
	}
	if r, err := s.ask(t, request(10*time.Second, example.Params)); err != nil || len(r.Items) == 0 {
		t.Errorf("its example: %+v, %v", r, err)
	}
}

func testLoad(t *testing.T, python string) {
	s := newStation(t)
	s.start(t, python, "--workers", "1", "--queue", "1", "--pause", "0.5")
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		counts = map[int]int{}
	)
	for range 6 {
		wg.Go(func() {
			_, err := s.ask(t, request(10*time.Second, schemas.Params{}))
			mu.Lock()
			defer mu.Unlock()
			counts[code(err)]++
		})
	}
	wg.Wait()
	if counts[0] != 2 || counts[rpc.CodeOverloaded] != 4 {
		t.Errorf("answers by code: %v, want 2 good ones and 4 refused", counts)
	}
	start := time.Now()
	if _, err := s.ask(t, request(100*time.Millisecond, schemas.Params{})); !errors.Is(err, rpc.ErrTimeout) || time.Since(start) > 400*time.Millisecond {
		t.Errorf("%v after %v, want a timeout before the answer is ready", err, time.Since(start))
	}
}

func testEnd(t *testing.T, python string) {
	s := newStation(t)
	stop := s.start(t, python, "--pause", "0.5")
	answered := make(chan error, 1)
	go func() {
		_, err := s.ask(t, request(10*time.Second, schemas.Params{}))
		answered <- err
	}()
	s.awaitBusy(t)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the call in hand: %v", err)
	}
	if _, err := s.ask(t, request(10*time.Second, schemas.Params{})); !errors.Is(err, rpc.ErrNoResponders) {
		t.Errorf("after its end: %v", err)
	}
}

// awaitBusy waits until the tool runs a call.
func (s *station) awaitBusy(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		infos, err := s.conn.Discover(ctx, "concerts")
		if err == nil && len(infos) == 1 && infos[0].Stats.Busy == 1 {
			return
		}
	}
	t.Fatal("the tool never ran the call")
}
