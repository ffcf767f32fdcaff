package rpc

import (
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
)

// answer is how one request ends: a message, or an error that is not the worker's.
type answer struct {
	msg *nats.Msg
	err error
}

// pending holds the requests that wait for a reply, by the last token of their reply
// subject. It exists because the client library's own table keeps requests waiting over a
// disconnect, and forgets to count late replies.
type pending struct {
	mu     sync.Mutex
	next   uint64
	waits  map[string]chan answer
	closed bool
	idle   chan struct{} // closed when closed is set and waits is empty
}

func newPending() *pending {
	return &pending{waits: make(map[string]chan answer), idle: make(chan struct{})}
}

// add registers a request. Its answer comes at most once. It returns false after close.
func (p *pending) add() (token string, ch <-chan answer, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return "", nil, false
	}
	p.next++
	token = strconv.FormatUint(p.next, 36)
	wait := make(chan answer, 1)
	p.waits[token] = wait
	return token, wait, true
}

// finish answers the request with this token. It returns false when nobody waits for it
// any more. A nil message and error only remove it.
func (p *pending) finish(token string, a answer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ch, ok := p.waits[token]
	if !ok {
		return false
	}
	delete(p.waits, token)
	ch <- a
	p.signalIdle()
	return true
}

// failAll ends every request with err.
func (p *pending) failAll(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for token, ch := range p.waits {
		delete(p.waits, token)
		ch <- answer{err: err}
	}
	p.signalIdle()
}

// close refuses new requests. The returned channel is closed when the last one has ended.
func (p *pending) close() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.signalIdle()
	}
	return p.idle
}

func (p *pending) signalIdle() {
	if !p.closed || len(p.waits) > 0 {
		return
	}
	select {
	case <-p.idle:
	default:
		close(p.idle)
	}
}
