package catalog_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

func written(tb testing.TB, c *catalog.Catalog) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// What is read is what was written: the same items, in the same order, found by the same
// names.
func TestFileKeepsEverything(t *testing.T) {
	c := sample(t)
	data := written(t, c)
	got, err := catalog.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != c.Version || !got.AsOf.Equal(c.AsOf) || !got.Dated {
		t.Errorf("version %s as of %v, want %s as of %v", got.Version, got.AsOf, c.Version, c.AsOf)
	}
	for _, typ := range catalog.Types() {
		for i := range c.Count(typ) {
			ref := catalog.Ref{Type: typ, Index: i}
			if a, b := fmt.Sprint(c.Item(ref)), fmt.Sprint(got.Item(ref)); a != b {
				t.Fatalf("%s: %s, want %s", c.ID(ref), b, a)
			}
			if found, ok := got.Lookup(c.ID(ref)); !ok || found != ref {
				t.Fatalf("%s leads to %v", c.ID(ref), found)
			}
		}
	}
	if a, ok := got.FindArtist("radiohed"); !ok || a.Name() != "Radiohead" {
		t.Errorf("found %v", ok)
	}
	if !bytes.Equal(written(t, got), data) {
		t.Error("written again it differs")
	}
}

// One wrong byte anywhere is noticed, and never ends in a panic.
func TestDamagedFilesAreRefused(t *testing.T) {
	data := written(t, text(t,
		"artist Lady Gaga | US | en | pop | 93", "alias Gaga", "like Madonna", "album Mayhem | 2025-03-07 | Disease; Abracadabra ft. Nobody",
		"show S | P | en | US | space | general | 50 | about", "playlist L | d | pop | chill | study | 1990 | 1999 | | Lady Gaga"))
	for n := range data {
		damaged := bytes.Clone(data)
		damaged[n] ^= 1 << (n % 8)
		if _, err := catalog.Read(bytes.NewReader(damaged), int64(len(damaged))); !errors.Is(err, catalog.ErrBadFile) {
			t.Fatalf("byte %d changed: error %v", n, err)
		}
		if _, err := catalog.Read(bytes.NewReader(data[:n]), int64(n)); !errors.Is(err, catalog.ErrBadFile) {
			t.Fatalf("cut at %d: error %v", n, err)
		}
	}
}

// A file that somebody made to hurt gets an error: no panic, and no more memory than it
// has bytes.
func FuzzRead(f *testing.F) {
	c, err := catalog.NewBuilder(time.Time{}).Build()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(written(f, c))
	f.Fuzz(func(_ *testing.T, data []byte) {
		c, err := catalog.Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, typ := range catalog.Types() {
			for i := range c.Count(typ) {
				c.Item(catalog.Ref{Type: typ, Index: i})
			}
		}
	})
}

