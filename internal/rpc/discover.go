package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// ServiceInfo describes one running instance of a service.
type ServiceInfo struct {
	Name        string            `json:"name"`
	ID          string            `json:"id"`
	Version     string            `json:"version"`
	Description string            `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Subject     string            `json:"subject"`
	QueueGroup  string            `json:"queue_group"`
	Started     time.Time         `json:"started"`
	Stats       ServiceStats      `json:"stats"`
}

// ServiceStats counts what an instance has done since it started.
type ServiceStats struct {
	Workers    int    `json:"workers"`
	Busy       int    `json:"busy"`
	Backlog    int    `json:"backlog"`
	Handled    uint64 `json:"handled"` // failed and panicked ones included
	Failed     uint64 `json:"failed"`
	Panics     uint64 `json:"panics"`
	Expired    uint64 `json:"expired"` // dropped unstarted
	Overloaded uint64 `json:"overloaded"`
	Data       string `json:"data,omitempty"` // version of the data or model behind the service
}

func (p *pool) stats() ServiceStats {
	data := ""
	if p.cfg.Data != nil {
		data = p.cfg.Data()
	}
	return ServiceStats{
		Data: data, Workers: p.cfg.Workers, Busy: int(p.counts.busy.Load()), Backlog: len(p.jobs),
		Handled: p.counts.handled.Load(), Failed: p.counts.failed.Load(),
		Panics: p.counts.panics.Load(), Expired: p.counts.expired.Load(),
		Overloaded: p.counts.refuse.Load(),
	}
}

// discoverStall is how long Discover waits for one more reply after the last one.
const discoverStall = 150 * time.Millisecond

// maxDiscovered bounds how many instances Discover reports.
const maxDiscovered = 1024

// Discover asks the running instances of a service, or of all services when name is
// empty, what they are. It needs a deadline, returns shortly after the last reply, and
// sorts by name and id. No instance is no error.
func (c *Conn) Discover(ctx context.Context, name string) ([]ServiceInfo, error) {
	if _, ok := ctx.Deadline(); !ok {
		return nil, fmt.Errorf("discover %s: %w", name, ErrNoDeadline)
	}
	infos, err := gather[micro.Info](ctx, c, micro.InfoVerb, name)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", name, err)
	}
	stats, err := gather[micro.Stats](ctx, c, micro.StatsVerb, name)
	if err != nil {
		return nil, fmt.Errorf("discover statistics of %s: %w", name, err)
	}
	out := make([]ServiceInfo, 0, len(infos))
	for _, i := range infos {
		out = append(out, describe(i, stats))
	}
	slices.SortFunc(out, func(a, b ServiceInfo) int {
		return strings.Compare(a.Name+" "+a.ID, b.Name+" "+b.ID)
	})
	return out, nil
}

func describe(i micro.Info, stats []micro.Stats) ServiceInfo {
	s := ServiceInfo{
		Name: i.Name, ID: i.ID, Version: i.Version,
		Description: i.Description, Metadata: i.Metadata,
	}
	if len(i.Endpoints) > 0 {
		s.Subject, s.QueueGroup = i.Endpoints[0].Subject, i.Endpoints[0].QueueGroup
	}
	at := slices.IndexFunc(stats, func(st micro.Stats) bool { return st.ID == i.ID })
	if at < 0 {
		return s // it has just started or just gone
	}
	s.Started = stats[at].Started
	for _, e := range stats[at].Endpoints {
		// A foreign service may put anything there: its numbers stay zero.
		_ = json.Unmarshal(e.Data, &s.Stats)
	}
	return s
}

// gather collects the replies of many services to one request.
func gather[T any](ctx context.Context, c *Conn, verb micro.Verb, name string) ([]T, error) {
	subject, err := micro.ControlSubject(verb, name, "")
	if err != nil {
		return nil, err
	}
	if !c.Connected() {
		return nil, ErrDisconnected
	}
	inbox := c.nc.NewInbox()
	sub, err := c.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, sendError(err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is closed
	if err := c.nc.PublishRequest(subject, inbox, nil); err != nil {
		return nil, sendError(err)
	}
	var out []T
	for len(out) < maxDiscovered {
		msg, err := nextReply(ctx, sub, len(out) > 0)
		if err != nil || msg == nil {
			return out, err
		}
		var v T
		if err := json.Unmarshal(msg.Data, &v); err != nil {
			return nil, fmt.Errorf("read reply: %w", err)
		}
		out = append(out, v)
	}
	return out, nil
}

// nextReply returns nil when there is no further reply: after a silence if there was one
// before, at the deadline, or when the server says that nobody listens.
func nextReply(ctx context.Context, sub *nats.Subscription, more bool) (*nats.Msg, error) {
	if more {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, discoverStall)
		defer cancel()
	}
	msg, err := sub.NextMsgWithContext(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
		return nil, nil
	case errors.Is(err, context.Canceled):
		return nil, err
	case err != nil:
		return nil, sendError(err)
	case len(msg.Data) == 0 && msg.Header.Get(headerStatus) == noResponders:
		return nil, nil
	}
	return msg, nil
}
