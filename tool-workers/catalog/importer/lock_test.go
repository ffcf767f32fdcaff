package importer_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/tool-workers/catalog/importer"
)

// TestOneImportAtATime begins an import within another.
func TestOneImportAtATime(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = dump(t, threeArtists(), nil, nil)
	var second error
	target := (&tape{}).target()
	target.Publish = func() error {
		_, second = importer.Run(t.Context(), cfg, (&tape{}).target(), nil)
		return nil
	}
	if _, err := importer.Run(t.Context(), cfg, target, nil); err != nil {
		t.Fatal(err)
	}
	if second == nil || !strings.Contains(second.Error(), "another import uses the work folder "+cfg.Work) {
		t.Errorf("the second import: %v", second)
	}
	if p, _ := run(t, cfg); len(p.artists) != 3 {
		t.Errorf("afterwards the folder is free: %+v", p.artists)
	}
}

// TestDamagedStagingIsReadAnew damages segments of one of two sources.
func TestDamagedStagingIsReadAnew(t *testing.T) {
	for what, damage := range map[string]func(data []byte) []byte{
		"a bit":    func(data []byte) []byte { data[len(data)/2] ^= 0x10; return data },
		"cut":      func(data []byte) []byte { return data[:len(data)-3] },
		"emptied":  func([]byte) []byte { return nil },
		"no bytes": nil,
	} {
		t.Run(what, func(t *testing.T) {
			cfg := tables(t, map[string]string{"artists": "name\nOne\nTwo\n,\n", "albums": "title,artists\nA,One\nB,Two\n"})
			fails := (&tape{}).target()
			fails.Publish = func() error { return io.ErrClosedPipe }
			if _, err := importer.Run(t.Context(), cfg, fails, nil); !errors.Is(err, io.ErrClosedPipe) {
				t.Fatal(err)
			}
			segments, _ := filepath.Glob(filepath.Join(cfg.Work, "staged", "artists-*", "*.seg"))
			if len(segments) != 1 {
				t.Fatalf("segments: %v", segments)
			}
			whole := []byte(content(t, segments[0]))
			err := os.Remove(segments[0])
			if damage != nil {
				err = errors.Join(err, os.WriteFile(segments[0], damage(whole), 0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
			p, r := run(t, cfg)
			if len(p.artists) != 2 || len(p.albums) != 2 || r.Rejects != 1 {
				t.Errorf("artists %+v, albums %+v, %v", p.artists, p.albums, r.First)
			}
			for _, s := range r.Sources {
				if want := s.Kind == "artists"; s.Restaged != want {
					t.Errorf("%s: read anew %v, want %v", s.Name, s.Restaged, want)
				}
			}
		})
	}
}
