// Package serpstore keeps finished pages readable by correlation id for a while.
//
// A [Store] is a cache of the SERP topic in one file: losing it costs a replay. It is fed
// from the topic, remembers how far it has read, wakes whoever waits for a page, and
// forgets pages after the retention.
package serpstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/mailbox"
	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// ErrNotFound says that there is no page of this correlation id: not yet, or no longer.
var ErrNotFound = errors.New("no such page")

// Config configures a [Store]. See [DefaultConfig].
type Config struct {
	Path       string        `yaml:"path"`        // of the file; it is made when absent
	Retention  time.Duration `yaml:"retention"`   // of a page, from its creation
	SweepEvery time.Duration `yaml:"sweep_every"` // how often old pages are removed
}

// DefaultConfig keeps pages for a day.
func DefaultConfig() Config {
	return Config{Path: "pages.db", Retention: 24 * time.Hour, SweepEvery: time.Minute}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("path: must not be empty"))
	}
	if c.Retention <= 0 || c.SweepEvery <= 0 {
		errs = append(errs, errors.New("retention and sweep_every must be positive"))
	}
	return errors.Join(errs...)
}

// The buckets of the file.
const (
	pagesBucket     = "pages"     // correlation id → SERP
	decisionsBucket = "decisions" // correlation id → Explained
	ageBucket       = "age"       // creation time and correlation id → nothing
	offsetsBucket   = "offsets"   // topic and partition → next offset
)

// maxSweep bounds the work, and so the pause, of one sweep.
const maxSweep = 10_000

// Position is a record's place in its topic.
type Position struct {
	Topic     string
	Partition int
	Offset    int64
}

// Explained is the decision behind a page, without the user.
type Explained struct {
	Query     schemas.PublicQuery `json:"query"`
	Decision  schemas.Decision    `json:"decision"`
	DecidedAt time.Time           `json:"decided_at"`
}

// Store keeps pages. It is safe for concurrent use. Close it after Run has returned.
type Store struct {
	cfg     Config
	log     *slog.Logger
	writing sync.Mutex   // one transaction that writes at a time; none while the file is copied
	mu      sync.RWMutex // guards db, which Erase replaces
	db      *bbolt.DB
	arrived mailbox.Mailbox[schemas.SERP]
	stored  prometheus.Counter
	swept   prometheus.Counter
}

// Open opens or makes the file. It fails at once if another process has it open.
func Open(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("serpstore config: %w", err)
	}
	db, err := openFile(cfg.Path)
	if damaged(err) {
		log.Warn("page store is damaged and is filled again from the topics", "path", cfg.Path, "err", err)
		if err = os.Remove(cfg.Path); err == nil {
			db, err = openFile(cfg.Path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open page store %s: %w", cfg.Path, err)
	}
	f := telemetry.Metrics(reg, "serpstore")
	s := &Store{
		cfg: cfg, log: log, db: db,
		stored: f.Counter("stored_total", "Pages stored."), swept: f.Counter("swept_total", "Pages and decisions removed after the retention."),
	}
	err = s.update(func(tx *bbolt.Tx) error {
		for _, b := range []string{pagesBucket, decisionsBucket, ageBucket, offsetsBucket} {
			if _, err := tx.CreateBucketIfNotExists([]byte(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare page store %s: %w", cfg.Path, err), db.Close())
	}
	return s, nil
}

// openFile opens without a sync per page: the topic is the truth, so a lost write costs a
// replay.
func openFile(path string) (*bbolt.DB, error) {
	const metaPages = 2 // without which bbolt has no error of its own for what is no store
	if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.Size() < int64(metaPages*os.Getpagesize()) {
		return nil, fmt.Errorf("%d bytes: %w", info.Size(), berrors.ErrInvalid)
	}
	return bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true, NoFreelistSync: true})
}

// damaged reports whether the file is there but is no store, as after a power failure.
func damaged(err error) bool {
	return errors.Is(err, berrors.ErrInvalid) || errors.Is(err, berrors.ErrChecksum) || errors.Is(err, berrors.ErrVersionMismatch)
}

// Close closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.db.Close()
}

// Run removes old pages until ctx ends.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(s.cfg.SweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if err := s.sweep(now.Add(-s.cfg.Retention)); err != nil {
				s.log.Warn("sweeping old pages", "err", err)
			}
		}
	}
}

