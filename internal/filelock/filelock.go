// Package filelock lets one process at a time use a folder.
package filelock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrLocked says that another process has the folder.
var ErrLocked = errors.New("folder is in use")

// Lock is held by the one process that may use a folder. The system lets go of it when the
// process ends, in whatever way.
type Lock struct{ file *os.File }

// Take locks the folder of a file, which it makes; the folder is there. The error wraps
// [ErrLocked] when another process has it, and says which one.
func Take(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(lockedError(path, err), f.Close())
	}
	// The number is for the message of whoever finds the folder locked.
	if err := writePID(f); err != nil {
		return nil, errors.Join(fmt.Errorf("write lock: %w", err), f.Close())
	}
	return &Lock{f}, nil
}

func lockedError(path string, err error) error {
	if !errors.Is(err, errWouldBlock) {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	owner := "another process"
	if raw, err := os.ReadFile(path); err == nil && len(raw) > 0 && len(raw) < 32 {
		owner = "process " + strings.TrimSpace(string(raw))
	}
	return fmt.Errorf("%w: %s is held by %s; stop it or choose another folder", ErrLocked, filepath.Dir(path), owner)
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}

// Release lets go of the folder. The file stays: removing it would race with a process
// that has just opened it.
func (l *Lock) Release() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("release folder: %w", err)
	}
	return nil
}
