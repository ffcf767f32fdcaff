package gateway

import (
	"context"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// followFunc follows a search until its page, as the Follow of a [Searcher] does.
type followFunc func(ctx context.Context, onStep func(schemas.Progress)) (schemas.SERP, error)

// outcome is how a search ended: with a page, or with an error.
type outcome struct {
	page schemas.SERP
	body []byte // the page as JSON, the same in every answer
	err  error
}

func outcomeOf(page schemas.SERP, err error) outcome {
	if err != nil {
		return outcome{err: err}
	}
	body, err := codec.Marshal(page)
	if err != nil {
		return outcome{err: fmt.Errorf("page %s: %w", page.CorrelationID, err)}
	}
	return outcome{page: page, body: body}
}

// subject is what a search is for. Two searches under one correlation id must have the
// same.
type subject struct{ text, market string }

func subjectOf(q schemas.PublicQuery) subject { return subject{q.Text, q.Market} }

func subjectOfPage(page schemas.SERP) subject { return subject{page.Query, page.Market} }

// maxSteps bounds what a flight keeps of the way to a page. What is beyond comes with it.
const maxSteps = 2 * (schemas.MaxCalls + 1)

// flight is one search in hand. Any number of requests watch it: the first one, those that
// repeat it, and those whose stream broke.
type flight struct {
	id     string
	of     subject
	mode   schemas.Mode // "" while it is not known
	hidden bool         // nobody else may find it
	begun  bool         // elsewhere: its events may have come in another order before

	mu        sync.Mutex
	steps     []schemas.Progress // as they came; grows only
	end       *outcome           // nil while the search goes on
	changed   chan struct{}      // closed by the next change
	watchers  int
	idle      *time.Timer // abandons, while nobody watches; nil if somebody does
	abandoned bool        // it will have no page
	cancel    context.CancelFunc
}

// landed returns a flight that is over.
func landed(page schemas.SERP) *flight {
	end := outcomeOf(page, nil)
	return &flight{id: page.CorrelationID, of: subjectOfPage(page), begun: true, end: &end, changed: make(chan struct{}), cancel: func() {}}
}

// since returns the steps after the first n, how the search ended or nil, and a channel
// that is closed when there is more to know.
func (f *flight) since(n int) ([]schemas.Progress, *outcome, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.steps[n:len(f.steps):len(f.steps)], f.end, f.changed
}

func (f *flight) step(s schemas.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.steps) >= maxSteps {
		return
	}
	f.steps = append(f.steps, s)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *flight) finish(o outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end = &o
	f.stopClock()
	close(f.changed)
	f.changed = make(chan struct{})
}

// watch reports whether there is still something to watch. Who watches must leave.
func (f *flight) watch() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.abandoned {
		return false
	}
	f.watchers++
	f.stopClock()
	return true
}

// leave ends a watch. When nobody else watches, the search is followed for linger more, so
// that a stream that broke finds it. The pipeline finishes it in any case.
func (f *flight) leave(linger time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers--; f.watchers > 0 || f.end != nil {
		return
	}
	f.stopClock()
	f.idle = time.AfterFunc(linger, f.abandon)
}

func (f *flight) abandon() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == 0 && f.end == nil {
		f.abandoned = true
		f.cancel()
	}
}

func (f *flight) stopClock() {
	if f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
}

// wait returns the outcome, or an error when ctx ends or the gateway stops before.
func (f *flight) wait(ctx context.Context, stopping <-chan struct{}) outcome {
	for {
		_, end, changed := f.since(0)
		if end != nil {
			return *end
		}
		select {
		case <-changed:
		case <-stopping:
			return outcome{err: stoppingProblem(f.id)}
		case <-ctx.Done():
			return outcome{err: ctx.Err()}
		}
	}
}

// waitShare is the part of the searches in hand that may wait for a sign of one: anybody can
// make up an id, and each is waited for much longer than a search takes.
const waitShare = 4

