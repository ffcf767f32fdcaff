//go:build !unix

package inproc

import (
	"errors"
	"os"
)

// errWouldBlock says that the lock is taken.
var errWouldBlock = errors.New("locked")

func flock(*os.File) error { return errors.New("data directories need a Unix system") }
