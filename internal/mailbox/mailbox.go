// Package mailbox brings values to those who wait for them by key.
package mailbox

import (
	"slices"
	"sync"
)

// Mailbox holds no values: whoever waits when one comes gets it. It is safe for concurrent
// use, and its zero value is empty.
type Mailbox[T any] struct {
	mu      sync.Mutex
	waiting map[string][]chan T // each has room for one value
}

// Wait returns a channel that gets the next value of key. The caller calls stop when it no
// longer waits.
func (m *Mailbox[T]) Wait(key string) (arrived <-chan T, stop func()) {
	ch := make(chan T, 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting == nil {
		m.waiting = map[string][]chan T{}
	}
	m.waiting[key] = append(m.waiting[key], ch)
	return ch, func() { m.remove(key, ch) }
}

func (m *Mailbox[T]) remove(key string, ch chan T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := slices.DeleteFunc(m.waiting[key], func(c chan T) bool { return c == ch })
	if m.waiting[key] = left; len(left) == 0 {
		delete(m.waiting, key)
	}
}

// Deliver gives v to all who wait for key. It never blocks; who has a value keeps the first.
func (m *Mailbox[T]) Deliver(key string, v T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, ch := range m.waiting[key] {
		select {
		case ch <- v:
		default:
		}
	}
}
