package inproc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrLocked says that another process uses the data directory.
var ErrLocked = errors.New("data directory is in use")

// dirLock is held by the one process that may use a data directory. The system lets go of
// it when the process ends, in whatever way.
type dirLock struct{ file *os.File }

func lockDir(dir string) (*dirLock, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(lockedError(dir, path, err), f.Close())
	}
	// The number is for the message of whoever finds the directory locked.
	if err := writePID(f); err != nil {
		return nil, errors.Join(fmt.Errorf("write lock: %w", err), f.Close())
	}
	return &dirLock{f}, nil
}

func lockedError(dir, path string, err error) error {
	if !errors.Is(err, errWouldBlock) {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	owner := "another process"
	if raw, err := os.ReadFile(path); err == nil && len(raw) > 0 && len(raw) < 32 {
		owner = "process " + strings.TrimSpace(string(raw))
	}
	return fmt.Errorf("%w: %s is held by %s; stop it or choose another directory", ErrLocked, dir, owner)
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}

// release lets go of the directory. The file stays: removing it would race with a process
// that has just opened it.
func (l *dirLock) release() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("release data directory: %w", err)
	}
	return nil
}
