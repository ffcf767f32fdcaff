package outcome

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
)

// Files of a [Store].
const (
	fileCurrent  = "outcomes.snapshot"
	filePrevious = "outcomes.snapshot.previous"
	fileNext     = "outcomes.snapshot.next" // not yet whole
)

// Saver is what a [Store] keeps: a [Join].
type Saver interface {
	Save(w io.Writer) error
	Load(r io.Reader) error
}

// Store keeps the last two snapshots in a folder. It has one owner.
type Store struct {
	folder   string
	log      *slog.Logger
	failures prometheus.Counter
}

// NewStore returns the store of a folder, which is made if it is not there. Snapshots that
// fail are counted in reg.
func NewStore(folder string, log *slog.Logger, reg prometheus.Registerer) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("folder of snapshots: %w", err)
	}
	return &Store{folder: folder, log: log, failures: newFailures(reg)}, nil
}

// Save writes a snapshot. At any moment, also in a crash, a whole one is there.
func (s *Store) Save(j Saver) error {
	err := s.save(j)
	if err != nil {
		s.failures.Inc()
	}
	return err
}

func (s *Store) save(j Saver) error {
	if err := s.write(j); err != nil {
		return errors.Join(fmt.Errorf("write snapshot: %w", err), ignoreAbsent(os.Remove(s.path(fileNext))))
	}
	err := ignoreAbsent(os.Rename(s.path(fileCurrent), s.path(filePrevious)))
	if err == nil {
		err = os.Rename(s.path(fileNext), s.path(fileCurrent))
	}
	if err == nil {
		err = syncFolder(s.folder)
	}
	if err != nil {
		return fmt.Errorf("keep snapshot: %w", err)
	}
	return nil
}

func (s *Store) write(j Saver) error {
	f, err := os.OpenFile(s.path(fileNext), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = j.Save(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Load reads the last snapshot that is whole. It reports false, and the Join is empty, if
// there is none: both topics must be read from their start then.
func (s *Store) Load(j Saver) (found bool, err error) {
	for _, name := range []string{fileCurrent, filePrevious} {
		switch err := s.read(j, name); {
		case err == nil:
			return true, nil
		case errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, ErrDamaged):
			s.log.Warn("snapshot of outcomes cannot be used", "file", name, "err", err)
		default:
			return false, fmt.Errorf("read snapshot: %w", err)
		}
	}
	return false, nil
}

func (s *Store) read(j Saver, name string) error {
	f, err := os.Open(s.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return j.Load(bufio.NewReaderSize(f, 1<<20))
}

// DropPrevious removes the snapshot before the last one, which still holds what was erased
// before the last one was saved.
func (s *Store) DropPrevious() error {
	if err := ignoreAbsent(os.Remove(s.path(filePrevious))); err != nil {
		return fmt.Errorf("drop previous snapshot: %w", err)
	}
	return syncFolder(s.folder)
}

func (s *Store) path(name string) string { return filepath.Join(s.folder, name) }

// syncFolder makes renames durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
