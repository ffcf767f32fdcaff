package filelock_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/filelock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOneHasTheFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := filelock.Take(dir + "/lock")
	if err != nil {
		t.Fatal(err)
	}
	_, err = filelock.Take(dir + "/lock")
	if !errors.Is(err, filelock.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(dir, " is held by process ", os.Getpid())) {
		t.Errorf("the second one gets %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := filelock.Take(dir + "/lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Take(dir + "/missing/lock"); err == nil {
		t.Error("a folder that is not there is locked")
	}
}
