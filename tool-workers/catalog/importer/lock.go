package importer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errBusy says that another import uses the work folder.
var errBusy = errors.New("another import uses the work folder")

// workLock is held by the one import that may use a work folder. The system lets go of it
// when the process ends, in whatever way. Its file stays: to remove it would race with an
// import that has just opened it.
type workLock struct{ file *os.File }

// lockWork fails at once, with errBusy, when the folder is in use.
func lockWork(dir string) (*workLock, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = flock(f)
	if err == nil {
		return &workLock{f}, nil
	}
	if errors.Is(err, errWouldBlock) {
		err = fmt.Errorf("%w %s: wait for it, or choose another folder", errBusy, dir)
	} else {
		err = fmt.Errorf("lock %s: %w", dir, err)
	}
	return nil, errors.Join(err, f.Close())
}

// release lets go of the folder. Of a nil lock there is nothing to let go of.
func (l *workLock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
