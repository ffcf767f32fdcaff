package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/internal/pseudonym"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/schemas"
)

// groupExport is the group of which one member exports.
const groupExport = "pfr-export"

// exported are the topics that Parquet files are made of.
func exported() []string { return []string{schemas.TopicSERPs, schemas.TopicInteractions} }

// ExportOptions says how Parquet files are written.
type ExportOptions struct {
	// Follow goes on when the end of the topics is reached, until the context ends.
	Follow bool
	// Progress is called from time to time with how many records of a topic were read, and
	// how many there were at the start. May be nil.
	Progress func(topic string, read, total int64)
}

// Export writes pages and interactions into the Parquet files of cfg.Consumers.Export.Dir,
// from where they end to the end of the topics. Erasures that the topics still hold are done
// to the files. When ctx ends what was read is written, and the error is nil.
func (a *Admin) Export(ctx context.Context, o ExportOptions) error {
	names, err := a.cfg.Privacy.known()
	if err != nil {
		return err
	}
	x := &exporting{cluster: a.cluster, cfg: a.cfg.Consumers.Export, names: names, log: a.log, opts: o}
	return x.run(ctx)
}

// known returns the pseudonyms of the salt that is named. Without a salt they are empty.
func (c PrivacyConfig) known() (*pseudonym.Names, error) {
	if c.SaltFile == "" {
		return nil, nil
	}
	names, err := pseudonym.Open(c.SaltFile, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: name the file that pages are made with: DIR/salt of 'pfr up --data DIR', or privacy.salt_file of the fusion role; 'pfr up' without --data keeps none", err)
	}
	return names, err
}

// exporting is one export in the making.
type exporting struct {
	cluster *stream.Cluster
	cfg     export.Config
	names   *pseudonym.Names
	log     *slog.Logger
	reg     prometheus.Registerer // may be nil
	opts    ExportOptions

	out *export.Exporter

	mu   sync.Mutex
	next map[string]map[int]int64 // by topic and partition: what was read
	read map[string]int64         // records, by topic
}

// lastWrites bounds how long what was read may take to be written at the end.
const lastWrites = time.Minute

// run exports until the end of the topics, or of ctx.
func (x *exporting) run(ctx context.Context) (err error) {
	if x.out, err = export.Open(x.cfg, x.names, x.log, x.reg); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.out.Close()) }()
	x.next, x.read = map[string]map[int]int64{}, map[string]int64{}
	for _, topic := range exported() {
		x.next[topic] = maps.Clone(x.out.Offsets(topic))
	}
	err = x.follow(ctx)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrites)
	defer cancel()
	if flushed := x.out.Flush(end); err == nil {
		err = flushed
	}
	if err == nil && !x.opts.Follow && ctx.Err() == nil {
		err = x.eraseAll(ctx)
	}
	return ended(ctx, err)
}

// follow reads both topics at once.
func (x *exporting) follow(ctx context.Context) error {
	progress, stop := context.WithCancel(ctx)
	var reporting sync.WaitGroup
	reporting.Go(func() { x.report(progress) })
	defer reporting.Wait()
	defer stop()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return stream.Tail(gctx, x.cluster, pages, x.from(schemas.TopicSERPs), func(ctx context.Context, p schemas.SERP, m stream.Meta) error {
			defer x.took(m)
			return x.out.Page(ctx, p, positionOf(m))
		})
	})
	g.Go(func() error {
		return stream.Tail(gctx, x.cluster, interactions, x.from(schemas.TopicInteractions), func(ctx context.Context, i schemas.Interaction, m stream.Meta) error {
			defer x.took(m)
			return x.out.Interaction(ctx, i, positionOf(m))
		})
	})
	if x.opts.Follow {
		g.Go(func() error { return x.out.Run(gctx) })
		g.Go(func() error {
			f := forgetting{cluster: x.cluster, after: exported(), next: x.done, forget: x.erase, log: x.log}
			return f.follow(gctx)
		})
	}
	return g.Wait()
}

func (x *exporting) from(topic string) stream.TailConfig {
	return stream.TailConfig{From: stream.FromOffsets(x.done(topic)), UntilEnd: !x.opts.Follow}
}

func positionOf(m stream.Meta) export.Position {
	return export.Position{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Time: m.Time}
}

// took takes note of a record.
func (x *exporting) took(m stream.Meta) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.next[m.Topic][m.Partition] = m.Offset + 1
	x.read[m.Topic]++
}

// done returns the offset of the next record to read of each partition of a topic.
func (x *exporting) done(topic string) map[int]int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return maps.Clone(x.next[topic])
}

// report says how far it has come, until ctx ends.
func (x *exporting) report(ctx context.Context) {
	if x.opts.Progress == nil {
		return
	}
	total := map[string]int64{}
	for _, topic := range exported() {
		ends, err := x.cluster.Offsets(ctx, topic)
		if err != nil {
			return // who reads the topic says it
		}
		next := x.done(topic)
		for p, end := range ends {
			total[topic] += max(0, end.Next-max(next[p], end.First))
		}
	}
	const every = 500 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	for more := true; more; {
		select {
		case <-ctx.Done():
			more = false
		case <-tick.C:
		}
		for _, topic := range exported() {
			x.mu.Lock()
			read := x.read[topic]
			x.mu.Unlock()
			x.opts.Progress(topic, read, max(total[topic], read))
		}
	}
}

// erase removes subjects from the files.
func (x *exporting) erase(ctx context.Context, s subjects) error {
	report, err := x.out.Erase(ctx, export.Subjects{Clients: s.clients, Users: s.users})
	if err == nil && report.Searches.Rows+report.Interactions.Rows > 0 {
		x.log.Info("subjects were erased from Parquet files", "searches", report.Searches.Rows, "interactions", report.Interactions.Rows)
	}
	return err
}

// eraseAll does the erasures that are retained, once.
func (x *exporting) eraseAll(ctx context.Context) error {
	s, _, err := retainedErasures(ctx, x.cluster)
	if err != nil || s.empty() {
		return err
	}
	return x.erase(ctx, s)
}

// exportAgain is how long an export that has failed waits before it begins again.
const exportAgain = time.Minute

// exportParts exports beside the consumers, if a folder is configured. One process of the
// role does it at a time.
func exportParts(in *infra, cfg Config) ([]supervise.Part, error) {
	if cfg.Consumers.Export.Dir == "" {
		return nil, nil
	}
	names, err := in.names(cfg)
	if err != nil {
		return nil, err
	}
	once := func(ctx context.Context) error {
		x := &exporting{cluster: in.cluster, cfg: cfg.Consumers.Export, names: names, log: in.log, opts: ExportOptions{Follow: true}}
		return x.run(ctx)
	}
	return []supervise.Part{{Name: "consumers/export", Run: func(ctx context.Context, ready func()) error {
		ready()
		return in.cluster.Lease(ctx, schemas.TopicControl, member(in, groupExport, 1), func(ctx context.Context) error {
			return untilEnd(ctx, in.log, once)
		})
	}}}, nil
}

// untilEnd does once again and again: the online metrics go on when a disk is full.
func untilEnd(ctx context.Context, log *slog.Logger, once func(context.Context) error) error {
	for {
		err := once(ctx)
		if ctx.Err() != nil {
			return ended(ctx, err)
		}
		log.Error("export to Parquet files", "err", err, "again_in", exportAgain)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(exportAgain):
		}
	}
}
