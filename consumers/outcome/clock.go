package outcome

import (
	"math"
	"time"
)

// clock knows how far each partition was read, and with it the watermark.
type clock struct {
	partitions map[string][]progress // by topic
	watermark  int64                 // Unix milliseconds up to which every partition was read
	anew       bool                  // topics of the same names were there before
}

// progress is how far a partition was read.
type progress struct {
	next   int64 // offset
	loaded int64 // what a snapshot stands for: offsets below it are in it
	time   int64 // greatest time of a record, in Unix milliseconds
}

// unread is the time of partitions of which nothing was read: they hold the watermark.
const unread = math.MinInt64

func newClock() clock { return clock{partitions: map[string][]progress{}, watermark: unread} }

// expect makes a topic have at least n partitions.
func (c *clock) expect(topic string, n int) {
	for len(c.partitions[topic]) < n {
		c.partitions[topic] = append(c.partitions[topic], progress{time: unread})
	}
	c.settle()
}

// begins reports whether a record is the first of its partition that the state has to do
// with, and others were before it: they were forgotten, or were of topics that are no more.
func (c *clock) begins(r Record) bool {
	list := c.partitions[r.Topic]
	return (r.Offset > 0 || c.anew) && (r.Partition >= len(list) || list[r.Partition].next == 0)
}

// advance takes note of a record. It reports false for one that a loaded snapshot holds.
func (c *clock) advance(r Record) bool {
	list := c.partitions[r.Topic]
	if r.Partition >= len(list) {
		c.expect(r.Topic, r.Partition+1)
		list = c.partitions[r.Topic]
	}
	p := &list[r.Partition]
	if r.Offset < p.loaded {
		return false
	}
	p.next = max(p.next, r.Offset+1)
	before := p.time
	p.time = max(p.time, r.Time.UnixMilli())
	if before <= c.watermark {
		c.settle()
	}
	return true
}

// idle says that a topic has been read to its end as of now.
func (c *clock) idle(topic string, now time.Time) {
	for i := range c.partitions[topic] {
		p := &c.partitions[topic][i]
		p.time = max(p.time, now.UnixMilli())
	}
	c.settle()
}

// shrunk reports whether a topic ends before what a snapshot stands for.
func (c *clock) shrunk(topic string, ends map[int]int64) bool {
	for i, p := range c.partitions[topic] {
		if p.loaded > ends[i] {
			return true
		}
	}
	return false
}

// read returns the time up to which every partition of a topic was read.
func (c *clock) read(topic string) int64 {
	lowest := int64(math.MaxInt64)
	for _, p := range c.partitions[topic] {
		lowest = min(lowest, p.time)
	}
	return lowest
}

func (c *clock) settle() {
	lowest := int64(math.MaxInt64)
	for topic := range c.partitions {
		lowest = min(lowest, c.read(topic))
	}
	if lowest != math.MaxInt64 {
		c.watermark = lowest
	}
}
