package importer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/importer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tape hears everything that an import says, in order.
type tape struct {
	lines     []string
	artists   []catalog.ArtistRow
	albums    []catalog.AlbumRow
	tracks    []catalog.TrackRow
	shows     []catalog.ShowRow
	episodes  []catalog.EpisodeRow
	playlists []catalog.PlaylistRow
	plays     []string
	published int
	refuse    error // every row, if not nil
}

func (p *tape) say(row any) error {
	p.lines = append(p.lines, fmt.Sprintf("%T %+v", row, row))
	return p.refuse
}

func (p *tape) AddArtist(r catalog.ArtistRow) error {
	p.artists = append(p.artists, r)
	return p.say(r)
}

func (p *tape) AddAlbum(r catalog.AlbumRow) error {
	p.albums = append(p.albums, r)
	return p.say(r)
}

func (p *tape) AddTrack(r catalog.TrackRow) error {
	p.tracks = append(p.tracks, r)
	return p.say(r)
}

func (p *tape) AddShow(r catalog.ShowRow) error {
	p.shows = append(p.shows, r)
	return p.say(r)
}

func (p *tape) AddEpisode(r catalog.EpisodeRow) error {
	p.episodes = append(p.episodes, r)
	return p.say(r)
}

func (p *tape) AddPlaylist(r catalog.PlaylistRow) error {
	p.playlists = append(p.playlists, r)
	return p.say(r)
}

func (p *tape) interaction(user, item string, weight float64, at time.Time) error {
	play := fmt.Sprint(user, " ", item, " ", weight, " ", at.Unix())
	if at.IsZero() {
		play = fmt.Sprint(user, " ", item, " ", weight)
	}
	p.plays = append(p.plays, play)
	return p.say(play)
}

func (p *tape) target() importer.Target {
	return importer.Target{Catalogue: p, Interaction: p.interaction, Publish: func() error {
		p.published++
		return nil
	}}
}

// write puts files into a folder of their own.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func config(t *testing.T) importer.Config {
	t.Helper()
	cfg := importer.DefaultConfig()
	cfg.Work = t.TempDir()
	cfg.MaxRejects = 1
	return cfg
}

// run imports and expects no error.
func run(t *testing.T, cfg importer.Config) (*tape, importer.Report) {
	t.Helper()
	p := &tape{}
	r, err := importer.Run(t.Context(), cfg, p.target(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, r
}

// dump is a MusicBrainz dump of these lines.
func dump(t *testing.T, artists, groups, recordings []string) string {
	t.Helper()
	return write(t, map[string]string{
		"artist": strings.Join(artists, "\n"), "release-group": strings.Join(groups, "\n"), "recording": strings.Join(recordings, "\n"),
	})
}

// id returns an MBID that ends in n.
func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func credit(parts ...string) string {
	var b strings.Builder
	for i := 0; i+2 < len(parts); i += 3 {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, `{"name":%q,"joinphrase":%q,"artist":{"id":%q,"name":%q}}`, parts[i], parts[i+2], parts[i+1], parts[i])
	}
	return `"artist-credit":[` + b.String() + `]`
}

func TestConfigReportsEveryProblem(t *testing.T) {
	cfg := importer.Config{MaxRejects: 2, CSV: []importer.CSVFile{{Table: "songs", Path: "x"}, {Table: "artists", Map: map[string]string{"nam": "x"}}}}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("an empty configuration is valid")
	}
	for _, want := range []string{"work folder", "share of rejects", `"songs"`, `"nam"`, "no file", "timeout", "in flight", "bytes of a unit"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in: %v", want, err)
		}
	}
}

