package app

import (
	"context"
	"sync"
)

// catchUp waits until several topics were read to the end that they had.
type catchUp struct {
	topics map[string]chan struct{}
	once   map[string]*sync.Once
}

func newCatchUp(topics ...string) *catchUp {
	c := &catchUp{topics: map[string]chan struct{}{}, once: map[string]*sync.Once{}}
	for _, t := range topics {
		c.topics[t], c.once[t] = make(chan struct{}), &sync.Once{}
	}
	return c
}

// done says that a topic was read.
func (c *catchUp) done(topic string) { c.once[topic].Do(func() { close(c.topics[topic]) }) }

// wait returns false when ctx ends first.
func (c *catchUp) wait(ctx context.Context) bool {
	for _, read := range c.topics {
		select {
		case <-read:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