func TestBuilderRefusesWhatItCannotHold(t *testing.T) {
	b := catalog.NewBuilder(time.Time{})
	add := func(err error) error { return err }
	for _, c := range []struct {
		what string
		err  error
		want error
	}{
		{"an artist", add(b.AddArtist(catalog.ArtistRow{Key: "a", Name: "A"})), nil},
		{"no name", add(b.AddArtist(catalog.ArtistRow{Key: "b", Name: " \t"})), catalog.ErrNoName},
		{"the same key", add(b.AddArtist(catalog.ArtistRow{Key: "a", Name: "A again"})), catalog.ErrDuplicate},
		{"popularity", add(b.AddArtist(catalog.ArtistRow{Key: "c", Name: "C", Popularity: 101})), catalog.ErrBadRow},
		{"a key with a space", add(b.AddArtist(catalog.ArtistRow{Key: "c d", Name: "C"})), catalog.ErrBadRow},
		{"a long key", add(b.AddArtist(catalog.ArtistRow{Key: strings.Repeat("k", 300), Name: "C"})), catalog.ErrBadRow},
		{"an album by nobody", add(b.AddAlbum(catalog.AlbumRow{Key: "x", Title: "X", Artists: []string{"nobody"}, Kind: catalog.KindAlbum})), catalog.ErrUnknown},
		{"an unknown kind", add(b.AddAlbum(catalog.AlbumRow{Key: "x", Title: "X", Artists: []string{"a"}, Kind: "opera"})), catalog.ErrBadRow},
		{"an album", add(b.AddAlbum(catalog.AlbumRow{Key: "x", Title: "X", Artists: []string{"a"}, Kind: catalog.KindAlbum})), nil},
		{"a track nowhere", add(b.AddTrack(catalog.TrackRow{Key: "t", Title: "T", Album: "y"})), catalog.ErrUnknown},
		{"a track", add(b.AddTrack(catalog.TrackRow{Key: "t", Title: "T", Album: "x"})), nil},
		{"an episode of no show", add(b.AddEpisode(catalog.EpisodeRow{Title: "E", Show: "s"})), catalog.ErrUnknown},
		{"a playlist of unknown tracks", add(b.AddPlaylist(catalog.PlaylistRow{Title: "L", Tracks: []string{"t", "u"}})), catalog.ErrUnknown},
	} {
		if !errors.Is(c.err, c.want) || c.want == nil && c.err != nil {
			t.Errorf("%s: error %v, want %v", c.what, c.err, c.want)
		}
	}
	c, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if c.Count(catalog.TypeArtist) != 1 || c.Count(catalog.TypeAlbum) != 1 || c.Count(catalog.TypeTrack) != 1 || c.Count(catalog.TypePlaylist) != 0 {
		t.Error("a refused row left something behind")
	}
}

