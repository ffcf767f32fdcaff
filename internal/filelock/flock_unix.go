//go:build unix

package filelock

import (
	"os"
	"syscall"
)

// errWouldBlock says that the lock is taken.
var errWouldBlock = syscall.EWOULDBLOCK

func flock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
