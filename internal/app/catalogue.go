package app

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/generate"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/importer"
	"github.com/parallel-fusion/pfr/tool-workers/search"
)

// CatalogImport says what is imported, and where it goes.
type CatalogImport struct {
	Dir  string    // of the catalogue
	AsOf time.Time // the day that counts as today; zero for the day on which it is used
	importer.Config
}

// ImportReport is what came of an import.
type ImportReport = importer.Report

// ImportStep is how far an import is.
type ImportStep = importer.Step

// CSVFile is a table to import.
type CSVFile = importer.CSVFile

// NewCatalogImport returns an import into dir with bounds that suit sources of any size.
func NewCatalogImport(dir string) CatalogImport {
	return CatalogImport{Dir: dir, Config: importer.DefaultConfig()}
}

// Run imports the sources into a new version of the catalogue, and makes it current when
// everything went well. The report is complete as far as it came, also with an error.
func (i CatalogImport) Run(ctx context.Context, progress func(ImportStep)) (report ImportReport, version string, err error) {
	made, err := publishVersion(ToolsConfig{Catalog: i.Dir}.catalogFolder(), func(fresh string) (name string, err error) {
		b, err := newBuild(fresh, i.AsOf)
		if err != nil {
			return "", err
		}
		defer b.abandon()
		target := importer.Target{Catalogue: b.rows, Interaction: b.played, Publish: func() (err error) {
			progress(ImportStep{Name: "search index and files"})
			name, err = b.finish()
			return err
		}}
		report, err = importer.Run(ctx, i.Config, target, progress)
		return name, err
	})
	return report, made.Name, err
}

// CatalogGeneration says what is invented, and where it goes.
type CatalogGeneration struct {
	Dir       string
	Listeners int
	Seed      uint64
	generate.Sizes
}

// Run invents a catalogue and its listeners and makes it current.
func (g CatalogGeneration) Run() (version string, err error) {
	made, err := publishVersion(ToolsConfig{Catalog: g.Dir}.catalogFolder(), func(fresh string) (string, error) {
		b, err := newBuild(fresh, g.AsOf)
		if err != nil {
			return "", err
		}
		defer b.abandon()
		if err := generate.Catalogue(b.rows, g.Sizes, g.Seed); err != nil {
			return "", fmt.Errorf("generate: %w", err)
		}
		if err := generate.Listeners(b.played, g.Sizes, g.Listeners, g.Seed); err != nil {
			return "", fmt.Errorf("generate: %w", err)
		}
		return b.finish()
	})
	return made.Name, err
}

// build is a version of a catalogue that is being made in a folder.
type build struct {
	dir   string
	rows  *catalog.Builder
	file  *os.File // of the interactions
	zip   *gzip.Writer
	plays *csv.Writer
	sum   hash.Hash // of the interactions
	any   bool
}

func newBuild(dir string, asOf time.Time) (*build, error) {
	f, err := os.OpenFile(filepath.Join(dir, playsFile), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // it names people
	if err != nil {
		return nil, err
	}
	b := &build{dir: dir, rows: catalog.NewBuilder(asOf), file: f, zip: gzip.NewWriter(f), sum: sha256.New()}
	b.plays = csv.NewWriter(io.MultiWriter(b.zip, b.sum))
	return b, b.plays.Write([]string{"user", "item", "weight", "timestamp"})
}

// played writes down an interaction.
func (b *build) played(user, item string, weight float64, at time.Time) error {
	b.any = true
	seconds := ""
	if !at.IsZero() {
		seconds = strconv.FormatInt(at.Unix(), 10)
	}
	return b.plays.Write([]string{user, item, strconv.FormatFloat(weight, 'g', -1, 64), seconds})
}

// finish writes the files and returns the name of the version.
func (b *build) finish() (string, error) {
	b.plays.Flush()
	if err := errors.Join(b.plays.Error(), b.zip.Close(), b.file.Close()); err != nil {
		return "", fmt.Errorf("write interactions: %w", err)
	}
	if !b.any {
		if err := os.Remove(b.file.Name()); err != nil {
			return "", err
		}
	}
	c, err := b.rows.Build()
	if err != nil {
		return "", fmt.Errorf("build catalogue: %w", err)
	}
	if empty(c) {
		return "", errors.New("no entry was accepted: the catalogue stays as it was")
	}
	err = errors.Join(
		writeFile(filepath.Join(b.dir, catalogFile), c.Write),
		writeFile(filepath.Join(b.dir, searchFile), func(w io.Writer) error { return search.Build(c, w) }))
	if !b.any {
		return c.Version, err
	}
	return c.Version + "-" + hex.EncodeToString(b.sum.Sum(nil)[:3]), err
}

// abandon closes what finish would have closed.
func (b *build) abandon() { _ = b.file.Close() } // of no matter: after finish it is closed already

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = write(w)
	return errors.Join(err, w.Flush(), f.Close())
}

// CatalogStats is what a catalogue holds.
type CatalogStats struct {
	Version  string         `json:"version"`
	AsOf     string         `json:"as_of"` // the day that counts as today
	Entries  map[string]int `json:"entries"`
	Bytes    int64          `json:"bytes"`              // of its files
	Models   string         `json:"models,omitempty"`   // version of the recommenders
	Versions []string       `json:"versions,omitempty"` // that are there, the newest first
	OpenedMS float64        `json:"opened_ms"`          // how long it took to be ready
}

// StatCatalog opens the catalogue in dir, "" for the sample, and says what it holds.
func StatCatalog(dir string) (CatalogStats, error) {
	begin := time.Now()
	c, err := openCollection(ToolsConfig{Catalog: dir})
	if err != nil {
		return CatalogStats{}, err
	}
	s := CatalogStats{
		Version: c.catalog.Version, AsOf: c.catalog.AsOf.Format(time.DateOnly), Entries: map[string]int{},
		Models: c.from[1].Name, OpenedMS: float64(time.Since(begin).Microseconds()) / 1000,
	}
	for _, t := range catalog.Types() {
		s.Entries[string(t)] = c.catalog.Count(t)
	}
	if c.from[0].Name == "" {
		return s, nil
	}
	for _, name := range []string{catalogFile, searchFile} {
		info, err := os.Stat(c.from[0].File(name))
		if err != nil {
			return s, err
		}
		s.Bytes += info.Size()
	}
	all, err := ToolsConfig{Catalog: dir}.catalogFolder().List()
	for _, v := range all {
		s.Versions = append(s.Versions, v.Name)
	}
	return s, err
}
