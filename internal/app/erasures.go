package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/internal/pseudonym"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// subjects are who is to be forgotten, by pseudonym.
type subjects struct{ clients, users []string }

func subjectsOf(e schemas.Erasure) subjects { return subjects{e.Clients, e.Users} }

func (s subjects) empty() bool { return len(s.clients)+len(s.users) == 0 }

// all returns the pseudonyms of clients and users.
func (s subjects) all() []string { return slices.Concat(s.clients, s.users) }

// and returns both, each once.
func (s subjects) and(o subjects) subjects {
	both := func(a, b []string) []string {
		list := slices.Concat(a, b)
		slices.Sort(list)
		return slices.Compact(list)
	}
	return subjects{both(s.clients, o.clients), both(s.users, o.users)}
}

// asked reports whether a page is of one of the subjects.
func (s subjects) asked(page schemas.SERP) bool {
	a := page.Asked
	return a != nil && (slices.Contains(s.clients, a.Client) && a.Client != "" || slices.Contains(s.users, a.User) && a.User != "")
}

// queried reports whether a query is of one of the clients, which takes the salt. As in pages,
// the session stands for a client that has no id.
func (s subjects) queried(names *pseudonym.Names, q schemas.PublicQuery) bool {
	name := names.Client(cmp.Or(q.ClientID, q.SessionID))
	return name != "" && slices.Contains(s.clients, name)
}

// retainedErasures returns everybody who is to be forgotten by what the topic holds, and the
// offset behind it.
func retainedErasures(ctx context.Context, cluster *stream.Cluster) (s subjects, next int64, err error) {
	err = stream.Tail(ctx, cluster, erasures, stream.TailConfig{UntilEnd: true}, func(_ context.Context, e schemas.Erasure, m stream.Meta) error {
		s, next = s.and(subjectsOf(e)), m.Offset+1
		return nil
	})
	if err != nil {
		return s, next, fmt.Errorf("erasures: %w", err)
	}
	return s, next, nil
}

// forgetting does what the topic of erasures asks for, to one thing that is kept. What the
// topics hold of a subject when its erasure is read must be read first, or it would come
// back: forget is called then.
type forgetting struct {
	cluster *stream.Cluster
	from    int64                            // the first erasure that is not done
	after   []string                         // topics that are kept something of
	next    func(topic string) map[int]int64 // offsets that were read
	forget  func(context.Context, subjects) error
	done    func(next int64) error // may be nil: erasures are done again after a restart
	log     *slog.Logger
}

// lookEvery is how often it is looked whether the topics were read.
const lookEvery = 100 * time.Millisecond

// follow goes on until ctx ends or forget fails. Erasures that come together are done
// together.
func (f *forgetting) follow(ctx context.Context) error {
	come := make(chan erasureAt, schemas.MaxSubjects)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		from := stream.FromOffsets(map[int]int64{0: f.from})
		return stream.Tail(gctx, f.cluster, erasures, stream.TailConfig{From: from}, func(ctx context.Context, e schemas.Erasure, m stream.Meta) error {
			select {
			case come <- erasureAt{subjectsOf(e), m.Offset + 1}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	g.Go(func() error { return f.each(gctx, come) })
	return ended(ctx, g.Wait())
}

// erasureAt is an erasure and the offset behind it.
type erasureAt struct {
	subjects
	next int64
}

func (f *forgetting) each(ctx context.Context, come <-chan erasureAt) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-come:
			for more := len(come); more > 0; more-- {
				also := <-come
				e = erasureAt{e.and(also.subjects), also.next}
			}
			if err := f.one(ctx, e); err != nil {
				return err
			}
		}
	}
}

func (f *forgetting) one(ctx context.Context, e erasureAt) error {
	began := time.Now()
	for _, topic := range f.after {
		if err := f.await(ctx, topic); err != nil {
			return err
		}
	}
	if err := f.forget(ctx, e.subjects); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	f.log.Info("subjects are forgotten", "clients", len(e.clients), "users", len(e.users), "took", time.Since(began))
	if f.done == nil {
		return nil
	}
	return f.done(e.next)
}

// await returns when what a topic holds now was read.
func (f *forgetting) await(ctx context.Context, topic string) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	ends, err := f.cluster.Offsets(ctx, topic)
	for err != nil || behind(f.next(topic), ends) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err != nil { // brokers that are away hold it up
			ends, err = f.cluster.Offsets(ctx, topic)
		}
	}
	return nil
}

// behind reports whether a partition was not read to its end.
func behind(next map[int]int64, ends []stream.PartitionOffsets) bool {
	for p, end := range ends {
		if max(next[p], end.First) < end.Next {
			return true
		}
	}
	return false
}
