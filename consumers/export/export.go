// Package export writes pages and interactions into Parquet files that DuckDB, Spark and
// PyArrow read, each record of the topics exactly once.
//
// The folder is a lake with two tables, searches and interactions, laid out as
// table/date=2026-11-23/market=US/topic-partition-first-last.parquet. A chunk is an offset
// range of one partition: its rows wait in memory until it closes by number of rows, bytes
// or age, and come out as one file for each date and market. To commit a chunk is to write
// its files aside, to note in the state of the partition that the chunk is done and where
// its files belong, and to move them there. The note is the commit point: a crash before it
// leaves no trace, and after it the next start finishes the moves. So nothing that a reader
// of the tables has seen ever goes away or comes twice.
//
// Records that the topics hold twice, such as a page of a crash replay, are two rows with
// their own offsets; views.sql in deploy/duckdb counts them once.
package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/filelock"
	"github.com/parallel-fusion/pfr/schemas"
)

// ErrRewound says that a record came whose offset is committed already. Tails follow the
// offsets, so it is another topic of the same name, such as one that was made anew: its
// records do not belong into this folder.
var ErrRewound = errors.New("offset is committed already")

// ErrLocked says that another exporter has the folder.
var ErrLocked = filelock.ErrLocked

// ErrClosed says that the exporter is closed.
var ErrClosed = errors.New("exporter is closed")

// Position is a record's place in its topic, and the time that the broker has for it.
type Position struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
}

// Pseudonyms are what stands for ids in files. Equal ids must have equal ones, and they
// should be those that pages carry in asked.client and asked.session, so that events can be
// joined with pages by them. Of "" they are "".
type Pseudonyms interface {
	Client(id string) string
	Session(id string) string
}

// Exporter writes one folder. It is safe for concurrent use; records of one partition must
// come in the order of their offsets. After an error of writing, every call returns that
// error: close the exporter, and open another one, which continues at the last commit.
type Exporter struct {
	cfg   Config
	names Pseudonyms
	log   *slog.Logger
	m     *metrics
	disk  disk
	codec *zstd.Codec // its own: what it keeps between files belongs to one exporter
	lock  *filelock.Lock

	mu    sync.Mutex // guards what follows, and the files of the folder
	parts map[partition]*progress
	bytes int   // of all open chunks
	err   error // the first of writing; ErrClosed after Close
}

// partition names a partition of a topic.
type partition struct {
	topic string
	id    int
}

// progress is how far a partition has come.
type progress struct {
	next  int64  // the offset behind the committed records; -1 when there are none
	chunk *chunk // nil when nothing waits
}

// Open locks the folder, makes it if it is absent, finishes the commit that a crash has
// interrupted and removes what was not committed. The error wraps [ErrLocked] when another
// exporter has the folder. Close the exporter.
func Open(cfg Config, names Pseudonyms, log *slog.Logger, reg prometheus.Registerer) (*Exporter, error) {
	return open(cfg, names, log, reg, nil)
}

// open is Open with a hook that sees each step on the disk.
func open(cfg Config, names Pseudonyms, log *slog.Logger, reg prometheus.Registerer, step stepFunc) (*Exporter, error) { //nolint:revive // the seam for tests
	err := cfg.Validate()
	if names == nil {
		err = errors.Join(err, errors.New("pseudonyms: must not be nil: ids of clients do not belong into files"))
	}
	if err != nil {
		return nil, fmt.Errorf("export config: %w", err)
	}
	e := &Exporter{
		cfg: cfg, names: names, log: log, m: newMetrics(reg),
		disk: disk{root: cfg.Dir, step: step}, parts: map[partition]*progress{}, codec: &zstd.Codec{},
	}
	if err := e.disk.makeRoot(); err != nil {
		return nil, fmt.Errorf("make export folder %s: %w", cfg.Dir, err)
	}
	if e.lock, err = filelock.Take(filepath.Join(cfg.Dir, lockFile)); err != nil {
		return nil, err
	}
	if err := e.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("recover export folder %s: %w", cfg.Dir, err), e.lock.Release())
	}
	return e, nil
}

// Close lets go of the folder. Chunks that are open are dropped, to be read again from the
// topics: Flush first to keep them.
func (e *Exporter) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if errors.Is(e.err, ErrClosed) {
		return nil
	}
	e.err = ErrClosed
	return e.lock.Release()
}

// Offsets returns the offset of the next record to read of each partition of topic:
// everything before is committed.
func (e *Exporter) Offsets(topic string) map[int]int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	offsets := map[int]int64{}
	for p, at := range e.parts {
		if p.topic == topic && at.next >= 0 {
			offsets[p.id] = at.next
		}
	}
	return offsets
}

