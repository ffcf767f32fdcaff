package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
)

type catalogCmd struct {
	Import   catalogImportCmd   `cmd:"" help:"Build a catalogue from MusicBrainz, ListenBrainz, podcast feeds or CSV."`
	Generate catalogGenerateCmd `cmd:"" help:"Invent a catalogue of any size, with listeners, for load and tests."`
	Stats    catalogStatsCmd    `cmd:"" help:"What a catalogue holds."`
	Use      catalogUseCmd      `cmd:"" help:"Make a version that is there the current one; workers follow within seconds."`
}

type catalogImportCmd struct {
	Out          string            `required:"" help:"Folder of the catalogue; serve it with --catalog." placeholder:"DIR"`
	Work         string            `help:"Folder for what is read so far, so that an import that was stopped goes on (default: OUT/import)." placeholder:"DIR"`
	AsOf         string            `help:"The day that counts as today, YYYY-MM-DD (default: the day on which it is used)." placeholder:"DATE"`
	MusicBrainz  string            `name:"musicbrainz" type:"existingdir" help:"Folder with a MusicBrainz JSON dump: artist, release-group, recording, release." placeholder:"DIR"`
	ListenBrainz []string          `name:"listenbrainz" sep:"none" type:"existingfile" help:"ListenBrainz listens. Can be repeated." placeholder:"FILE"`
	RSS          []string          `name:"rss" sep:"none" help:"A podcast feed: a file, a folder of files, or an http(s) URL. Can be repeated." placeholder:"FILE|URL"`
	OPML         []string          `name:"opml" sep:"none" type:"existingfile" help:"A list of feeds. Can be repeated." placeholder:"FILE"`
	CSV          []string          `name:"csv" sep:"none" help:"A table: artists, albums, tracks, shows, episodes, playlists or interactions. Can be repeated." placeholder:"TABLE=FILE"`
	Map          map[string]string `name:"map" help:"The name that a column has in the header. Can be repeated." placeholder:"TABLE.COLUMN=NAME"`
	MaxRejects   float64           `default:"0.2" help:"Share of a source that may be rejected."`
	AllowPrivate bool              `help:"Fetch feeds from addresses that are not public too."`
}

// Run imports and prints what came of it.
func (c *catalogImportCmd) Run(ctx context.Context, p *program) error {
	task, err := c.task()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	bar := &progress{out: p.err}
	begin := time.Now()
	report, version, err := task.Run(ctx, func(s app.ImportStep) { bar.show(s.Name, s.Done, s.Total) })
	bar.end()
	if printErr := printImport(p.out, report); printErr != nil {
		return printErr
	}
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%w; say the same again to go on", err)
		}
		return err
	}
	fmt.Fprintf(p.out, "version %s is current in %s, after %.1f s\nserve it: pfr up --catalog %q\n", version, c.Out, time.Since(begin).Seconds(), c.Out)
	if report.Interactions > 0 {
		fmt.Fprintf(p.out, "learn from its %d interactions: pfr train recs --catalog %q\n", report.Interactions, c.Out)
	}
	return nil
}

func (c *catalogImportCmd) task() (app.CatalogImport, error) {
	task := app.NewCatalogImport(c.Out)
	task.Work, task.MusicBrainz, task.ListenBrainz, task.RSS, task.OPML = c.Work, c.MusicBrainz, c.ListenBrainz, c.RSS, c.OPML
	task.MaxRejects, task.Fetch.AllowPrivate = c.MaxRejects, c.AllowPrivate
	if task.Work == "" {
		task.Work = filepath.Join(c.Out, "import")
	}
	var err error
	if task.AsOf, err = day(c.AsOf); err == nil {
		task.CSV, err = c.tables()
	}
	return task, err
}

// tables reads --csv and --map.
func (c *catalogImportCmd) tables() ([]app.CSVFile, error) {
	columns := map[string]map[string]string{}
	for column, name := range c.Map {
		table, column, ok := strings.Cut(column, ".")
		if !ok {
			return nil, fmt.Errorf("--map %s=%s: want TABLE.COLUMN=NAME", table, name)
		}
		if columns[table] == nil {
			columns[table] = map[string]string{}
		}
		columns[table][column] = name
	}
	var files []app.CSVFile
	for _, arg := range c.CSV {
		table, file, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("--csv %s: want TABLE=FILE", arg)
		}
		files = append(files, app.CSVFile{Table: table, Path: file, Map: columns[table]})
	}
	for table := range columns {
		if !slices.ContainsFunc(files, func(f app.CSVFile) bool { return f.Table == table }) {
			return nil, fmt.Errorf("--map %s.…: there is no --csv %s=FILE", table, table)
		}
	}
	return files, nil
}