func TestTooManyRejectsPublishNothing(t *testing.T) {
	good, bad := `{"id":"`+id(1)+`","name":"One"}`, "broken"
	cfg := config(t)
	cfg.MusicBrainz = dump(t, []string{good, bad}, nil, nil)
	cfg.MaxRejects = 0.49
	p := &tape{}
	r, err := importer.Run(t.Context(), cfg, p.target(), nil)
	if err == nil || !strings.Contains(err.Error(), "1 of 2") || p.published > 0 || len(p.artists) > 0 {
		t.Fatalf("half of the lines are rejected: %v, published %d times", err, p.published)
	}
	if r.Rejects != 1 || r.First[0].Line != 2 {
		t.Errorf("the report does not name the reject: %+v", r)
	}
	cfg.MaxRejects = 0.5
	if _, err = importer.Run(t.Context(), cfg, p.target(), nil); err != nil || p.published != 1 {
		t.Errorf("half is allowed: %v, published %d times", err, p.published)
	}
}

func TestRefusedRowsAreRejects(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = dump(t, []string{`{"id":"` + id(1) + `","name":"One"}`, `{"id":"` + id(1) + `","name":"Again"}`}, nil, nil)
	_, r := run(t, cfg)
	if r.Entries["artist"] != 1 || r.Rejects != 1 || r.First[0].Line != 2 || !strings.Contains(r.First[0].Reason, "taken") {
		t.Errorf("an id that comes twice: %+v", r)
	}
	p := &tape{refuse: errors.New("not this one")}
	r, err := importer.Run(t.Context(), cfg, p.target(), nil)
	if err != nil || r.Entries["artist"] != 0 || r.First[0].Reason != "not this one" {
		t.Errorf("a row that the catalogue refuses: %+v, %v", r, err)
	}
	p.refuse = catalog.ErrFull
	if _, err = importer.Run(t.Context(), cfg, p.target(), nil); !errors.Is(err, catalog.ErrFull) {
		t.Errorf("a full catalogue ends the import, got %v", err)
	}
}

func TestPublishFails(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = dump(t, []string{`{"id":"` + id(1) + `","name":"One"}`}, nil, nil)
	target := (&tape{}).target()
	target.Publish = func() error { return os.ErrPermission }
	if _, err := importer.Run(t.Context(), cfg, target, nil); !errors.Is(err, os.ErrPermission) {
		t.Fatalf("want the error of Publish, got %v", err)
	}
	if p, _ := run(t, cfg); len(p.artists) != 1 || p.published != 1 {
		t.Errorf("the next run publishes %d artists, %d times", len(p.artists), p.published)
	}
}

func TestRejectsFileListsAll(t *testing.T) {
	lines := make([]string, 30)
	for i := range lines {
		lines[i] = "broken"
	}
	cfg := config(t)
	cfg.MusicBrainz = dump(t, lines, nil, nil)
	_, r := run(t, cfg)
	data, err := os.ReadFile(r.RejectsFile)
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(rows) != 31 || rows[0] != "source,line,reason" || !strings.Contains(rows[30], "artist,30,no JSON object") {
		t.Errorf("want a header and 30 rejects, got %d lines ending in %q", len(rows), rows[len(rows)-1])
	}
	if len(r.First) != 10 || r.Rejects != 30 {
		t.Errorf("want the first 10 of 30, got %d of %d", len(r.First), r.Rejects)
	}
}

func TestProgressReachesTheEnd(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = dump(t, slices.Repeat([]string{`{"id":"` + id(1) + `","name":"One"}`}, 5000), nil, nil)
	last := map[string]importer.Step{}
	target := (&tape{}).target()
	_, err := importer.Run(t.Context(), cfg, target, func(s importer.Step) {
		if s.Done < last[s.Name].Done {
			t.Errorf("%s went back from %d to %d", s.Name, last[s.Name].Done, s.Done)
		}
		last[s.Name] = s
	})
	if s := last[filepath.Join(cfg.MusicBrainz, "artist")]; err != nil || s.Done != s.Total || s.Total == 0 {
		t.Errorf("the last step is %+v, %v", s, err)
	}
}

func TestMissingSources(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = t.TempDir()
	cfg.ListenBrainz = []string{filepath.Join(cfg.MusicBrainz, "listens")}
	_, err := importer.Run(context.Background(), cfg, (&tape{}).target(), nil)
	for _, want := range []string{"artist in", "release-group in", "recording in", "listens"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in: %v", want, err)
		}
	}
}
