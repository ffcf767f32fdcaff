package main

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The files under deploy are what the tables say: nobody edits them by hand.
func TestFilesAreUpToDate(t *testing.T) {
	for _, b := range boards() {
		want, err := b.render()
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(filepath.Join("../../../deploy/grafana", b.file()))
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != string(want) {
			t.Errorf("%s is not what the tables say: go run ./test/analytics/dashboards deploy/grafana", b.file())
		}
	}
}

func TestRunNeedsAFolder(t *testing.T) {
	if err := run(nil); err == nil {
		t.Error("no error without a folder")
	}
	dir := t.TempDir()
	if err := run([]string{dir}); err != nil {
		t.Fatal(err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*.json")); err != nil || len(files) != len(boards()) {
		t.Errorf("wrote %q, %v", files, err)
	}
	if err := run([]string{filepath.Join(dir, "missing")}); err == nil {
		t.Error("no error for a folder that is not there")
	}
}