// day reads a date; "" is the zero time.
func day(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, fmt.Errorf("--as-of %s: want a date as YYYY-MM-DD", s)
	}
	return t, nil
}

func printImport(w io.Writer, r app.ImportReport) error {
	for _, s := range r.Sources {
		fmt.Fprintf(w, "%s: %d rows, %d rejects", s.Name, s.Rows, s.Rejects)
		for _, reason := range slices.Sorted(maps.Keys(s.Skipped)) {
			fmt.Fprintf(w, ", %d skipped (%s)", s.Skipped[reason], reason)
		}
		if s.Restaged {
			fmt.Fprint(w, ", read anew: what was staged was damaged")
		}
		fmt.Fprintln(w)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Entries)) {
		fmt.Fprintf(w, "%-10s %9d\n", kind, r.Entries[kind])
	}
	if r.Rejects == 0 {
		return nil
	}
	for _, reject := range r.First {
		fmt.Fprintln(w, reject)
	}
	_, err := fmt.Fprintf(w, "%d rejects in all, listed in %s\n", r.Rejects, r.RejectsFile)
	return err
}

type catalogGenerateCmd struct {
	Out       string `required:"" help:"Folder of the catalogue; serve it with --catalog." placeholder:"DIR"`
	Tracks    int    `default:"100000" help:"How many tracks; artists and releases follow."`
	Shows     int    `default:"-1" help:"How many podcasts (default: one for 200 tracks)."`
	Episodes  int    `default:"-1" help:"How many episodes (default: twenty for each podcast)."`
	Playlists int    `default:"-1" help:"How many playlists (default: one for 500 tracks)."`
	Users     int    `default:"0" help:"How many listeners, whose plays are kept as interactions."`
	AsOf      string `default:"2025-06-28" help:"The day that counts as today."`
	Seed      uint64 `default:"1" help:"Equal seeds and sizes give equal catalogues."`
}

// Run generates.
func (c *catalogGenerateCmd) Run(p *program) error {
	asOf, err := day(c.AsOf)
	if err != nil {
		return err
	}
	or := func(n, otherwise int) int {
		if n >= 0 {
			return n
		}
		return otherwise
	}
	g := app.CatalogGeneration{Dir: c.Out, Listeners: c.Users, Seed: c.Seed}
	g.Tracks, g.Shows, g.Playlists, g.AsOf = c.Tracks, or(c.Shows, c.Tracks/200), or(c.Playlists, c.Tracks/500), asOf
	g.Episodes = or(c.Episodes, 20*g.Shows)
	begin := time.Now()
	version, err := g.Run()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "version %s is current in %s, after %.1f s\nserve it: pfr up --catalog %q\n", version, c.Out, time.Since(begin).Seconds(), c.Out)
	return nil
}

type catalogStatsCmd struct {
	JSON bool   `name:"json" help:"As JSON."`
	Dir  string `arg:"" optional:"" type:"existingdir" help:"Folder of the catalogue (default: the embedded sample)."`
}

// Run prints what the catalogue holds.
func (c *catalogStatsCmd) Run(p *program) error {
	s, err := app.StatCatalog(c.Dir)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.out)
		out.SetIndent("", "  ")
		return out.Encode(s)
	}
	fmt.Fprintf(p.out, "version %s, as of %s, opened in %.0f ms\n", s.Version, s.AsOf, s.OpenedMS)
	for _, kind := range []string{"artist", "album", "track", "show", "episode", "playlist"} {
		fmt.Fprintf(p.out, "%-10s %9d\n", kind, s.Entries[kind])
	}
	if s.Bytes > 0 {
		fmt.Fprintf(p.out, "%.1f MB in files", float64(s.Bytes)/1e6)
		if n := s.Entries["track"]; n > 0 {
			fmt.Fprintf(p.out, ", %.0f bytes a track", float64(s.Bytes)/float64(n))
		}
		fmt.Fprintln(p.out)
	}
	if s.Models != "" {
		fmt.Fprintf(p.out, "recommenders: %s\n", s.Models)
	}
	for i, v := range s.Versions {
		if i == 0 {
			fmt.Fprintln(p.out, "versions:")
		}
		fmt.Fprintln(p.out, "  "+v)
	}
	return nil
}

type catalogUseCmd struct {
	Models  bool   `help:"A version of the recommenders."`
	Dir     string `arg:"" type:"existingdir" help:"Folder of the catalogue."`
	Version string `arg:"" help:"A version that 'pfr catalog stats' lists."`
}

// Run points to the version.
func (c *catalogUseCmd) Run(p *program) error {
	use := app.UseCatalog
	if c.Models {
		use = app.UseModels
	}
	if err := use(c.Dir, c.Version); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "version %s is current in %s\n", c.Version, c.Dir)
	return err
}
