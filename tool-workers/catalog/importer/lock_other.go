//go:build !unix

package importer

import (
	"errors"
	"os"
)

// errWouldBlock says that the lock is taken.
var errWouldBlock = errors.New("locked")

// flock does nothing: without Unix, nothing keeps two imports out of one folder.
func flock(*os.File) error { return nil }