// Page takes a page that was read at pos. Health checks move the offset only. The page may
// be in memory alone until its chunk closes; it is not changed.
func (e *Exporter) Page(ctx context.Context, page schemas.SERP, pos Position) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if page.Probe {
		return e.take(ctx, pos, func(*chunk) string { return "" })
	}
	return e.take(ctx, pos, func(c *chunk) string {
		row := e.searchRow(&page, pos)
		folder := folderOf(TableSearches, e.filed(page.AskedAt(), page.CreatedAt), row.Market)
		add(c, folder, row, row.bytes())
		return TableSearches
	})
}

// Interaction takes an event that was read at pos, as Page takes a page.
func (e *Exporter) Interaction(ctx context.Context, event schemas.Interaction, pos Position) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.take(ctx, pos, func(c *chunk) string {
		row := e.interactionRow(&event, pos)
		at, received := time.UnixMicro(row.At), time.UnixMicro(row.ReceivedAt)
		folder := folderOf(TableInteractions, e.filed(at, received), row.Market)
		add(c, folder, row, row.bytes())
		return TableInteractions
	})
}

// take lets fill put the record at pos into the chunk of its partition, and closes chunks
// that are full. fill returns the table of the row, or "" if there is none.
func (e *Exporter) take(ctx context.Context, pos Position, fill func(*chunk) (table string)) error {
	if err := errors.Join(e.err, ctx.Err()); err != nil {
		return err
	}
	p := partition{pos.Topic, pos.Partition}
	at, err := e.progress(p, pos.Offset)
	if err != nil {
		return fmt.Errorf("export %s/%d@%d: %w", pos.Topic, pos.Partition, pos.Offset, err)
	}
	c := at.chunk
	before := c.bytes
	if table := fill(c); table != "" {
		e.m.rows.WithLabelValues(table).Inc()
	}
	c.next = pos.Offset + 1
	e.bytes += c.bytes - before
	e.m.open.Set(float64(e.bytes))
	return e.closeFull(p, c)
}

// progress returns where a partition stands, with an open chunk for the record at offset.
func (e *Exporter) progress(p partition, offset int64) (*progress, error) {
	at := e.parts[p]
	if at == nil {
		if !isTopic(p.topic) || p.id < 0 {
			return nil, errors.New("no topic has this name and partition")
		}
		at = &progress{next: -1}
		e.parts[p] = at
	}
	next := at.next
	if at.chunk != nil {
		next = at.chunk.next
	}
	if next >= 0 && offset < next {
		return nil, fmt.Errorf("%w: the next is %d; a topic that was made anew needs another folder", ErrRewound, next)
	}
	if next >= 0 {
		e.m.skipped.Add(float64(offset - next))
	}
	if at.chunk == nil {
		at.chunk = newChunk(offset)
	}
	return at, nil
}

// isTopic reports whether a topic may have this name, and a file's name may begin so.
func isTopic(name string) bool {
	return name != "" && name[0] != '.' && path.Base(name) == name && !strings.ContainsAny(name, `\`+"\x00")
}

// closeFull commits c if it is full, and the largest chunk if all together are too large.
func (e *Exporter) closeFull(p partition, c *chunk) error {
	switch {
	case c.rows >= e.cfg.ChunkRows:
		return e.commit(p, "rows")
	case c.bytes >= e.cfg.ChunkBytes:
		return e.commit(p, "bytes")
	case e.bytes >= e.cfg.OpenBytes:
		return e.commit(e.largest(), "memory")
	}
	return nil
}

func (e *Exporter) largest() partition {
	return slices.MaxFunc(slices.Collect(maps.Keys(e.parts)), func(a, b partition) int {
		return e.parts[a].waiting() - e.parts[b].waiting()
	})
}

func (p *progress) waiting() int {
	if p.chunk == nil {
		return -1
	}
	return p.chunk.bytes
}

// Flush commits all open chunks. It ends between two of them when ctx does.
func (e *Exporter) Flush(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.flush(ctx, "flush", func(*chunk) bool { return true })
}

// Run commits chunks that have become too old, until ctx ends (nil) or writing fails.
func (e *Exporter) Run(ctx context.Context) error {
	const looks = 8 // in the life of a chunk
	tick := time.NewTicker(max(e.cfg.ChunkAge/looks, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := e.flushOld(ctx, now.Add(-e.cfg.ChunkAge)); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

func (e *Exporter) flushOld(ctx context.Context, before time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.flush(ctx, "age", func(c *chunk) bool { return !c.opened.After(before) })
}

// flush commits the open chunks that due picks.
func (e *Exporter) flush(ctx context.Context, reason string, due func(*chunk) bool) error {
	for _, p := range slices.SortedFunc(maps.Keys(e.parts), partition.compare) {
		if err := errors.Join(e.err, ctx.Err()); err != nil {
			return fmt.Errorf("flush export: %w", err)
		}
		if c := e.parts[p].chunk; c == nil || !due(c) {
			continue
		}
		if err := e.commit(p, reason); err != nil {
			return err
		}
	}
	return e.err
}

func (p partition) compare(o partition) int {
	if c := strings.Compare(p.topic, o.topic); c != 0 {
		return c
	}
	return p.id - o.id
}
