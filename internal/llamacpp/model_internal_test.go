package llamacpp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/internal/llm"
)

// fake is a base that answers with the words of its adapter file, when it is let to.
type fake struct {
	mu     sync.Mutex
	freed  []string      // adapters, then "base"
	answer chan struct{} // nil: at once
	during func()        // called while an adapter is loaded
}

var errBad = errors.New("no adapter")

func (f *fake) adapt(adapter string, slots int) ([]slot, func(), error) {
	data := []byte("base alone")
	if adapter != "" {
		var err error
		if data, err = os.ReadFile(adapter); err != nil {
			return nil, nil, err
		}
	}
	if f.during != nil {
		f.during()
	}
	if bytes.HasPrefix(data, []byte("bad")) {
		return nil, nil, errBad
	}
	var made []slot
	for range slots {
		made = append(made, fakeSlot{f, string(data)})
	}
	return made, func() { f.note(string(data)) }, nil
}

func (f *fake) free() { f.note("base") }

func (f *fake) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.freed = append(f.freed, what)
}

func (f *fake) gone() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.freed, ", ")
}

type fakeSlot struct {
	f     *fake
	words string
}

func (s fakeSlot) complete(ctx context.Context, _ llm.Prompt, _ string) (llm.Completion, error) {
	if s.f.answer != nil {
		select {
		case <-s.f.answer:
		case <-ctx.Done():
			return llm.Completion{}, ctx.Err()
		}
	}
	return llm.Completion{Reply: llm.Reply{Content: s.words}}, nil
}

// start returns a model whose adapter file holds the words.
func start(t *testing.T, f *fake, words string) (*Model, func(words string)) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Model, cfg.Library, cfg.Adapter = "base.gguf", "lib", filepath.Join(t.TempDir(), "adapter.gguf")
	at := time.Now()
	write := func(words string) {
		t.Helper()
		at = at.Add(time.Minute) // file systems may keep coarse times
		if err := errors.Join(os.WriteFile(cfg.Adapter, []byte(words), 0o600), os.Chtimes(cfg.Adapter, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	write(words)
	m, err := newModel(cfg, f, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m, write
}

func prompt() llm.Prompt {
	return llm.Prompt{Schema: json.RawMessage(`{"type":"string"}`), MaxTokens: 1}
}

func ask(t *testing.T, m *Model) llm.Completion {
	t.Helper()
	c, err := m.Complete(t.Context(), prompt())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A prompt under way is answered by the adapter that it began with, one that comes after the
// change by the new one, at once; the old one is let go of with its last prompt.
func TestAdapterIsChangedUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: make(chan struct{})}
		m, write := start(t, f, "first")
		before := m.Name()
		answers := make(chan llm.Completion, 3)
		for range 3 { // one more than there are slots
			go func() {
				c, err := m.Complete(t.Context(), prompt())
				if err != nil {
					t.Error(err)
				}
				answers <- c
			}()
		}
		synctest.Wait()
		write("second")
		if err := m.Load(); err != nil {
			t.Fatal(err)
		}
		after := m.Name()
		if after == before || f.gone() != "" {
			t.Fatalf("%q after %q; gone: %q", after, before, f.gone())
		}
		close(f.answer)
		for range 3 {
			if c := <-answers; c.Content != "first" || c.Model != before {
				t.Errorf("%+v: it was under way", c)
			}
		}
		if c := ask(t, m); c.Content != "second" || c.Model != after {
			t.Errorf("%+v", c)
		}
		synctest.Wait()
		if f.gone() != "first" {
			t.Errorf("gone: %q", f.gone())
		}
		m.Close()
		if f.gone() != "first, second, base" {
			t.Errorf("gone: %q", f.gone())
		}
		if _, err := m.Complete(t.Context(), prompt()); !errors.Is(err, errClosed) {
			t.Errorf("after Close: %v", err)
		}
		m.Close()
	})
}

// The base outlives the prompts under way, of whatever adapter.
func TestCloseUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: make(chan struct{})}
		m, write := start(t, f, "first")
		answered := make(chan struct{})
		go func() { defer close(answered); ask(t, m) }()
		synctest.Wait()
		write("second")
		if err := m.Load(); err != nil {
			t.Fatal(err)
		}
		m.Close()
		if f.gone() != "second" {
			t.Errorf("gone: %q", f.gone())
		}
		close(f.answer)
		<-answered
		if f.gone() != "second, first, base" {
			t.Errorf("gone: %q", f.gone())
		}
		write("third")
		if err := m.Load(); !errors.Is(err, errClosed) || f.gone() != "second, first, base" {
			t.Errorf("after Close: %v; gone: %q", err, f.gone())
		}
	})
}

