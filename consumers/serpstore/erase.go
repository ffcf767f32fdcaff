package serpstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// Theirs says what belongs to those who are to be forgotten. Neither function keeps its
// argument.
type Theirs struct {
	Page     func(schemas.SERP) bool
	Decision func(Explained) bool
}

const (
	// eraseAtOnce is how many records are looked at in one transaction.
	eraseAtOnce = 2000
	// copyAtOnce is how many bytes one transaction of a copy holds.
	copyAtOnce = 4 << 20
	suffixNext = ".next" // of a copy that is not yet whole
)

// copyKey is in the bucket of offsets as long as bytes of what was erased may still be in the
// file.
const copyKey = "copy"

// Erase removes pages with the decisions behind them, and decisions, and says how many. Their bytes are gone from the file
// when it returns nil: what is left is copied to a new file, which takes the place of the
// old one. Meanwhile pages can be read; those that come wait to be stored. An Erase that did
// not come to its end is finished by the next one, whomever it is about.
func (s *Store) Erase(ctx context.Context, t Theirs) (erased int, err error) {
	for _, b := range []struct {
		name string
		is   func([]byte) (bool, error)
	}{
		{pagesBucket, is(t.Page)}, {decisionsBucket, is(t.Decision)},
	} {
		n, err := s.eraseFrom(ctx, b.name, b.is)
		erased += n
		if err != nil {
			return erased, fmt.Errorf("erase from page store: %w", err)
		}
	}
	if err := s.copyIfErased(); err != nil {
		return erased, fmt.Errorf("copy page store: %w", err)
	}
	return erased, nil
}

// is decodes a record for a question about it.
func is[T any](theirs func(T) bool) func([]byte) (bool, error) {
	return func(data []byte) (bool, error) {
		var v T
		err := codec.Unmarshal(data, &v)
		return err == nil && theirs(v), err
	}
}

// eraseFrom removes what is theirs from a bucket, some records at a time.
func (s *Store) eraseFrom(ctx context.Context, bucket string, theirs func([]byte) (bool, error)) (erased int, err error) {
	var from []byte
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return erased, err
		}
		var found [][]byte
		err := s.view(func(tx *bbolt.Tx) error {
			found, from, err = look(tx.Bucket([]byte(bucket)), from, theirs)
			return err
		})
		if err == nil && len(found) > 0 {
			err = s.update(func(tx *bbolt.Tx) error { return remove(tx, bucket, found) })
		}
		if err != nil {
			return erased, err
		}
		erased += len(found)
		more = from != nil
	}
	return erased, nil
}

// look returns the keys that are theirs among the next records from a key on, and the key to
// go on with: nil at the end.
func look(b *bbolt.Bucket, from []byte, theirs func([]byte) (bool, error)) (found [][]byte, next []byte, err error) {
	c := b.Cursor()
	k, v := c.Seek(from)
	for n := 0; k != nil; k, v = c.Next() {
		if n++; n > eraseAtOnce {
			return found, bytes.Clone(k), nil
		}
		yes, err := theirs(v)
		if err != nil {
			return nil, nil, fmt.Errorf("record %s: %w", k, err)
		}
		if yes {
			found = append(found, bytes.Clone(k))
		}
	}
	return found, nil, nil
}

// remove removes records, and notes that their bytes are still there.
func remove(tx *bbolt.Tx, bucket string, keys [][]byte) error {
	err := tx.Bucket([]byte(offsetsBucket)).Put([]byte(copyKey), nil)
	for _, k := range keys {
		err = errors.Join(err, tx.Bucket([]byte(bucket)).Delete(k))
		if bucket == pagesBucket {
			err = errors.Join(err, tx.Bucket([]byte(decisionsBucket)).Delete(k)) // that is behind the page
		}
	}
	return err
}

// copyIfErased copies the store to a new file, if bytes of what was erased may be in the
// present one: the library leaves them where they were until it needs the room.
func (s *Store) copyIfErased() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	due := false
	err := s.view(func(tx *bbolt.Tx) error {
		due = tx.Bucket([]byte(offsetsBucket)).Get([]byte(copyKey)) != nil
		return nil
	})
	if err != nil || !due {
		return err
	}
	path := s.cfg.Path + suffixNext
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	next, err := openFile(path)
	if err != nil {
		return err
	}
	if err := s.copyTo(next); err != nil {
		return errors.Join(err, next.Close(), os.Remove(path))
	}
	return s.swap(next, path)
}

func (s *Store) copyTo(next *bbolt.DB) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := bbolt.Compact(next, s.db, copyAtOnce); err != nil {
		return err
	}
	err := next.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(offsetsBucket)).Delete([]byte(copyKey)) })
	return errors.Join(err, next.Sync())
}

// swap makes a copy the store. The copy stays open under its new name.
func (s *Store) swap(next *bbolt.DB, path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Rename(path, s.cfg.Path); err != nil {
		return errors.Join(err, next.Close())
	}
	old := s.db
	s.db = next
	return old.Close()
}

// Done notes that a topic was read to an offset, of which nothing is stored.
func (s *Store) Done(pos Position) error {
	err := s.update(func(tx *bbolt.Tx) error { return putOffset(tx, pos) })
	if err != nil {
		return fmt.Errorf("note %s/%d@%d: %w", pos.Topic, pos.Partition, pos.Offset, err)
	}
	return nil
}

// view and update are those of the file that is the store now.
func (s *Store) view(f func(*bbolt.Tx) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.db.View(f)
}

func (s *Store) update(f func(*bbolt.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.db.Update(f)
}
