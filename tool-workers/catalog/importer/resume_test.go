package importer_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/generate"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/importer"
)

// invented is a configuration of all kinds of sources, invented.
func invented(t *testing.T, entities int) importer.Config {
	t.Helper()
	cfg := config(t)
	cfg.MusicBrainz = t.TempDir()
	if _, err := generate.MusicBrainz(cfg.MusicBrainz, entities, 3); err != nil {
		t.Fatal(err)
	}
	cfg.ListenBrainz = []string{filepath.Join(cfg.MusicBrainz, "test.listens")}
	dir := write(t, map[string]string{
		"a.xml": feed("A", 3), "b.xml": feed("B", 2), "c.xml": "no feed",
		"artists":      "name\n" + strings.Repeat("\"Several\nlines\"\nPlain\n", 400) + strings.Join(strings.Split("One Two Three", " "), "\n"),
		"interactions": "user,item\n" + strings.Repeat("u1,artist:Plain\nu2,show:none\n", 400),
	})
	cfg.RSS = []string{dir}
	for _, table := range []string{"artists", "interactions"} {
		cfg.CSV = append(cfg.CSV, importer.CSVFile{Table: table, Path: filepath.Join(dir, table)})
	}
	cfg.SegmentUnits = 97
	return cfg
}

// countdown is a context that ends after it was asked so many times.
type countdown struct {
	context.Context
	left *int
}

func (c countdown) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return c.Context.Err()
}

// TestStoppedImportGoesOn stops imports at random points, again and again, until one comes
// through: it says what an import says that was never stopped.
func TestStoppedImportGoesOn(t *testing.T) {
	cfg := invented(t, 2000)
	want, wantReport := run(t, cfg)
	wantRejects := content(t, wantReport.RejectsFile)
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			cfg.Work = t.TempDir()
			rng := rand.New(rand.NewPCG(seed, 0))
			for stops := 0; ; stops++ {
				p, left := &tape{}, 1+rng.IntN(1500)
				r, err := importer.Run(countdown{t.Context(), &left}, cfg, p.target(), nil)
				if err != nil && (!errors.Is(err, context.Canceled) || p.published > 0) {
					t.Fatal(err)
				}
				if err != nil {
					leaveDebris(t, cfg.Work)
					continue
				}
				if !slices.Equal(p.lines, want.lines) || fmt.Sprint(r.Sources) != fmt.Sprint(wantReport.Sources) {
					t.Errorf("after %d stops %d rows, want %d:\n%+v\n%+v", stops, len(p.lines), len(want.lines), r, wantReport)
				}
				if got := content(t, r.RejectsFile); got != wantRejects {
					t.Errorf("after %d stops the rejects are\n%s\nwant\n%s", stops, got, wantRejects)
				}
				if stops < 3 {
					t.Errorf("stopped %d times only", stops)
				}
				return
			}
		})
	}
}

// TestStoppedImportMakesTheSameCatalogue compares the bytes of the real thing.
func TestStoppedImportMakesTheSameCatalogue(t *testing.T) {
	cfg := invented(t, 1000)
	build := func(budget int) []byte {
		cfg.Work = t.TempDir()
		for {
			left, b := budget, catalog.NewBuilder(time.Unix(1751068800, 0))
			_, err := importer.Run(countdown{t.Context(), &left}, cfg, importer.Target{Catalogue: b}, nil)
			if errors.Is(err, context.Canceled) {
				continue
			}
			var out bytes.Buffer
			c, buildErr := b.Build()
			if err = errors.Join(err, buildErr); err == nil {
				err = c.Write(&out)
			}
			if err != nil {
				t.Fatal(err)
			}
			return out.Bytes()
		}
	}
	if whole, pieced := build(1<<30), build(700); !bytes.Equal(whole, pieced) {
		t.Errorf("%d bytes in one go, %d different ones after stops", len(whole), len(pieced))
	}
}

