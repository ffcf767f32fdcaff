package importer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// kind is what a source holds. The order is the one in which sources are read: what others
// refer to comes first.
type kind int

const (
	kindMBArtist kind = iota
	kindArtists
	kindMBReleaseGroup
	kindAlbums
	kindMBRelease
	kindMBRecording
	kindTracks
	kindFeeds
	kindShows
	kindEpisodes
	kindPlaylists
	kindListens
	kindInteractions
)

func (k kind) String() string {
	return [...]string{
		"mb-artist", "artists", "mb-release-group", "albums", "mb-release", "mb-recording", "tracks",
		"feeds", "shows", "episodes", "playlists", "listens", "interactions",
	}[k]
}

// source is a file, or a list of feeds.
type source struct {
	name         string // path; as it is shown
	kind         kind
	size         int64 // bytes, or feeds
	modified     time.Time
	params       string
	segmentUnits int
	feeds        []feedRef // nil for a file
	open         func(ctx context.Context, from position) (units, parse, error)
}

// nameAt returns what a reject at a line is named after: the file, or the feed at that place.
func (s source) nameAt(line int64) string {
	if line >= 1 && line <= int64(len(s.feeds)) {
		return s.feeds[line-1].name
	}
	return s.name
}

// id names the folder of a source.
func (s source) id() string {
	sum := sha256.Sum256([]byte(s.name))
	return s.kind.String() + "-" + hex.EncodeToString(sum[:4])
}

// Reasons for which a source cannot be read.
var (
	errNoSource = errors.New("no such source") // a folder without what was expected in it
	errFolder   = errors.New("is a folder, want a file")
	errEmpty    = errors.New("the file is empty: want a first line with the names of the columns")
)

// plan lists the sources of a configuration in the order in which they are read.
func plan(cfg Config, words *words) ([]source, error) {
	p := planner{cfg: cfg, words: words}
	err := errors.Join(p.musicBrainz(), p.listens(), p.csv(), p.feeds())
	slices.SortStableFunc(p.out, func(a, b source) int { return cmp.Compare(a.kind, b.kind) })
	return p.out, err
}

type planner struct {
	cfg   Config
	words *words
	out   []source
}

