//go:build !unix

package filelock

import (
	"errors"
	"os"
)

// errWouldBlock says that the lock is taken.
var errWouldBlock = errors.New("locked")

func flock(*os.File) error { return errors.New("locks on folders need a Unix system") }