// What comes from elsewhere cannot turn a page around, and a link leads where it led.
func TestTextsAreFitForAPage(t *testing.T) {
	b := catalog.NewBuilder(time.Time{})
	long := "https://l.example/" + strings.Repeat("x", 500)
	err := b.AddArtist(catalog.ArtistRow{
		Key: "a", Name: "\u202Eevil\u202C\uFEFF twin\u00AD\u2066\u200B", Note: "a\u0000b\nc",
		Aliases: []string{"می\u200Cخواهم", "👩\u200D🎤", "\u200F"},
		Links:   []string{long, "https://s.example/a", "javascript:alert(1)"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	a := c.Artist(0)
	if a.Name() != "evil twin" || a.Note() != "a b c" {
		t.Errorf("name %q, note %q", a.Name(), a.Note())
	}
	if got, want := a.Aliases(), []string{"می\u200Cخواهم", "👩\u200D🎤"}; !slices.Equal(got, want) {
		t.Errorf("aliases %q, want %q: joiners belong to words", got, want)
	}
	if got, want := a.Links(), []string{"https://s.example/a"}; !slices.Equal(got, want) {
		t.Errorf("links %q, want %q", got, want)
	}
}

// Joint credits, recordings without a release and guests come out on every side.
func TestCreditsAreKept(t *testing.T) {
	b := catalog.NewBuilder(time.Time{})
	released, err := catalog.ParseDate("1981-10")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		b.AddArtist(catalog.ArtistRow{Key: "queen", Name: "Queen", Genres: []string{"rock"}, Popularity: 50}),
		b.AddArtist(catalog.ArtistRow{Key: "bowie", Name: "David Bowie", Note: "English singer", Popularity: 90}),
		b.AddAlbum(catalog.AlbumRow{
			Key: "up", Title: "Under Pressure", Artists: []string{"queen", "bowie"}, Credit: "Queen & David Bowie", Kind: catalog.KindSingle, Released: released,
		}),
		b.AddTrack(catalog.TrackRow{Key: "up1", Title: "Under Pressure", Album: "up", Artists: []string{"queen", "bowie"}}),
		b.AddTrack(catalog.TrackRow{Key: "demo", Title: "A Demo\n\x00of 1970", Artists: []string{"bowie"}, Featured: []string{"Mick"}, Seconds: 1 << 20}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	bowie, _ := c.Named("david bowie")
	if bowie.Index() != 0 {
		t.Error("the most popular artist is not the first")
	}
	if albums := bowie.Albums(); len(albums) != 1 || c.Album(int(albums[0])).Credit() != "Queen & David Bowie" {
		t.Errorf("albums %v", albums)
	}
	ref, _ := c.Lookup("track:up1")
	if item := c.Item(ref); item.Subtitle != "Queen & David Bowie · Under Pressure" || len(item.Artists) != 2 || item.ReleaseDate != "1981-10" || item.Genres[0] != "rock" {
		t.Errorf("item %+v", item)
	}
	if singles := bowie.Singles(); len(singles) != 1 || c.Track(int(singles[0])).Title() != "A Demo of 1970" || c.Track(int(singles[0])).Seconds() != 1<<16-1 {
		t.Errorf("singles %v", singles)
	}
	if item := c.Item(bowie.Ref()); item.Subtitle != "Artist · English singer" {
		t.Errorf("item %+v", item)
	}
}

// large builds a catalogue of so many tracks with names of usual length.
func large(tb testing.TB, tracks int) *catalog.Catalog {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	word := func() string { return fmt.Sprintf("w%x", rng.IntN(50000)) }
	b := catalog.NewBuilder(time.Date(2025, 6, 28, 0, 0, 0, 0, time.UTC))
	check := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	for i := range tracks {
		artist, album := i/60, i/12
		if i%60 == 0 {
			check(b.AddArtist(catalog.ArtistRow{
				Key: fmt.Sprintf("mb-%08x-0000-4000-8000-000000000000", artist), Name: fmt.Sprintf("The %s %s %d", word(), word(), artist), Genres: []string{"rock", "pop"}, Popularity: 1 + rng.IntN(100),
			}))
		}
		if i%12 == 0 {
			check(b.AddAlbum(catalog.AlbumRow{
				Key: fmt.Sprintf("mb-%08x-0000-4000-8000-000000000001", album), Title: word() + " " + word(), Kind: catalog.KindAlbum,
				Artists: []string{fmt.Sprintf("mb-%08x-0000-4000-8000-000000000000", artist)}, Released: catalog.Day(time.Unix(int64(i)*1500, 0)),
			}))
		}
		check(b.AddTrack(catalog.TrackRow{
			Key: fmt.Sprintf("mb-%08x-0000-4000-8000-000000000002", i), Title: word() + " " + word() + " " + word(), Seconds: 200, Popularity: 1,
			Album: fmt.Sprintf("mb-%08x-0000-4000-8000-000000000001", album),
		}))
	}
	c, err := b.Build()
	check(err)
	return c
}

// A million tracks open in two seconds and take at most 300 bytes each.
func TestAMillionTracks(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") == "" {
		t.Skip("takes a minute: set PFR_TEST_SCALE=1")
	}
	const tracks = 1_000_000
	name := filepath.Join(t.TempDir(), "catalog.pfr")
	begin := time.Now()
	func() {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := large(t, tracks).Write(f); err != nil {
			t.Fatal(err)
		}
	}()
	t.Logf("built and written in %v", time.Since(begin).Round(time.Millisecond))
	before := heap()
	begin = time.Now()
	c, err := catalog.Open(name)
	took := time.Since(begin)
	if err != nil {
		t.Fatal(err)
	}
	bytesEach := float64(heap()-before) / tracks
	t.Logf("opened in %v, %.0f bytes a track with its share of albums and artists", took.Round(time.Millisecond), bytesEach)
	if took > 2*time.Second || bytesEach > 300 {
		t.Errorf("want at most 2 s and 300 bytes")
	}
	if c.Count(catalog.TypeTrack) != tracks {
		t.Errorf("%d tracks", c.Count(catalog.TypeTrack))
	}
	runtime.KeepAlive(c)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkLookup(b *testing.B) {
	c := large(b, 120_000)
	id := c.ID(catalog.Ref{Type: catalog.TypeTrack, Index: 77_777})
	for b.Loop() {
		if _, ok := c.Lookup(id); !ok {
			b.Fatal("lost")
		}
	}
}

func BenchmarkItem(b *testing.B) {
	c := sample(b)
	var item schemas.Item
	for b.Loop() {
		item = c.Item(catalog.Ref{Type: catalog.TypeTrack, Index: 5})
	}
	_ = item
}

func BenchmarkNameWithATypoAmongMany(b *testing.B) {
	c := large(b, 1_200_000)
	b.ResetTimer()
	for b.Loop() {
		c.FindArtist("The nothing nobody 7777")
	}
}
