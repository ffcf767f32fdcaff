package guard

import (
	"sync/atomic"

	router "github.com/parallel-fusion/pfr/router-worker"
)

// run is one of the two attempts of a request.
type run struct {
	started atomic.Bool
	done    chan struct{}
	answer  router.Answer // once done
	err     error
}

func newRun() *run { return &run{done: make(chan struct{})} }

func (r *run) start() { r.started.Store(true) }

func (r *run) finish(a router.Answer, err error) {
	r.answer, r.err = a, err
	close(r.done)
}

func (r *run) wait() (router.Answer, error) {
	<-r.done
	return r.answer, r.err
}

// race is the attempt that every request makes, and the hedge that some do.
type race struct{ first, second *run }

// result is what comes of a request when one attempt is done: its answer, or where it
// failed that of the other, if the other is under way or ahead.
func (r *race) result(done, other *run) (router.Answer, error) {
	if done.err == nil || other == r.second && !other.started.Load() {
		return done.answer, done.err
	}
	return other.wait()
}
