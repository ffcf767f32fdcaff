package outcome

import (
	"testing"
	"time"
)

func TestWatermarkIsThatOfTheSlowestPartition(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	c := newClock()
	c.expect("pages", 2)
	c.expect("events", 2)
	for i, step := range []struct {
		do   func()
		want int64 // in seconds, 0 while it stands still
	}{
		{func() { c.advance(Record{Topic: "pages", Partition: 0, Time: at(100)}) }, 0},
		{func() { c.advance(Record{Topic: "pages", Partition: 1, Time: at(90)}) }, 0},
		{func() { c.advance(Record{Topic: "events", Partition: 0, Time: at(80)}) }, 0},
		{func() { c.idle("events", at(95)) }, 90},
		{func() { c.advance(Record{Topic: "pages", Partition: 1, Time: at(200)}) }, 95},
		{func() { c.advance(Record{Topic: "events", Partition: 0, Time: at(70)}) }, 95}, // out of order
		{func() { c.idle("events", at(300)) }, 100},
		{func() { c.idle("pages", at(250)) }, 250},
	} {
		step.do()
		got := c.watermark / 1000
		if c.watermark == unread {
			got = 0
		}
		if got != step.want {
			t.Fatalf("step %d: %d, want %d", i, got, step.want)
		}
	}
}
