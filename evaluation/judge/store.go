package judge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/parallel-fusion/pfr/internal/filelock"
	"github.com/parallel-fusion/pfr/internal/journal"
)

// keptFile is where a store keeps what was judged, in its folder.
const keptFile = "judgments.jsonl"

// everyLine has each line of a journal on disk before it counts: answers are paid for.
const everyLine = 1

// StoreConfig configures a [Store].
type StoreConfig struct {
	Dir string // is made if it is not there
	// Overwrite judges everything anew, once, and keeps the new answers instead of those
	// of earlier runs.
	Overwrite bool
}

// Kept is one answer in a store: a judgment of the page Hash, or a preference between it,
// which came first, and the page Other.
type Kept struct {
	Key        string      `json:"key"`
	Case       string      `json:"case"`
	Hash       string      `json:"hash"`
	Other      string      `json:"other,omitempty"`
	Judge      string      `json:"judge"`
	At         time.Time   `json:"at"`
	Judgment   *Judgment   `json:"judgment,omitempty"`
	Preference *Preference `json:"preference,omitempty"`
	Raw        string      `json:"raw,omitempty"` // what the judge wrote
}

// Store keeps answers in a folder, so that nothing is asked and paid for twice. What was
// asked before the process was killed is there when the next one opens the folder; one
// process at a time has it. It is safe for concurrent use.
type Store struct {
	overwrite bool
	lock      *filelock.Lock
	flights   singleflight.Group // asks once where equal pages are judged at the same time

	mu      sync.Mutex // guards the rest
	journal *journal.Journal
	known   map[string]Kept
	fresh   map[string]bool // known from this run
}

// OpenStore opens a folder. The caller closes the store.
func OpenStore(cfg StoreConfig) (*Store, error) {
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := filelock.Take(filepath.Join(cfg.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{overwrite: cfg.Overwrite, lock: lock, known: map[string]Kept{}, fresh: map[string]bool{}}
	s.journal, err = journal.Open(filepath.Join(cfg.Dir, keptFile), everyLine, func(line []byte) error {
		k, err := parseKept(line)
		s.known[k.Key] = k
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), lock.Release())
	}
	return s, nil
}

// Close lets go of the folder. No answer is under way.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.journal.Close(), s.lock.Release())
}

// ReadStore returns the answers in a folder, of each question the last, in the order in
// which the questions were first asked. It takes nothing away from a process that is
// writing there.
func ReadStore(dir string) ([]Kept, error) {
	var out []Kept
	at := map[string]int{}
	err := journal.Read(filepath.Join(dir, keptFile), func(line []byte) error {
		k, err := parseKept(line)
		if i, again := at[k.Key]; again {
			out[i] = k
			return err
		}
		at[k.Key] = len(out)
		out = append(out, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read store %s: %w", dir, err)
	}
	return out, nil
}

func parseKept(line []byte) (Kept, error) {
	var k Kept
	if err := json.Unmarshal(line, &k); err != nil {
		return Kept{}, err
	}
	if k.Key == "" || (k.Judgment == nil) == (k.Preference == nil) {
		return Kept{}, errors.New("is neither a judgment nor a preference")
	}
	return k, nil
}

// get returns the answer to a question, unless it is to be asked anew.
func (s *Store) get(key string) (Kept, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.known[key]
	return k, ok && (!s.overwrite || s.fresh[key])
}

func (s *Store) put(k Kept) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.journal.Append(k); err != nil {
		return fmt.Errorf("keep answer about case %s: %w", k.Case, err)
	}
	s.known[k.Key], s.fresh[k.Key] = k, true
	return nil
}

// once returns the answer to a question, and whether it is an answer that was there
// already. With an error the answer may still say what it has cost.
func (s *Store) once(key string, ask func() (Kept, error)) (k Kept, cached bool, err error) {
	asked := false
	v, err, _ := s.flights.Do(key, func() (any, error) {
		if k, ok := s.get(key); ok {
			return k, nil
		}
		asked = true
		k, err := ask()
		if err != nil {
			return k, err
		}
		k.Key, k.At = key, time.Now().UTC()
		return k, s.put(k)
	})
	k, _ = v.(Kept) // nothing else is returned
	if err != nil && !asked {
		return Kept{}, false, err // who asked pays
	}
	return k, !asked, err
}

// Cached is a judge whose answers are kept in a store. A judge that reads more of a case
// than [Subject.Hash] names is not for it.
type Cached struct {
	judge Absolute
	store *Store
}

// NewCached returns j with its answers in s, which the caller closes.
func NewCached(j Absolute, s *Store) *Cached { return &Cached{j, s} }

// ID implements [Absolute].
func (c *Cached) ID() string { return c.judge.ID() }

// Judge implements [Absolute]. An error is not kept: the page is judged again next time.
func (c *Cached) Judge(ctx context.Context, s Subject) (Judgment, error) {
	hash, err := s.Hash()
	if err != nil {
		return Judgment{}, err
	}
	key, err := digest([]string{"judgment", c.ID(), hash})
	if err != nil {
		return Judgment{}, err
	}
	k, cached, err := c.store.once(key, func() (Kept, error) {
		j, err := c.judge.Judge(ctx, s)
		return Kept{Case: s.Case.ID, Hash: hash, Judge: c.ID(), Judgment: &j, Raw: j.Raw}, err
	})
	out := Judgment{}
	if k.Judgment != nil {
		out = *k.Judgment
	}
	out.Cached, out.Raw = cached, k.Raw
	return out, err
}

// CachedPairs is a [Pairwise] whose answers are kept in a store.
type CachedPairs struct {
	judge Pairwise
	store *Store
}

// NewCachedPairs returns j with its answers in s, which the caller closes.
func NewCachedPairs(j Pairwise, s *Store) *CachedPairs { return &CachedPairs{j, s} }

// ID implements [Pairwise].
func (c *CachedPairs) ID() string { return c.judge.ID() }

// Prefer implements [Pairwise]. The two orders of a pair are two answers.
func (c *CachedPairs) Prefer(ctx context.Context, first, second Subject) (Preference, error) {
	a, err := first.Hash()
	if err != nil {
		return Preference{}, err
	}
	b, err := second.Hash()
	if err != nil {
		return Preference{}, err
	}
	key, err := digest([]string{"preference", c.ID(), a, b})
	if err != nil {
		return Preference{}, err
	}
	k, cached, err := c.store.once(key, func() (Kept, error) {
		p, err := c.judge.Prefer(ctx, first, second)
		return Kept{Case: first.Case.ID, Hash: a, Other: b, Judge: c.ID(), Preference: &p, Raw: p.Raw}, err
	})
	out := Preference{}
	if k.Preference != nil {
		out = *k.Preference
	}
	out.Cached, out.Raw = cached, k.Raw
	return out, err
}