// flights holds the searches in hand by correlation id, and the last that ended with a
// page. It owns a goroutine for each search in hand.
type flights struct {
	ctx   context.Context // ends all
	end   context.CancelFunc
	slots chan struct{} // one for each search in hand
	waits chan struct{} // of these, one for each that waits for a sign of a search
	m     *metrics

	mu     sync.Mutex
	inHand map[string]*flight
	recent *lru.Cache[string, *flight]
	closed bool
	open   sync.WaitGroup
}

func newFlights(cfg Config, m *metrics) (*flights, error) {
	recent, err := lru.New[string, *flight](cfg.RecentPages)
	if err != nil {
		return nil, fmt.Errorf("recent pages: %w", err)
	}
	ctx, end := context.WithCancel(context.Background())
	return &flights{
		ctx: ctx, end: end, m: m,
		slots: make(chan struct{}, cfg.MaxSearches), waits: make(chan struct{}, max(1, cfg.MaxSearches/waitShare)),
		inHand: map[string]*flight{}, recent: recent,
	}, nil
}

// close cancels what is in hand and waits for it. Searches that begin later are shed.
func (fs *flights) close() {
	fs.mu.Lock()
	fs.closed = true
	fs.mu.Unlock()
	fs.end()
	fs.open.Wait()
}

// join returns the flight of a correlation id, watched, or nil.
func (fs *flights) join(id string) *flight {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.lookup(id)
}

func (fs *flights) lookup(id string) *flight {
	f, ok := fs.inHand[id]
	if !ok {
		f, ok = fs.recent.Get(id)
	}
	if !ok || !f.watch() {
		return nil
	}
	return f
}

// page returns the page of a search that ended here lately.
func (fs *flights) page(id string) (page schemas.SERP, ok bool) {
	f, ok := fs.recent.Get(id)
	if !ok {
		return page, false
	}
	_, end, _ := f.since(0)
	if end == nil {
		return page, false // it is just about to end
	}
	return end.page, true
}

// start returns a watched flight that follow brings to its end: f itself, or the flight of
// the same correlation id that is there already. The values of ctx stay with the search,
// its end does not.
func (fs *flights) start(ctx context.Context, f *flight, follow followFunc) (*flight, *problem) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if !f.hidden {
		if there := fs.lookup(f.id); there != nil {
			return there, nil
		}
	}
	select {
	case fs.slots <- struct{}{}:
	default:
		fs.m.shed.Inc()
		return nil, shedProblem()
	}
	if fs.closed {
		<-fs.slots
		return nil, stoppingProblem("")
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.cancel, f.changed = cancel, make(chan struct{})
	f.watch()
	if !f.hidden {
		fs.inHand[f.id] = f
	}
	fs.open.Go(func() {
		defer context.AfterFunc(fs.ctx, cancel)()
		defer cancel()
		fs.land(f, fs.fly(ctx, f, follow))
	})
	return f, nil
}

// fly runs follow. A panic becomes an error, for nobody above this goroutine would catch it.
func (fs *flights) fly(ctx context.Context, f *flight, follow followFunc) (end outcome) {
	defer func() {
		if v := recover(); v != nil {
			fs.m.panics.Inc()
			end = outcome{err: fmt.Errorf("following the search panicked: %T", v)}
		}
	}()
	end = outcomeOf(follow(ctx, f.step))
	if end.err == nil && !f.hidden && subjectOfPage(end.page) != f.of {
		return outcome{err: conflict()} // sent through two gateways at once, and the other one won
	}
	return end
}

// land frees the slot of a flight and makes its end known. A search without a page may be
// sent again.
func (fs *flights) land(f *flight, end outcome) {
	fs.mu.Lock()
	if fs.inHand[f.id] == f { // and not one that took the place of an abandoned one
		delete(fs.inHand, f.id)
	}
	if !f.hidden && end.err == nil {
		fs.recent.Add(f.id, f)
	}
	fs.mu.Unlock()
	<-fs.slots
	f.finish(end)
}