// leaveDebris leaves what a process that was killed may leave.
func leaveDebris(t *testing.T, work string) {
	t.Helper()
	states, err := filepath.Glob(filepath.Join(work, "staged", "*", "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range states {
		dir := filepath.Dir(name)
		segments, _ := filepath.Glob(filepath.Join(dir, "*.seg"))
		for _, debris := range []string{"state.json.part", fmt.Sprintf("%06d.seg.part", len(segments)), fmt.Sprintf("%06d.seg", len(segments))} {
			if err := os.WriteFile(filepath.Join(dir, debris), []byte("half a"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestStagedWorkIsNotRepeated tells by the sources, which are gone, that a second run does
// not read them again, and by one that changed that it does where it must.
func TestStagedWorkIsNotRepeated(t *testing.T) {
	cfg := config(t)
	dir := write(t, map[string]string{"artists": "name\nOne\n", "albums": "title,artists\nA,One\n"})
	artists, albums := filepath.Join(dir, "artists"), filepath.Join(dir, "albums")
	cfg.CSV = []importer.CSVFile{{Table: "artists", Path: artists}, {Table: "albums", Path: albums}}
	fails := (&tape{}).target()
	fails.Publish = func() error { return io.ErrClosedPipe }
	if _, err := importer.Run(t.Context(), cfg, fails, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	replace := func(name, content string) {
		t.Helper()
		info, err := os.Stat(name)
		if err == nil {
			err = errors.Join(os.WriteFile(name, []byte(content), 0o600), os.Chtimes(name, info.ModTime(), info.ModTime()))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	replace(artists, "name\nTwo\n") // of equal size and time: it is not looked at
	if p, _ := run(t, cfg); len(p.artists) != 1 || p.artists[0].Name != "One" {
		t.Errorf("staged artists were read again: %+v", p.artists)
	}
	if p, _ := run(t, cfg); len(p.artists) != 1 || p.artists[0].Name != "Two" {
		t.Errorf("after an import that was published, the next begins anew: %+v", p.artists)
	}
	if _, err := importer.Run(t.Context(), cfg, fails, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	replace(artists, "name\nThree\n") // of another size
	p := &tape{}
	target := p.target()
	target.Publish = fails.Publish
	if _, err := importer.Run(t.Context(), cfg, target, nil); !errors.Is(err, io.ErrClosedPipe) || p.artists[0].Name != "Three" {
		t.Errorf("a source that grew: %+v, %v", p.artists, err)
	}
	later := time.Now().Add(time.Minute)
	if err := errors.Join(os.WriteFile(artists, []byte("name\nSeven\n"), 0o600), os.Chtimes(artists, later, later)); err != nil {
		t.Fatal(err)
	}
	if p, _ := run(t, cfg); len(p.artists) != 1 || p.artists[0].Name != "Seven" {
		t.Errorf("a source that changed later: %+v", p.artists)
	}
}

// TestDamagedStagingIsAnError flips bits of segments: it is noticed.
func TestDamagedStagingIsAnError(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = dump(t, threeArtists(), nil, nil)
	fails := (&tape{}).target()
	fails.Publish = func() error { return io.ErrClosedPipe }
	if _, err := importer.Run(t.Context(), cfg, fails, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	segments, _ := filepath.Glob(filepath.Join(cfg.Work, "staged", "mb-artist-*", "*.seg"))
	if len(segments) != 1 {
		t.Fatalf("segments: %v", segments)
	}
	good := []byte(content(t, segments[0]))
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		if err := os.WriteFile(segments[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		p := &tape{}
		target := p.target()
		target.Publish = fails.Publish
		_, err := importer.Run(t.Context(), cfg, target, nil)
		if errors.Is(err, io.ErrClosedPipe) && (len(p.artists) != 3 || p.artists[2].Name != "Three") {
			t.Fatalf("byte %d of %d: damage went unnoticed: %+v", at, len(good), p.artists)
		}
	}
}

// TestPackedDumps reads one dump in all the forms that a file can have.
func TestPackedDumps(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = t.TempDir()
	if _, err := generate.MusicBrainz(cfg.MusicBrainz, 300, 5); err != nil {
		t.Fatal(err)
	}
	cfg.SegmentUnits = 50
	want, _ := run(t, cfg)
	plain := cfg.MusicBrainz
	for _, form := range []string{".gz", ".zst", ".xz", ".tar", ".tar.gz", ".tar.zst", ".tar.xz", ".json"} {
		t.Run(form, func(t *testing.T) {
			cfg.MusicBrainz = t.TempDir()
			for _, entity := range []string{"artist", "release-group", "release", "recording"} {
				data := []byte(content(t, filepath.Join(plain, entity)))
				if strings.HasPrefix(form, ".tar") {
					data = archive(t, map[string][]byte{"mbdump/" + entity: data, "README": []byte("no entities\n"), "JSON_DUMPS_SCHEMA_NUMBER": []byte("1\n")})
				}
				name := filepath.Join(cfg.MusicBrainz, entity+form)
				if err := os.WriteFile(name, pack(t, form, data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cfg.Work = t.TempDir()
			for { // with a few stops, so that positions in packed files are used too
				p, left := &tape{}, 400
				_, err := importer.Run(countdown{t.Context(), &left}, cfg, p.target(), nil)
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if err == nil {
					if !slices.Equal(p.lines, want.lines) {
						t.Errorf("%d rows, want %d", len(p.lines), len(want.lines))
					}
					return
				}
			}
		})
	}
}

func TestTruncatedArchiveIsAnError(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = dump(t, nil, nil, nil)
	data := pack(t, ".gz", []byte(strings.Repeat(`{"id":"`+id(1)+`","name":"One"}`+"\n", 1000)))
	for name, content := range map[string][]byte{"artist.gz": data[:len(data)/2], "artist.tar": archive(t, map[string][]byte{"README": nil})} {
		cfg.MusicBrainz = dump(t, nil, nil, nil)
		if err := errors.Join(os.Remove(filepath.Join(cfg.MusicBrainz, "artist")), os.WriteFile(filepath.Join(cfg.MusicBrainz, name), content, 0o600)); err != nil {
			t.Fatal(err)
		}
		p := &tape{}
		if _, err := importer.Run(t.Context(), cfg, p.target(), nil); err == nil || p.published > 0 || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, published %d times", name, err, p.published)
		}
	}
}

// TestArchiveOfListens reads all the files of an archive.
func TestArchiveOfListens(t *testing.T) {
	line := `{"user_name":"ann","listened_at":%d,"track_metadata":{"artist_name":"One"}}`
	cfg := config(t)
	cfg.MusicBrainz = dump(t, threeArtists(), nil, nil)
	name := filepath.Join(t.TempDir(), "dump.tar.zst")
	data := archive(t, map[string][]byte{
		"dump/listens/2024/1.listens": fmt.Appendf(nil, line, 1), "dump/listens/2024/2.listens": fmt.Appendf(nil, line+"\n", 2), "dump/index.json": []byte("{}"),
	})
	if err := os.WriteFile(name, pack(t, ".zst", data), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.ListenBrainz = []string{name}
	p, r := run(t, cfg)
	if want := "ann artist:mb-" + id(1) + " 2 2"; len(p.plays) != 1 || p.plays[0] != want || r.Rejects > 0 {
		t.Errorf("got %q, want %q; %v", p.plays, want, r.First)
	}
}

func archive(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range files {
		err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o600, Typeflag: tar.TypeReg, ModTime: time.Unix(0, 0)})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pack(t *testing.T, form string, data []byte) []byte {
	t.Helper()
	var (
		b   bytes.Buffer
		w   io.WriteCloser
		err error
	)
	switch filepath.Ext(form) {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	case ".xz":
		w, err = xz.NewWriter(&b)
	default:
		return data
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
