package outcome_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestTopicThatWasMadeAnewIsReadFromItsStart(t *testing.T) {
	b, _ := filled(t)
	var file bytes.Buffer
	if err := b.Save(&file); err != nil {
		t.Fatal(err)
	}
	p := &total{}
	c := newBench(t, outcome.DefaultConfig(), p)
	if err := c.Load(&file); err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]struct {
		ends map[int]int64
		want bool
	}{
		"read to its end":  {map[int]int64{0: 50}, false},
		"more is there":    {map[int]int64{0: 51, 1: 7}, false},
		"ends before":      {map[int]int64{0: 49}, true},
		"is empty":         {map[int]int64{0: 0}, true},
		"lost a partition": {nil, true},
	} {
		if got := c.Shrunk(schemas.TopicSERPs, step.ends); got != step.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	c.Expect(schemas.TopicSERPs, 1)
	if held, waiting := c.Held(); held+waiting+int(p.clicks)+len(c.Next(schemas.TopicInteractions)) != 0 {
		t.Errorf("%d held, %d wait, %d clicks are left", held, waiting, p.clicks)
	}
	c.page(7, "after", time.Hour)
	c.click("e", 7, time.Hour)
	if held, _ := c.Held(); held != 1 || p.clicks != 1 {
		t.Errorf("%d held and %d clicks of the new topic", held, p.clicks)
	}
}

func TestResetForgetsPartitions(t *testing.T) {
	b := newBench(t, outcome.DefaultConfig())
	b.Expect(schemas.TopicSERPs, 9)
	if err := b.Reset(); err != nil {
		t.Fatal(err)
	}
	b.Expect(schemas.TopicSERPs, 1)
	b.page(1, "jazz", 0)
	if !b.Watermark().Equal(noon) {
		t.Errorf("a partition that is no more holds the watermark at %v", b.Watermark())
	}
}

// clients counts the clicks of each client, as who was erased goes on to count.
type clients map[outcome.Subject]int

func (c clients) Changed(change outcome.Change) {
	if change.Erased {
		return
	}
	if change.Before != nil {
		c[change.Before.Client] -= change.Before.Clicks
	}
	c[change.After.Client] += change.After.Clicks
}

func (clients) Settled(time.Time) {}

func TestErasedClientsGoOnToCount(t *testing.T) {
	counted := clients{}
	var told []outcome.Change
	b := newBench(t, outcome.DefaultConfig(), counted, subscriber(func(c outcome.Change) {
		if c.Erased {
			told = append(told, c)
			if c.Before.Client == 0 || c.After.Client != 0 || c.After.User != 0 || c.Before.Clicks != c.After.Clicks {
				t.Errorf("%+v became %+v", c.Before, c.After)
			}
		}
	}))
	b.page(1, "jazz", 0)
	b.page(2, "rock", time.Hour)
	b.click("a", 1, time.Second)
	for range 2 { // the second time there is nobody to forget
		b.Erase("00000000000000c1")
	}
	b.click("b", 1, 2*time.Second)
	known := outcome.SubjectOf("00000000000000c1")
	if len(told) != 2 || counted[known] != 1 || counted[0] != 1 {
		t.Errorf("told %d times; clicks of the client %d, of nobody %d", len(told), counted[known], counted[0])
	}
}

type subscriber func(c outcome.Change)

func (f subscriber) Changed(c outcome.Change) { f(c) }
func (subscriber) Settled(time.Time)          {}
