package versions_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/versions"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fill makes a version with one file.
func fill(name, text string) func(string) (string, error) {
	return func(dir string) (string, error) {
		return name, os.WriteFile(filepath.Join(dir, "data"), []byte(text), 0o600)
	}
}

func publish(t *testing.T, f versions.Folder, name, text string) {
	t.Helper()
	if _, err := f.Publish(fill(name, text)); err != nil {
		t.Fatal(err)
	}
}

// now returns what the current version holds.
func now(t *testing.T, f versions.Folder) string {
	t.Helper()
	v, err := f.Current()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(v.File("data"))
	if err != nil {
		t.Fatal(err)
	}
	return v.Name + " " + string(text)
}

func TestNothingIsCurrentAtFirst(t *testing.T) {
	if _, err := versions.In(filepath.Join(t.TempDir(), "none")).Current(); !errors.Is(err, versions.ErrNone) {
		t.Errorf("error %v", err)
	}
}

func TestPublishIsWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	f := versions.In(dir)
	publish(t, f, "one", "1")
	broken := errors.New("broken")
	_, err := f.Publish(func(dir string) (string, error) {
		return "two", errors.Join(os.WriteFile(filepath.Join(dir, "data"), nil, 0o600), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, err := f.Publish(fill("../out", "x")); err == nil {
		t.Error("a version may leave its folder")
	}
	if got := now(t, f); got != "one 1" {
		t.Errorf("current is %s", got)
	}
	publish(t, f, "two", "2")
	publish(t, f, "one", "mended")
	if got := now(t, f); got != "one mended" {
		t.Errorf("current is %s, want what was published last", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("leftovers %v, %v", left, err)
	}
}

func TestUseTakesAVersionBack(t *testing.T) {
	f := versions.In(t.TempDir())
	publish(t, f, "one", "1")
	publish(t, f, "two", "2")
	if err := f.Use("one"); err != nil {
		t.Fatal(err)
	}
	if got := now(t, f); got != "one 1" {
		t.Errorf("current is %s", got)
	}
	if err := f.Use("three"); !errors.Is(err, versions.ErrNone) {
		t.Errorf("error %v", err)
	}
}

func TestPruneKeepsTheCurrentAndTheNewest(t *testing.T) {
	dir := t.TempDir()
	f := versions.In(dir)
	for i, name := range []string{"a", "b", "c", "d"} {
		publish(t, f, name, name)
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Use("a"); err != nil {
		t.Fatal(err)
	}
	if err := f.Prune(1); err != nil {
		t.Fatal(err)
	}
	all, err := f.List()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range all {
		names = append(names, v.Name)
	}
	if !slices.Equal(names, []string{"d", "a"}) {
		t.Errorf("left are %v", names)
	}
}

// A folder may hold other things, which are nobody's to remove.
func TestOtherFoldersStay(t *testing.T) {
	dir := t.TempDir()
	f := versions.In(dir)
	other := filepath.Join(dir, "photos")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	publish(t, f, "one", "1")
	if _, err := f.Publish(fill("photos", "x")); err == nil {
		t.Error("a version takes the place of another folder")
	}
	if err := f.Prune(0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
	if all, err := f.List(); err != nil || len(all) != 1 {
		t.Errorf("versions %v, %v", all, err)
	}
}

func TestFollowSeesEachVersionOnce(t *testing.T) {
	f := versions.In(t.TempDir())
	publish(t, f, "one", "1")
	known, err := f.Current()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		seen := make(chan string, 8)
		failures := make(chan error, 8)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			f.Follow(ctx, versions.Watch{Known: known, Every: time.Second}, func(v versions.Version) error {
				seen <- v.Name
				if v.Name == "bad" {
					return errors.New("unusable")
				}
				return nil
			}, func(err error) { failures <- err })
		}()
		step := func() {
			time.Sleep(2 * time.Second)
			synctest.Wait()
		}
		step()
		publish(t, f, "two", "2")
		step()
		step()
		publish(t, f, "bad", "")
		step()
		step()
		publish(t, f, "two", "2")
		step()
		publish(t, f, "bad", "")
		step()
		cancel()
		<-ended
		close(seen)
		close(failures)
		var names []string
		for name := range seen {
			names = append(names, name)
		}
		if !slices.Equal(names, []string{"two", "bad", "bad"}) || len(failures) != 2 { // it is two that goes on in between
			t.Errorf("saw %v with %d failures", names, len(failures))
		}
	})
}