// Who follows the file takes a new adapter once it is whole, refuses a bad one once, and
// serves on with the old one.
func TestAdapterFileIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		m, write := start(t, f, "first")
		var log bytes.Buffer
		m.log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); m.Run(ctx) }()
		for _, step := range []struct{ file, want, says string }{
			{"second", "second", "adapter changed"},
			{"bad", "second", "no adapter"},
			{"second", "second", ""}, // back: nothing to do
			{"", "second", ""},       // gone
			{"third", "third", "adapter changed"},
		} {
			log.Reset()
			if write(step.file); step.file == "" {
				if err := os.Remove(m.cfg.Adapter); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(5 * every) // virtual
			synctest.Wait()
			if c := ask(t, m); c.Content != step.want {
				t.Errorf("file %q: %+v", step.file, c)
			}
			if says := log.String(); !strings.Contains(says, step.says) || strings.Count(says, "\n") > 1 || (step.says == "" && says != "") {
				t.Errorf("file %q: log %q", step.file, says)
			}
		}
		cancel()
		<-done
		m.Close()
	})
}

// A file is taken once it was the same at two looks: it may be half written.
func TestAdapterIsTakenWhole(t *testing.T) {
	m, write := start(t, &fake{}, "first")
	defer m.Close()
	last := m.follow(seen{})
	for _, step := range []struct{ file, want string }{
		{"", "first"}, {"sec", "first"}, {"second", "first"}, {"", "second"}, {"", "second"},
	} {
		if step.file != "" {
			write(step.file)
		}
		last = m.follow(last)
		if got := ask(t, m).Content; got != step.want {
			t.Errorf("file %q: answers %q, want %q", step.file, got, step.want)
		}
	}
}

// A file that is written to while it is loaded is not believed.
func TestAdapterWrittenWhileItIsRead(t *testing.T) {
	f := &fake{}
	m, write := start(t, f, "first")
	defer m.Close()
	write("second")
	f.during = func() { write("thi") }
	if err := m.Load(); !errors.Is(err, errWritten) || ask(t, m).Content != "first" || f.gone() != "second" {
		t.Errorf("%v; answers %q; gone: %q", err, ask(t, m).Content, f.gone())
	}
	f.during = nil
	if err := m.Load(); err != nil || ask(t, m).Content != "thi" {
		t.Errorf("%v; answers %q", err, ask(t, m).Content)
	}
}

// A prompt waits for a slot until its deadline, and one that was given up leaves its slot.
func TestSlotsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: make(chan struct{})}
		m, _ := start(t, f, "first")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		errs := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := m.Complete(ctx, prompt())
				errs <- err
			}()
		}
		for range 3 {
			if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v: nothing answers", err)
			}
		}
		close(f.answer)
		for range 3 {
			ask(t, m)
		}
		m.Close()
		if f.gone() != "first, base" {
			t.Errorf("gone: %q", f.gone())
		}
	})
}

// A model whose adapter is of no use does not start, and keeps nothing.
func TestBadAdapterAtStart(t *testing.T) {
	f := &fake{}
	cfg := DefaultConfig()
	cfg.Model, cfg.Adapter = "base.gguf", filepath.Join(t.TempDir(), "none.gguf")
	if _, err := newModel(cfg, f, slog.New(slog.DiscardHandler), nil); !errors.Is(err, os.ErrNotExist) || f.gone() != "base" {
		t.Errorf("%v; gone: %q", err, f.gone())
	}
}

// The name tells adapters apart however long that of the file is, and fits where models are
// named.
func TestNames(t *testing.T) {
	m, err := newModel(Config{Model: "/models/" + strings.Repeat("long", 30) + ".gguf", Slots: 1}, &fake{}, slog.New(slog.DiscardHandler), nil)
	if err != nil || len(m.Name()) > 64 || strings.Contains(m.Name(), "+") {
		t.Errorf("%q, %v", m.Name(), err)
	}
	if a, b := nameOf(m.cfg.Model, "01234567"), nameOf(m.cfg.Model, "01234568"); a == b || len(a) > 64 {
		t.Errorf("%q and %q", a, b)
	}
}
