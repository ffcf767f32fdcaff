package llamacpp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/llm"
)

// Errors of [Open], [Model.Complete] and [Model.Load].
var (
	// ErrNotBuilt says that this binary cannot run a model.
	ErrNotBuilt = errors.New("this binary was built without the tag llamacpp")
	errClosed   = errors.New("the model is closed")
	errWritten  = errors.New("the file was written to while it was read")
)

// base is the model file, loaded. Its methods are called one at a time.
type base interface {
	// adapt makes slots of the base with an adapter, "" for none, which are ready to answer.
	// free lets go of them and of the adapter, once none of them is in use.
	adapt(adapter string, slots int) (made []slot, free func(), err error)
	free()
}

// slot answers one prompt at a time.
type slot interface {
	complete(ctx context.Context, p llm.Prompt, grammar string) (llm.Completion, error)
}

// Model is a base with one adapter at a time. It implements [llm.Local].
type Model struct {
	cfg  Config
	log  *slog.Logger
	m    *metrics
	base base

	loading  sync.Mutex // held while the base is used
	grammars sync.Map   // schema → string; schemas come from a small closed set
	file     seen       // guarded by loading

	mu     sync.Mutex // guards what follows
	now    *generation
	live   int // generations that are not freed
	closed bool
}

// generation is the base with one adapter.
type generation struct {
	name   string
	digest string
	idle   chan slot
	free   func()
	users  int // with those who keep it current; guarded by the mutex of the model
}

// Open loads the base and the adapter. The caller closes the Model.
func Open(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("llamacpp config: %w", err)
	}
	b, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(cfg.Model), err)
	}
	return newModel(cfg, b, log, reg)
}

// newModel takes over b.
func newModel(cfg Config, b base, log *slog.Logger, reg prometheus.Registerer) (*Model, error) {
	m := &Model{cfg: cfg, log: log, base: b}
	if err := m.Load(); err != nil {
		b.free()
		return nil, err
	}
	m.m = newMetrics(reg) // last: it registers
	return m, nil
}

// Load puts the adapter that the file now holds in the place of the one that answers, if it
// is another. Prompts under way are answered by the old one, those that come later by the
// new one, and none waits for the change. After an error the old one stays.
func (m *Model) Load() error {
	m.loading.Lock()
	defer m.loading.Unlock()
	if m.isClosed() { // the base may be gone
		return errClosed
	}
	before := look(m.cfg.Adapter)
	digest, err := digestOf(m.cfg.Adapter)
	if err != nil {
		return fmt.Errorf("adapter: %w", err)
	}
	m.file = before
	if now := m.current(); now != nil && now.digest == digest {
		return nil
	}
	slots, free, err := m.base.adapt(m.cfg.Adapter, m.cfg.Slots)
	if err != nil {
		return fmt.Errorf("adapter %s: %w", filepath.Base(m.cfg.Adapter), err)
	}
	if look(m.cfg.Adapter) != before {
		free()
		m.file = seen{} // look again
		return fmt.Errorf("adapter %s: %w", filepath.Base(m.cfg.Adapter), errWritten)
	}
	next := &generation{name: nameOf(m.cfg.Model, digest), digest: digest, idle: make(chan slot, len(slots)), free: free, users: 1}
	for _, s := range slots {
		next.idle <- s
	}
	return m.replace(next)
}

// replace makes next the current generation. It is called with loading held.
func (m *Model) replace(next *generation) error {
	m.mu.Lock()
	old, closed := m.now, m.closed
	if !closed {
		m.now, m.live = next, m.live+1
	}
	m.mu.Unlock()
	if closed {
		next.free()
		return errClosed
	}
	if m.leave(old) {
		m.drop(old)
	}
	return nil
}

func (m *Model) current() *generation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *Model) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// enter returns the current generation for a prompt, which leaves it again.
func (m *Model) enter() (*generation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	m.now.users++
	return m.now, nil
}

// leave reports whether the last user has gone, who drops the generation.
func (m *Model) leave(g *generation) bool {
	if g == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	g.users--
	return g.users == 0
}

