package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// station is a NATS server with a client, for tools that are served on it.
type station struct {
	cfg  app.Config
	conn *rpc.Conn
}

func newStation(t *testing.T) *station {
	t.Helper()
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
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

// serve serves a tool until stop is called, which returns what became of it.
func (s *station) serve(t *testing.T, tool tools.Tool) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- app.ServeTool(ctx, s.cfg, app.ToolProcess{Tool: tool, Ready: func() { close(ready) }}, slog.New(slog.DiscardHandler))
	}()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	select {
	case <-ready:
	case err := <-done:
		done <- err
		t.Fatal(err)
	case <-time.After(20 * time.Second):
		t.Fatal("the tool was never ready")
	}
	return stop
}

// ask calls the tool with one word, which it has to answer by in.
func (s *station) ask(t *testing.T, word string, within time.Duration, late schemas.LateResults) (schemas.ToolResponse, error) {
	t.Helper()
	payload, err := codec.Encode(schemas.ToolRequest{
		SchemaVersion: schemas.Version, CorrelationID: "0197b7a0-0000-7000-8000-000000000001", Tool: "words", Section: "s",
		Query: "x", Params: schemas.Params{"word": word}, Limit: 5, Market: "US", Deadline: time.Now().Add(within), Late: late,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	reply, err := s.conn.Request(ctx, schemas.ToolSubject("words"), payload)
	if err != nil {
		return schemas.ToolResponse{}, err
	}
	return codec.Decode[schemas.ToolResponse](reply)
}

// state returns what discovery says of a version of the tool.
func (s *station) state(t *testing.T, version string) app.ToolState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	states, err := app.ToolStates(ctx, s.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(states, func(st app.ToolState) bool { return st.Name == "words" && st.Version == version })
	if i < 0 {
		return app.ToolState{}
	}
	return states[i]
}

// await asks for the state until it is as wanted.
func (s *station) await(t *testing.T, what string, good func(app.ToolState) bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !good(s.state(t, "1.0.0")); {
		if time.Now().After(end) {
			t.Fatalf("never %s: %+v", what, s.state(t, "1.0.0"))
		}
	}
}

type wordParams struct {
	Word string `param:"word" doc:"what to say" required:"true"`
}

// words returns a tool that a function answers.
func words(t *testing.T, version string, say func(ctx context.Context, word string) (string, error)) tools.Tool {
	t.Helper()
	tool, err := tools.Typed("words", tools.Spec{
		Version: version, For: "says words", CacheFor: time.Minute, Example: tools.Example{Query: "hello", Params: schemas.Params{"word": "hello"}},
	}, func(ctx context.Context, c tools.Call[wordParams]) (tools.Result, error) {
		text, err := say(ctx, c.Params.Word)
		return tools.Result{Text: text}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

func TestServeTool(t *testing.T) {
	s := newStation(t)
	stop := s.serve(t, tools.NewSwappable(words(t, "1.0.0", func(_ context.Context, word string) (string, error) {
		if word == "panic" {
			panic("the tool broke")
		}
		return "so " + word, nil
	}), "data-7"))
	if resp, err := s.ask(t, "hello", time.Minute, ""); err != nil || resp.Text != "so hello" || resp.Version != "data-7" {
		t.Errorf("%+v, %v", resp, err)
	}
	var remote *rpc.RemoteError
	if _, err := s.ask(t, "panic", time.Minute, ""); !errors.As(err, &remote) || remote.Code != rpc.CodeInternal || strings.Contains(err.Error(), "broke") {
		t.Errorf("a panic: %v", err)
	}
	if _, err := s.ask(t, "", time.Minute, ""); !errors.As(err, &remote) || remote.Code != rpc.CodeBadRequest || !strings.Contains(err.Error(), "word: got an empty text") {
		t.Errorf("a bad parameter: %v", err)
	}
	if _, err := s.ask(t, "late", -time.Second, ""); !errors.Is(err, rpc.ErrTimeout) {
		t.Errorf("after the deadline: %v", err)
	}
	got := s.state(t, "1.0.0")
	if got.For != "says words" || !slices.Equal(got.Data, []string{"data-7"}) || got.CacheSeconds != "60" || got.Personal ||
		!slices.Equal(got.Parameters(), []string{"word*"}) || got.Replicas != 1 || got.Handled != 4 || got.Failed != 3 || got.Panics != 1 {
		t.Errorf("%+v", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := s.ask(t, "hello", time.Minute, ""); !errors.Is(err, rpc.ErrNoResponders) {
		t.Errorf("after the end: %v", err)
	}
}

// A full worker refuses at once, and one that is stopped answers what it has accepted.
func TestAFullToolShedsAndAStoppedOneDrains(t *testing.T) {
	s := newStation(t)
	s.cfg.Tools.Workers, s.cfg.Tools.Backlog = 1, 1
	release := make(chan struct{})
	stop := s.serve(t, words(t, "1.0.0", func(_ context.Context, word string) (string, error) {
		<-release
		return word, nil
	}))
	var asking sync.WaitGroup
	for i, good := range []func(app.ToolState) bool{
		func(st app.ToolState) bool { return st.Busy == 1 },
		func(st app.ToolState) bool { return st.Waiting == 1 },
	} {
		asking.Go(func() {
			if resp, err := s.ask(t, fmt.Sprint(i), time.Minute, ""); err != nil || resp.Text != fmt.Sprint(i) {
				t.Errorf("accepted call %d: %+v, %v", i, resp, err)
			}
		})
		s.await(t, "there", good)
	}
	if _, err := s.ask(t, "one too many", time.Minute, ""); !errors.Is(err, rpc.ErrOverloaded) {
		t.Errorf("a full queue: %v", err)
	}
	s.await(t, "counted", func(st app.ToolState) bool { return st.Overloaded == 1 })
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	s.await(t, "gone", func(st app.ToolState) bool { return st.Replicas == 0 })
	close(release)
	asking.Wait()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// While a tool is upgraded both versions answer, each with its own data and memory.
func TestTwoVersionsAtOnce(t *testing.T) {
	s := newStation(t)
	for _, v := range []string{"1.0.0", "2.0.0"} {
		s.serve(t, tools.NewSwappable(words(t, v, func(_ context.Context, word string) (string, error) {
			return word + " of " + v, nil
		}), "data-"+v))
	}
	seen := map[string]int{}
	for i := 0; i < 400 && (i < 40 || len(seen) < 2); i++ {
		resp, err := s.ask(t, fmt.Sprint(i%3), time.Minute, "")
		if err != nil {
			t.Fatal(err)
		}
		version, known := strings.CutPrefix(resp.Version, "data-")
		if want := fmt.Sprintf("%d of %s", i%3, version); !known || resp.Text != want {
			t.Fatalf("%q from %s, want %q", resp.Text, resp.Version, want)
		}
		seen[version]++
	}
	if len(seen) != 2 {
		t.Errorf("answers: %v, want both versions", seen)
	}
	if a, b := s.state(t, "1.0.0"), s.state(t, "2.0.0"); a.Replicas != 1 || b.Replicas != 1 || a.Handled+b.Handled < 40 {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// A late answer that the caller wants kept comes late, and serves the next equal call.
func TestALateAnswerServesTheNextCall(t *testing.T) {
	s := newStation(t)
	runs := make(chan struct{}, 8)
	s.serve(t, words(t, "1.0.0", func(ctx context.Context, word string) (string, error) {
		runs <- struct{}{}
		select {
		case <-time.After(100 * time.Millisecond):
			return word, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}))
	if _, err := s.ask(t, "dropped", 30*time.Millisecond, schemas.LateDrop); !errors.Is(err, rpc.ErrTimeout) {
		t.Errorf("a late answer that nobody keeps: %v", err)
	}
	for range 2 {
		if resp, err := s.ask(t, "kept", 50*time.Millisecond, schemas.LateCache); err != nil || resp.Text != "kept" {
			t.Errorf("%+v, %v", resp, err)
		}
	}
	if len(runs) != 2 {
		t.Errorf("%d runs", len(runs))
	}
}

// cold is a tool that cannot be warmed.
type cold struct{ tools.Tool }

func (cold) Warm(context.Context) error { return errors.New("the model is missing") }

func TestAToolThatCannotBeWarmedIsNotAnnounced(t *testing.T) {
	s := newStation(t)
	tool := cold{words(t, "1.0.0", func(context.Context, string) (string, error) { return "", nil })}
	err := app.ServeTool(t.Context(), s.cfg, app.ToolProcess{Tool: tool, Ready: func() { t.Error("announced") }}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "warm words: the model is missing") {
		t.Errorf("%v", err)
	}
}