// musicBrainz finds the files of a dump. Only those of releases may be missing.
func (p *planner) musicBrainz() error {
	if p.cfg.MusicBrainz == "" {
		return nil
	}
	files := []struct {
		kind   kind
		entity string
		parse  parse
	}{
		{kindMBArtist, "artist", mbParser{p.words}.artist},
		{kindMBReleaseGroup, "release-group", mbParser{p.words}.releaseGroup},
		{kindMBRelease, "release", mbParser{p.words}.release},
		{kindMBRecording, "recording", mbParser{p.words}.recording},
	}
	var errs []error
	for _, f := range files {
		name, err := findDump(p.cfg.MusicBrainz, f.entity)
		if f.kind == kindMBRelease && errors.Is(err, errNoSource) {
			continue
		}
		if err == nil {
			err = p.file(f.kind, name, lineFile{match: memberNamed(f.entity), parse: f.parse})
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// findDump returns the file that holds the entities of one type.
func findDump(dir, entity string) (string, error) {
	for _, form := range []string{"", ".json", ".jsonl", ".tar"} {
		for _, packed := range []string{"", ".gz", ".zst", ".xz"} {
			file := entity + form + packed
			if name := filepath.Join(dir, file); isFile(name) {
				return name, nil
			}
			if name := filepath.Join(dir, "mbdump", file); isFile(name) {
				return name, nil
			}
		}
	}
	return "", fmt.Errorf("%w: %s in %s", errNoSource, entity, dir)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// memberNamed matches the file of an archive with this name, in any folder.
func memberNamed(entity string) func(string) bool {
	return func(member string) bool { return path.Base(member) == entity }
}

func (p *planner) listens() error {
	isListens := func(member string) bool { return path.Ext(member) == ".listens" }
	var errs []error
	for _, name := range p.cfg.ListenBrainz {
		errs = append(errs, p.file(kindListens, name, lineFile{match: isListens, parse: parseListen}))
	}
	return errors.Join(errs...)
}

func (p *planner) csv() error {
	var errs []error
	for _, f := range p.cfg.CSV {
		table := newTable(f, p.words)
		anything := func(string) bool { return true }
		errs = append(errs, p.file(f.kind(), f.Path, lineFile{
			match: anything, parse: table.parse, header: table.header, params: fmt.Sprint(f.Map),
		}))
	}
	return errors.Join(errs...)
}

// lineFile is how a file of lines is read. A header makes it a CSV file.
type lineFile struct {
	match  func(member string) bool
	parse  parse
	header func(first unit) error
	params string
}

func (p *planner) file(k kind, name string, how lineFile) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s %w", name, errFolder)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", name, fs.ErrInvalid)
	}
	p.out = append(p.out, source{
		name: name, kind: k, size: info.Size(), modified: info.ModTime(), params: how.params,
		segmentUnits: p.cfg.SegmentUnits,
		open: func(ctx context.Context, from position) (units, parse, error) {
			return how.open(ctx, p.cfg, opening{name, from})
		},
	})
	return nil
}

// opening is which file to open, and where.
type opening struct {
	name string
	from position
}

func (f lineFile) open(ctx context.Context, cfg Config, what opening) (units, parse, error) {
	if f.header != nil {
		if err := f.readHeader(ctx, cfg, &what); err != nil {
			return nil, nil, fmt.Errorf("header of %s: %w", what.name, err)
		}
	}
	in, err := openInput(ctx, what.name, f.match)
	if err != nil {
		return nil, nil, err
	}
	lines, err := in.lines(cfg, f.header != nil, what.from)
	if err != nil {
		in.Close()
		return nil, nil, fmt.Errorf("resume %s: %w", what.name, err)
	}
	return &fileUnits{in: in, lines: lines}, f.parse, nil
}

// readHeader reads the first record of a CSV file. What follows it is read from its end on.
func (f lineFile) readHeader(ctx context.Context, cfg Config, what *opening) error {
	in, err := openInput(ctx, what.name, f.match)
	if err != nil {
		return err
	}
	defer in.Close()
	lines, err := in.lines(cfg, true, position{})
	if err != nil {
		return err
	}
	first, err := lines.next()
	if errors.Is(err, io.EOF) {
		return errEmpty
	}
	if err != nil {
		return err
	}
	if what.from == (position{}) {
		what.from = lines.at
	}
	return errors.Join(first.err, f.header(first))
}

// fileUnits is an open file of lines.
type fileUnits struct {
	in    *input
	lines *lineReader
}

func (f *fileUnits) next(ctx context.Context) (unit, error) {
	if err := ctx.Err(); err != nil {
		return unit{}, err
	}
	return f.lines.next()
}

func (f *fileUnits) progress() (position, int64) { return f.lines.at, f.in.consumed() }

func (f *fileUnits) close() { f.in.Close() }

// feeds makes one source of all feeds.
func (p *planner) feeds() error {
	list, err := listFeeds(p.cfg.RSS, p.cfg.OPML)
	if err != nil || len(list) == 0 {
		return err
	}
	hash := sha256.New()
	for _, ref := range list {
		fmt.Fprintln(hash, ref.name, ref.key, ref.remote)
		if info, err := os.Stat(ref.name); err == nil && !ref.remote {
			fmt.Fprintln(hash, info.Size(), info.ModTime().UnixNano())
		}
	}
	parser := feedParser{p.words}
	p.out = append(p.out, source{
		name: "feeds", kind: kindFeeds, size: int64(len(list)), params: hex.EncodeToString(hash.Sum(nil)), segmentUnits: 1, feeds: list,
		open: func(ctx context.Context, from position) (units, parse, error) {
			return newFetcher(ctx, p.cfg.Fetch, list, from), parser.parse, nil
		},
	})
	return nil
}
