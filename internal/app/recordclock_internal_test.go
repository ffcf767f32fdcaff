package app

import (
	"testing"
	"time"
)

// The clock of records follows them, and goes on when none come, but never beyond now.
func TestRecordClock(t *testing.T) {
	now := time.Date(2026, 10, 5, 9, 30, 0, 0, time.UTC)
	long := now.Add(-72 * time.Hour)
	var c recordClock
	if _, ok := c.now(now); ok {
		t.Error("it is a time before anything was read")
	}
	c.note(long, now)
	c.note(long.Add(-time.Hour), now.Add(time.Second)) // older: it does not turn the clock back
	if at, _ := c.now(now.Add(time.Minute)); !at.Equal(long.Add(time.Minute)) {
		t.Errorf("a minute after a record of %v it is %v", long, at)
	}
	c.note(now.Add(time.Hour), now) // of a producer whose clock is wrong
	if at, _ := c.now(now.Add(time.Minute)); !at.Equal(now.Add(time.Minute)) {
		t.Errorf("it is %v, after now", at)
	}
}