// Put stores a page read at pos and wakes whoever waits for it. The first page of a
// correlation id stays.
func (s *Store) Put(page schemas.SERP, pos Position) error {
	s.arrived.Deliver(page.CorrelationID, page)
	data, err := codec.Marshal(page)
	if err != nil {
		return fmt.Errorf("store page %s: %w", page.CorrelationID, err)
	}
	known := false
	err = s.update(func(tx *bbolt.Tx) error {
		id := []byte(page.CorrelationID)
		if known = tx.Bucket([]byte(pagesBucket)).Get(id) != nil; known {
			return putOffset(tx, pos)
		}
		return errors.Join(
			tx.Bucket([]byte(pagesBucket)).Put(id, data),
			tx.Bucket([]byte(ageBucket)).Put(ageKey(page.CreatedAt, id), nil),
			putOffset(tx, pos),
		)
	})
	if err != nil {
		return fmt.Errorf("store page %s: %w", page.CorrelationID, err)
	}
	if !known {
		s.stored.Inc()
	}
	return nil
}

// PutDecision stores the decision behind a page.
func (s *Store) PutDecision(d schemas.RouteDecision, pos Position) error {
	data, err := codec.Marshal(Explained{Query: d.Query, Decision: d.Decision, DecidedAt: d.DecidedAt})
	if err != nil {
		return fmt.Errorf("store decision %s: %w", d.Query.CorrelationID, err)
	}
	err = s.update(func(tx *bbolt.Tx) error {
		id := []byte(d.Query.CorrelationID)
		return errors.Join(
			tx.Bucket([]byte(decisionsBucket)).Put(id, data),
			tx.Bucket([]byte(ageBucket)).Put(ageKey(d.DecidedAt, id), nil),
			putOffset(tx, pos),
		)
	})
	if err != nil {
		return fmt.Errorf("store decision %s: %w", d.Query.CorrelationID, err)
	}
	return nil
}

// Get returns the page of a correlation id, or ErrNotFound.
func (s *Store) Get(correlationID string) (page schemas.SERP, err error) {
	return page, s.get(pagesBucket, correlationID, &page)
}

// Decision returns the decision of a correlation id, or ErrNotFound.
func (s *Store) Decision(correlationID string) (e Explained, err error) {
	return e, s.get(decisionsBucket, correlationID, &e)
}

func (s *Store) get(bucket, id string, v any) error {
	return s.view(func(tx *bbolt.Tx) error {
		data := tx.Bucket([]byte(bucket)).Get([]byte(id))
		if data == nil {
			return ErrNotFound
		}
		return codec.Unmarshal(data, v) // copies what it keeps
	})
}

// Await returns the page of a correlation id, now or when it is stored, or the error of
// ctx.
func (s *Store) Await(ctx context.Context, correlationID string) (schemas.SERP, error) {
	arrived, stop := s.arrived.Wait(correlationID)
	defer stop()
	if page, err := s.Get(correlationID); !errors.Is(err, ErrNotFound) {
		return page, err
	}
	select {
	case page := <-arrived:
		return page, nil
	case <-ctx.Done():
		return schemas.SERP{}, ctx.Err()
	}
}

// Offsets returns the next offset to read of each partition of topic.
func (s *Store) Offsets(topic string) (map[int]int64, error) {
	offsets := map[int]int64{}
	err := s.view(func(tx *bbolt.Tx) error {
		prefix := topic + "/"
		c := tx.Bucket([]byte(offsetsBucket)).Cursor()
		for k, v := c.Seek([]byte(prefix)); len(k) == len(prefix)+4 && string(k[:len(prefix)]) == prefix; k, v = c.Next() {
			offsets[int(binary.BigEndian.Uint32(k[len(prefix):]))] = int64(binary.BigEndian.Uint64(v))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("offsets of %s: %w", topic, err)
	}
	return offsets, nil
}

func putOffset(tx *bbolt.Tx, pos Position) error {
	key := binary.BigEndian.AppendUint32([]byte(pos.Topic+"/"), uint32(pos.Partition))
	return tx.Bucket([]byte(offsetsBucket)).Put(key, binary.BigEndian.AppendUint64(nil, uint64(pos.Offset+1)))
}

func ageKey(t time.Time, id []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(t.UnixMilli())), id...)
}

// sweep removes what was made before cutoff.
func (s *Store) sweep(cutoff time.Time) error {
	limit := uint64(cutoff.UnixMilli())
	return s.update(func(tx *bbolt.Tx) error {
		ages := tx.Bucket([]byte(ageBucket))
		var old [][]byte // a cursor must not be moved across its own deletes
		c := ages.Cursor()
		for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) < limit && len(old) < maxSweep; k, _ = c.Next() {
			old = append(old, bytes.Clone(k))
		}
		for _, k := range old {
			id := k[8:]
			if err := errors.Join(tx.Bucket([]byte(pagesBucket)).Delete(id), tx.Bucket([]byte(decisionsBucket)).Delete(id), ages.Delete(k)); err != nil {
				return err
			}
		}
		s.swept.Add(float64(len(old)))
		return nil
	})
}
