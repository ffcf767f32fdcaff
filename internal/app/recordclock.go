package app

import (
	"sync"
	"time"
)

// recordClock tells what time it is for records: that of the latest one that was read, and
// what has passed since. Topics that are filled with what happened long ago, or that are
// copied with a delay, have their own time, and this process' time says nothing of them.
type recordClock struct {
	mu     sync.Mutex
	latest time.Time // of a record
	read   time.Time // when it was
}

// note takes note of a record that was read at a time of this process.
func (c *recordClock) note(record, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if record.After(c.latest) {
		c.latest, c.read = record, now
	}
}

// now returns the time of records, which is never later than that of this process; ok is
// false as long as nothing was read.
func (c *recordClock) now(now time.Time) (at time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest.IsZero() {
		return time.Time{}, false
	}
	at = c.latest.Add(now.Sub(c.read))
	if at.After(now) {
		at = now
	}
	return at, true
}
