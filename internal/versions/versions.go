// Package versions keeps several versions of something in a folder, one of which is
// current: a catalogue, a model. A version is a folder of files that are never changed; a
// new one appears whole or not at all, and readers follow it while they work.
//
//	DIR/current        the name of the current version
//	DIR/NAME/          a version, marked by the file .version
//	DIR/.new-*         a version that is being made, or the leftovers of one
package versions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ErrNone is returned when a folder has no current version.
var ErrNone = errors.New("no version is there")

const (
	currentFile = "current"
	newPrefix   = ".new-"
	marker      = ".version" // in what Publish has made; what does not have it is not ours to list or remove
)

// Folder is a folder of versions. It need not exist before the first Publish.
type Folder struct{ dir string }

// In returns the folder at dir.
func In(dir string) Folder { return Folder{dir} }

// name is what a version may be called.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Version is one version.
type Version struct {
	Name string
	Dir  string
}

// File returns the path of one of its files.
func (v Version) File(name string) string { return filepath.Join(v.Dir, name) }

// Current returns the current version. Its errors wrap ErrNone when there is none.
func (f Folder) Current() (Version, error) {
	text, err := os.ReadFile(filepath.Join(f.dir, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Version{}, fmt.Errorf("%s: %w", f.dir, ErrNone)
	}
	if err != nil {
		return Version{}, fmt.Errorf("current version: %w", err)
	}
	current := strings.TrimSpace(string(text))
	if !name.MatchString(current) {
		return Version{}, fmt.Errorf("%s: %q is no name of a version", filepath.Join(f.dir, currentFile), current)
	}
	return Version{current, filepath.Join(f.dir, current)}, nil
}

// Publish makes a version and makes it current. fill gets an empty folder and returns the
// name of what it made, which takes the place of a version of that name. When fill fails
// nothing has changed.
func (f Folder) Publish(fill func(dir string) (name string, err error)) (Version, error) {
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return Version{}, fmt.Errorf("publish: %w", err)
	}
	fresh, err := os.MkdirTemp(f.dir, newPrefix)
	if err != nil {
		return Version{}, fmt.Errorf("publish: %w", err)
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	made, err := fill(fresh)
	if err != nil {
		return Version{}, err
	}
	if !name.MatchString(made) {
		return Version{}, fmt.Errorf("publish: %q is no name of a version", made)
	}
	v := Version{made, filepath.Join(f.dir, made)}
	mark := os.WriteFile(filepath.Join(fresh, marker), []byte(made+"\n"), 0o644) //nolint:gosec // it is for anybody to read
	if err := errors.Join(mark, syncAll(fresh), os.Chmod(fresh, 0o755)); err != nil {
		return Version{}, fmt.Errorf("publish %s: %w", made, err)
	}
	if err := f.place(fresh, v.Dir); err != nil {
		return Version{}, fmt.Errorf("publish %s: %w", made, err)
	}
	return v, f.point(made)
}

// place moves a finished version to its folder, in place of what is there: that may be
// damaged.
func (f Folder) place(fresh, dir string) error {
	if !exists(dir) {
		return os.Rename(fresh, dir)
	}
	if !exists(filepath.Join(dir, marker)) {
		return fmt.Errorf("%s is there, and is no version", dir)
	}
	old, err := os.MkdirTemp(f.dir, newPrefix)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(old) }()
	return errors.Join(os.Rename(dir, filepath.Join(old, "old")), os.Rename(fresh, dir))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Use makes a version that is there the current one, so that a bad one can be taken back.
func (f Folder) Use(version string) error {
	if !name.MatchString(version) || !exists(filepath.Join(f.dir, version)) {
		return fmt.Errorf("%s: %w of the name %q", f.dir, ErrNone, version)
	}
	return f.point(version)
}

// point names the current version, in one step.
func (f Folder) point(version string) error {
	pointer, err := os.CreateTemp(f.dir, newPrefix)
	if err != nil {
		return fmt.Errorf("publish %s: %w", version, err)
	}
	_, err = fmt.Fprintln(pointer, version)
	err = errors.Join(err, pointer.Sync(), pointer.Close(), os.Chmod(pointer.Name(), 0o644))
	if err == nil {
		err = os.Rename(pointer.Name(), filepath.Join(f.dir, currentFile))
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w", version, errors.Join(err, os.Remove(pointer.Name())))
	}
	return syncFile(f.dir)
}

// syncAll makes everything below dir durable.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncFile(path)
	})
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// List returns every version, the newest first.
func (f Folder) List() ([]Version, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	type dated struct {
		Version
		at time.Time
	}
	var all []dated
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && e.IsDir() && name.MatchString(e.Name()) && exists(filepath.Join(f.dir, e.Name(), marker)) {
			all = append(all, dated{Version{e.Name(), filepath.Join(f.dir, e.Name())}, info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b dated) int { return cmp.Or(b.at.Compare(a.at), strings.Compare(a.Name, b.Name)) })
	out := make([]Version, len(all))
	for i, v := range all {
		out[i] = v.Version
	}
	return out, nil
}

// Prune removes all but the current version and so many others, the newest of them, and
// leftovers of versions that were never finished a day ago or more.
func (f Folder) Prune(keep int) error {
	current, err := f.Current()
	if err != nil {
		return err
	}
	all, err := f.List()
	if err != nil {
		return err
	}
	var errs []error
	for _, v := range all {
		if v.Name == current.Name {
			continue
		}
		if keep--; keep < 0 {
			errs = append(errs, os.RemoveAll(v.Dir))
		}
	}
	return errors.Join(append(errs, f.sweep())...)
}

// abandoned is how old something half made is that nobody is still making.
const abandoned = 24 * time.Hour

func (f Folder) sweep() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), newPrefix) && time.Since(info.ModTime()) > abandoned {
			errs = append(errs, os.RemoveAll(filepath.Join(f.dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// Watch says from where on a folder is followed.
type Watch struct {
	Known Version // the zero Version for none
	Every time.Duration
}

// Follow calls changed with each version that becomes current after the known one, until
// ctx ends. It looks every so often. A version that changed cannot use goes to failed with
// its error, and is offered again once somebody points to it anew. A folder without a
// version is no error: there may be one later.
func (f Folder) Follow(ctx context.Context, w Watch, changed func(Version) error, failed func(error)) {
	type pointer struct {
		name string
		at   time.Time // when it was written
	}
	seen, good := pointer{w.Known.Name, f.pointed()}, w.Known.Name
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		at := f.pointed() // before the name: what is newer than both is seen next time
		v, err := f.Current()
		now := pointer{v.Name, at}
		if errors.Is(err, ErrNone) || now == seen {
			continue
		}
		seen = now
		if err == nil && v.Name != good {
			if err = changed(v); err == nil {
				good = v.Name
			}
		}
		if err != nil {
			failed(err)
		}
	}
}

// pointed returns when the current version became that, the zero time if there is none.
func (f Folder) pointed() time.Time {
	info, err := os.Stat(filepath.Join(f.dir, currentFile))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
