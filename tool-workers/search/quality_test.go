package search_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/generate"
	"github.com/parallel-fusion/pfr/tool-workers/search"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// generated returns search over an invented catalogue of so many tracks, with its index in
// a file.
func generated(tb testing.TB, tracks int) (tools.Tool, *catalog.Catalog) {
	tb.Helper()
	b := catalog.NewBuilder(time.Date(2025, 6, 28, 0, 0, 0, 0, time.UTC))
	sizes := generate.Sizes{Tracks: tracks, Shows: tracks / 200, Episodes: tracks / 20, Playlists: tracks / 500}
	if err := generate.Catalogue(b, sizes, 1); err != nil {
		tb.Fatal(err)
	}
	c, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	f, err := taste.NewFinder(c, taste.Nobody{})
	if err != nil {
		tb.Fatal(err)
	}
	var index bytes.Buffer
	if err := search.Build(c, &index); err != nil {
		tb.Fatal(err)
	}
	name := filepath.Join(tb.TempDir(), "search.pfr")
	if err := os.WriteFile(name, index.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	tool, err := search.Open(f, name)
	if err != nil {
		tb.Fatal(err)
	}
	return tool, c
}

// names draws names of artists, albums, tracks and shows, each as often as the others.
func names(c *catalog.Catalog, n int, rng *rand.Rand) []string {
	out := make([]string, n)
	for i := range out {
		kind := []schemas.ItemType{catalog.TypeArtist, catalog.TypeAlbum, catalog.TypeTrack, catalog.TypeShow}[i%4]
		out[i] = c.Item(catalog.Ref{Type: kind, Index: rng.IntN(c.Count(kind))}).Title
	}
	return out
}

// foundAt returns the place of an item of this name, -1 if it is not among the first ten.
// Several entries may have a name: any of them is right.
func foundAt(tb testing.TB, tool tools.Tool, text, name string) int {
	tb.Helper()
	r := tooltest.Run(tb, tool, tooltest.Call{Query: text, Params: schemas.Params{"text": text}})
	return slices.IndexFunc(r.Items, func(item schemas.Item) bool { return catalog.Fold(item.Title) == catalog.Fold(name) })
}

// mistype makes one typo anywhere: a letter too many, too few, wrong, or swapped with the
// next.
func mistype(name string, rng *rand.Rand) string {
	r := []rune(name)
	at, letter := rng.IntN(len(r)), rune('a'+rng.IntN(26))
	switch rng.IntN(4) {
	case 0:
		r = slices.Insert(r, at, letter)
	case 1:
		r = slices.Delete(r, at, at+1)
	case 2:
		r[at] = letter
	default:
		if at+1 < len(r) {
			r[at], r[at+1] = r[at+1], r[at]
		}
	}
	return string(r)
}

// Names lead to what has them, among a hundred thousand tracks, spelled right or with a
// typo anywhere.
func TestNamesAmongAHundredThousandTracks(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a large catalogue: run without -short")
	}
	const n = 500
	tool, c := generated(t, 100_000)
	rng := rand.New(rand.NewPCG(7, 7))
	first, third, typos := 0, 0, 0
	for _, name := range names(c, n, rng) {
		if foundAt(t, tool, name, name) == 0 {
			first++
		}
		wrong := mistype(name, rng)
		if schemas.CheckText(wrong) != nil || catalog.Fold(wrong) == catalog.Fold(name) {
			continue // nothing is wrong with it
		}
		typos++
		if at := foundAt(t, tool, wrong, name); at >= 0 && at < 3 {
			third++
		} else {
			t.Logf("%q for %q at %d", wrong, name, at)
		}
	}
	t.Logf("right: first %d of %d; with a typo: among the first three %d of %d", first, n, third, typos)
	if float64(first) < 0.95*n || float64(third) < 0.85*float64(typos) {
		t.Error("want 95 % first when spelled right, and 85 % among the first three with a typo")
	}
}

// An index of another catalogue, or a damaged one, is refused.
func TestOpenRefusesAnotherIndex(t *testing.T) {
	one, other := tooltest.Catalog(t, "artist A | US | en | pop | 50"), tooltest.Catalog(t, "artist B | US | en | pop | 50")
	var index bytes.Buffer
	if err := search.Build(one, &index); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "search.pfr")
	for what, c := range map[string]struct {
		data []byte
		of   *catalog.Catalog
		want error
	}{
		"its own":  {index.Bytes(), one, nil},
		"another":  {index.Bytes(), other, search.ErrBadIndex},
		"cut":      {index.Bytes()[:index.Len()-3], one, search.ErrBadIndex},
		"empty":    {nil, one, search.ErrBadIndex},
		"flipped":  {append(bytes.Clone(index.Bytes()[:40]), append([]byte{index.Bytes()[40] ^ 1}, index.Bytes()[41:]...)...), one, search.ErrBadIndex},
		"no index": {[]byte("hello"), one, search.ErrBadIndex},
	} {
		if err := os.WriteFile(name, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := search.Open(tooltest.Finder(t, c.of), name); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: error %v, want %v", what, err, c.want)
		}
	}
}

// A usual mix of texts, among a hundred thousand tracks: names spelled right, beginnings,
// and names with a typo.
func BenchmarkAmongAHundredThousandTracks(b *testing.B) {
	tool, c := generated(b, 100_000)
	rng := rand.New(rand.NewPCG(3, 3))
	texts := map[string][]string{}
	for _, name := range names(c, 400, rng) {
		texts["right"] = append(texts["right"], name)
		texts["beginning"] = append(texts["beginning"], string([]rune(name)[:max(1, len([]rune(name))*2/3)]))
		texts["typo"] = append(texts["typo"], mistype(name, rng))
	}
	for _, kind := range []string{"right", "beginning", "typo"} {
		b.Run(kind, func(b *testing.B) {
			var calls []tooltest.Call
			for _, text := range texts[kind] {
				calls = append(calls, tooltest.Call{Params: schemas.Params{"text": text}, Limit: 20})
			}
			invented.Measure(b, tool, calls)
		})
	}
}
