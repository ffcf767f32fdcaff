package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Names beside the tables, and of the one file in each that is no chunk. Spark and PyArrow
// pass over names that begin with an underscore.
const (
	tempFolder  = "_tmp"   // files that are being written, or wait for their move
	stateFolder = "_state" // one file for each partition
	lockFile    = "_lock"
	emptyFile   = "_empty.parquet" // of a table: no rows, every column
)

// Who belongs to the group may read: analysts are other people than the exporter.
const (
	folderMode = 0o750
	fileMode   = 0o640
)

// step is a change of the folder: create, write, sync, rename, syncdir, mkdir or remove.
type step struct {
	op, name string
	to       string // of rename
}

// stepFunc sees a step before it is taken. Its error fails the step.
type stepFunc func(step) error

// disk is what changes the folder. Names are relative to the root, with slashes.
type disk struct {
	root string
	step stepFunc // nil but in tests
}

func (d disk) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

// sync waits until a file or folder is on the disk. A hook decides by itself what lasts.
func (d disk) sync(f *os.File) error {
	if d.step != nil {
		return nil
	}
	return f.Sync()
}

func (d disk) before(s step) error {
	if d.step == nil {
		return nil
	}
	if err := d.step(s); err != nil {
		return &fs.PathError{Op: s.op, Path: d.path(s.name), Err: err}
	}
	return nil
}

// makeRoot makes the folder itself and those beside the tables.
func (d disk) makeRoot() error {
	if err := os.MkdirAll(d.root, folderMode); err != nil {
		return err
	}
	return errors.Join(d.mkdir(tempFolder), d.mkdir(stateFolder))
}

// mkdir makes a folder and those above it, each lastingly.
func (d disk) mkdir(name string) error {
	if info, err := os.Stat(d.path(name)); err == nil && info.IsDir() {
		return nil
	}
	if up := path.Dir(name); up != "." {
		if err := d.mkdir(up); err != nil {
			return err
		}
	}
	if err := d.before(step{op: "mkdir", name: name}); err != nil {
		return err
	}
	if err := os.Mkdir(d.path(name), folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.syncDir(path.Dir(name))
}

// write makes or replaces a file, and returns when its contents are on the disk.
func (d disk) write(name string, fill func(io.Writer) error) error {
	if err := d.before(step{op: "create", name: name}); err != nil {
		return err
	}
	f, err := os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	err = fill(&stepWriter{d, name, f})
	if err == nil {
		err = d.before(step{op: "sync", name: name})
	}
	if err == nil {
		err = d.sync(f)
	}
	return errors.Join(err, f.Close())
}

// stepWriter shows each write to the hook.
type stepWriter struct {
	disk disk
	name string
	file *os.File
}

func (w *stepWriter) Write(p []byte) (int, error) {
	if err := w.disk.before(step{op: "write", name: w.name}); err != nil {
		return 0, err
	}
	return w.file.Write(p)
}

// rename moves a file; syncDir of the folders makes the move last.
func (d disk) rename(from, to string) error {
	if err := d.before(step{op: "rename", name: from, to: to}); err != nil {
		return err
	}
	return os.Rename(d.path(from), d.path(to))
}

func (d disk) syncDir(name string) error {
	if err := d.before(step{op: "syncdir", name: name}); err != nil {
		return err
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		return err
	}
	return errors.Join(d.sync(f), f.Close())
}

func (d disk) remove(name string) error {
	if err := d.before(step{op: "remove", name: name}); err != nil {
		return err
	}
	return os.Remove(d.path(name))
}

func (d disk) exists(name string) (bool, error) {
	_, err := os.Stat(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// files returns the names of the files of a table that hold chunks, in order.
func (d disk) files(table string) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(d.path(table), "date=*", "market=*", "*.parquet"))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", table, err)
	}
	var chunks []string
	for _, name := range names {
		rel, err := filepath.Rel(d.root, name)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", table, err)
		}
		if path.Base(filepath.ToSlash(rel)) != emptyFile {
			chunks = append(chunks, filepath.ToSlash(rel))
		}
	}
	return chunks, nil
}

// replace makes or replaces a file at once and lastingly, by way of a temporary one.
func (d disk) replace(name string, fill func(io.Writer) error) error {
	temp := path.Join(tempFolder, "replace-"+path.Base(name))
	if err := d.write(temp, fill); err != nil {
		return err
	}
	if err := d.rename(temp, name); err != nil {
		return err
	}
	return d.syncDir(path.Dir(name))
}
