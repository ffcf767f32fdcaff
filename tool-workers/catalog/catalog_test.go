package catalog_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

func sample(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Sample()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The promises that the README makes about the sample.
func TestSampleIsLargeAndVaried(t *testing.T) {
	c := sample(t)
	genres, languages := map[string]bool{}, map[string]bool{}
	for _, a := range c.Artists {
		genres[a.Genres[0]] = true
		for _, l := range a.Languages {
			languages[l] = true
		}
	}
	for what, n := range map[string][2]int{
		"artists": {len(c.Artists), 300}, "albums": {len(c.Albums), 1200}, "tracks": {len(c.Tracks), 3000},
		"shows": {len(c.Shows), 150}, "playlists": {len(c.Playlists), 60}, "main genres": {len(genres), 25}, "languages": {len(languages), 12},
	} {
		if n[0] < n[1] {
			t.Errorf("%d %s, want at least %d", n[0], what, n[1])
		}
	}
}
func TestSampleTime(t *testing.T) {
	start := time.Now()
	c := sample(t)
	t.Log(time.Since(start), len(c.Artists), len(c.Albums), len(c.Tracks), len(c.Shows), len(c.Episodes), len(c.Playlists), c.Version)
	_ = errors.New
	_ = strings.ToLower
	_ = fstest.MapFS{}
}