// drop frees a generation without users, and the base after the last one. It is called with
// loading held.
func (m *Model) drop(g *generation) {
	g.free()
	m.mu.Lock()
	m.live--
	last := m.closed && m.live == 0
	m.mu.Unlock()
	if last {
		m.base.free()
	}
}

// Close lets go of the model once the prompts under way are answered; it does not wait for
// them.
func (m *Model) Close() {
	m.mu.Lock()
	closed := m.closed
	m.closed = true
	m.mu.Unlock()
	if !closed {
		m.done(m.current())
	}
}

// done ends one use of a generation.
func (m *Model) done(g *generation) {
	if m.leave(g) {
		m.loading.Lock()
		defer m.loading.Unlock()
		m.drop(g)
	}
}

// Name implements [llm.Local]: the base and what the adapter's bytes are.
func (m *Model) Name() string { return m.current().name }

// Complete implements [llm.Local]. A prompt waits for a slot as long as ctx lets it. The
// model looks at ctx between its steps: the prompt in parts of 512 tokens, then each token
// of the answer.
func (m *Model) Complete(ctx context.Context, p llm.Prompt) (llm.Completion, error) {
	grammar, err := m.grammar(p)
	if err != nil {
		return llm.Completion{}, err
	}
	g, err := m.enter()
	if err != nil {
		return llm.Completion{}, err
	}
	defer m.done(g)
	start := time.Now()
	select {
	case s := <-g.idle:
		m.m.waited.Observe(time.Since(start).Seconds())
		defer func() { g.idle <- s }()
		done, err := s.complete(ctx, p, grammar)
		done.Model = g.name
		return done, err
	case <-ctx.Done():
		return llm.Completion{Model: g.name}, fmt.Errorf("wait for a slot: %w", ctx.Err())
	}
}

func (m *Model) grammar(p llm.Prompt) (string, error) {
	if known, ok := m.grammars.Load(string(p.Schema)); ok {
		text, _ := known.(string) // nothing else is stored
		return text, nil
	}
	text, err := Grammar(p.Schema)
	if err == nil {
		m.grammars.Store(string(p.Schema), text)
	}
	return text, err
}

// every is how often the file of the adapter is looked at.
const every = time.Second

// Run follows the file of the adapter until ctx ends. A file that is gone or of no use
// changes nothing.
func (m *Model) Run(ctx context.Context) {
	if m.cfg.Adapter == "" {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := (seen{}); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			last = m.follow(last)
		}
	}
}

// follow loads the adapter if its file has changed and was the same at the last look: it
// may be half written.
func (m *Model) follow(last seen) seen {
	m.loading.Lock()
	loaded := m.file
	m.loading.Unlock()
	now := look(m.cfg.Adapter)
	if now == loaded || now != last || now == (seen{}) {
		return now
	}
	name := m.Name()
	if err := m.Load(); err != nil {
		m.m.loads.WithLabelValues("rejected").Inc()
		m.log.Error("adapter not changed", "file", m.cfg.Adapter, "err", err)
		return now
	}
	if after := m.Name(); after != name {
		m.m.loads.WithLabelValues("accepted").Inc()
		m.log.Info("adapter changed", "file", m.cfg.Adapter, "model", after)
	}
	return now
}

// seen is what tells a file from another in its place without reading it; zero: there is
// none.
type seen struct {
	size int64
	at   time.Time
}

func look(file string) seen {
	info, err := os.Stat(file)
	if err != nil {
		return seen{}
	}
	return seen{info.Size(), info.ModTime()}
}

// digestOf names an adapter by its bytes; none is "".
func digestOf(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:4]), nil
}

// maxBase leaves room for the adapter in the name of a model.
const maxBase = 48

// nameOf names a base with an adapter.
func nameOf(file, digest string) string {
	name := strings.TrimSuffix(filepath.Base(file), ".gguf")
	name = name[:min(len(name), maxBase)]
	if digest == "" {
		return name
	}
	return name + "+" + digest
}
