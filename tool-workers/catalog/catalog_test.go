package catalog_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

func sample(tb testing.TB) *catalog.Catalog {
	tb.Helper()
	c, err := catalog.Sample()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// text returns a catalogue written as one file.
func text(tb testing.TB, lines ...string) *catalog.Catalog {
	tb.Helper()
	c, err := catalog.Load(fstest.MapFS{
		"as-of": {Data: []byte("2025-06-28\n")}, "music/a.txt": {Data: []byte(strings.Join(lines, "\n"))},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// The promises that the README makes about the sample.
func TestSampleIsLargeAndVaried(t *testing.T) {
	c := sample(t)
	genres, languages := map[string]bool{}, map[string]bool{}
	for a := range c.Artists() {
		genres[a.Genres()[0]] = true
		for _, l := range a.Languages() {
			languages[l] = true
		}
	}
	for what, n := range map[string][2]int{
		"artists": {c.Count(catalog.TypeArtist), 300}, "albums": {c.Count(catalog.TypeAlbum), 1200}, "tracks": {c.Count(catalog.TypeTrack), 3000},
		"shows": {c.Count(catalog.TypeShow), 150}, "playlists": {c.Count(catalog.TypePlaylist), 60}, "main genres": {len(genres), 25}, "languages": {len(languages), 12},
	} {
		if n[0] < n[1] {
			t.Errorf("%d %s, want at least %d", n[0], what, n[1])
		}
	}
}

// Every entry of the sample is found by its id and makes an item that a page accepts.
func TestSampleEntriesMakeValidItems(t *testing.T) {
	c := sample(t)
	var items []schemas.Item
	for typ, n := range map[schemas.ItemType]int{
		catalog.TypeArtist: c.Count(catalog.TypeArtist), catalog.TypeAlbum: c.Count(catalog.TypeAlbum), catalog.TypeTrack: c.Count(catalog.TypeTrack),
		catalog.TypeShow: c.Count(catalog.TypeShow), catalog.TypeEpisode: c.Count(catalog.TypeEpisode), catalog.TypePlaylist: c.Count(catalog.TypePlaylist),
	} {
		for i := range n {
			ref := catalog.Ref{Type: typ, Index: i}
			if got, ok := c.Lookup(c.ID(ref)); !ok || got != ref {
				t.Errorf("%s leads to %v, want %v", c.ID(ref), got, ref)
			}
			items = append(items, c.Item(ref))
		}
	}
	for page := range slices.Chunk(items, schemas.MaxItems) {
		resp := schemas.ToolResponse{
			SchemaVersion: schemas.Version, CorrelationID: "0197b7a0-0000-7000-8000-000000000001", Section: "s", Items: page,
		}
		if err := resp.Validate(); err != nil {
			t.Error(err)
		}
	}
	for e := range c.Episodes() {
		if !e.Synthetic() || e.Released().After(c.AsOf) {
			t.Errorf("%s: synthetic %v, released %s", e.ID(), e.Synthetic(), e.Released())
		}
	}
}

func TestLoadNamesEveryBadLine(t *testing.T) {
	_, err := catalog.Load(fstest.MapFS{"as-of": {Data: []byte("2025-06-28")}, "a.txt": {Data: []byte(strings.Join([]string{
		"album Early | 2020 | One",
		"artist A | US | en | pop | 50",
		"artist B | US | en | pop | 101",
		"artist C | US | en",
		"album D | 2020-13-01 | One",
		"nonsense",
		"show S | P | en | US | t | general | x | d",
		"playlist L | d | g | m | a | long ago | | | ",
	}, "\n"))}})
	if _, ok := errors.AsType[*catalog.LineError](err); !ok {
		t.Fatalf("error %v, want line errors", err)
	}
	for _, line := range []string{"a.txt:1:", "a.txt:3:", "a.txt:4:", "a.txt:5:", "a.txt:6:", "a.txt:7:", "a.txt:8:"} {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("%v: does not name %s", err, line)
		}
	}
	if strings.Contains(err.Error(), "a.txt:2:") {
		t.Errorf("%v: names a good line", err)
	}
}

func TestLoadRefusesAnArtistTwice(t *testing.T) {
	_, err := catalog.Load(fstest.MapFS{"a.txt": {Data: []byte("artist Beyoncé | US | en | pop | 50\nartist BEYONCE | US | en | pop | 40\n")}})
	if err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("error %v", err)
	}
}

func TestLoadWithoutADayLivesToday(t *testing.T) {
	c, err := catalog.Load(fstest.MapFS{"a.txt": {Data: []byte("artist A | US | en | pop | 50\n")}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Dated || time.Since(c.AsOf) > 25*time.Hour {
		t.Errorf("dated %v, as of %v", c.Dated, c.AsOf)
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Beyoncé": "beyonce", "AC/DC": "ac dc", "P!nk": "pink", "!!!": "!!!", "A$AP Rocky": "asap rocky", "Simon & Garfunkel": "simon and garfunkel",
		"Guns N' Roses": "guns n roses", "Sigur Rós": "sigur ros", "Mø": "mo", "Panic! At the Disco": "panic at the disco", "ＡＢＣ": "abc",
		"  The   Smiths ": "the smiths", "Straße": "strasse", "Łona": "lona", "宇多田ヒカル": "宇多田ヒカル", "방탄소년단": "방탄소년단", "R&B": "r and b",
		"blink-182": "blink 182", "": "", "…": "…", "Ke$ha": "kesha", "Motörhead": "motorhead", "Don’t": "dont", "Σίσυφος": "σισυφοσ",
	} {
		if got := catalog.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Beyoncé", "!!!", "a\u0301\u0301", "\xff", "İ", "ǅ", "&$!a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := catalog.Fold(s)
		if twice := catalog.Fold(once); twice != once {
			t.Errorf("Fold(%q) = %q, and folded again %q", s, once, twice)
		}
	})
}

func TestArtistIsFoundAsPeopleWriteIt(t *testing.T) {
	c := text(t,
		"artist The Beatles | GB | en | rock | 95", "artist Lady Gaga | US | en | pop | 93", "alias Gaga; Mother Monster",
		"artist Low | US | en | rock | 50", "artist Radiohead | GB | en | rock | 90", "artist AC/DC | AU | en | rock | 88",
		"artist Girls | US | en | rock | 40", "artist Spice Girls | GB | en | pop | 75")
	for in, want := range map[string]string{
		"the beatles": "The Beatles", "Beatles": "The Beatles", "beatels": "The Beatles", "LADY GAGA": "Lady Gaga", "gaga": "Lady Gaga",
		"latest albums by lady gaga": "Lady Gaga", "is there a new radiohead album": "Radiohead", "new album by low": "Low",
		"ac/dc": "AC/DC", "songs like spice girls": "Spice Girls", "radiohed": "Radiohead",
		"low prices": "", "lov": "", "somebody else entirely": "", "": "", "new album": "",
	} {
		got := ""
		if a, ok := c.ArtistIn(in); ok {
			got = a.Name()
		}
		if got != want {
			t.Errorf("ArtistIn(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTypos(t *testing.T) {
	for _, c := range []struct {
		a, b        string
		limit, want int
	}{
		{"coldplay", "coldpaly", 2, 1},
		{"abc", "abc", 0, 0},
		{"abc", "abd", 0, 1},
		{"", "ab", 2, 2},
		{"björk", "bjork", 1, 1},
		{"kitten", "sitting", 3, 3},
		{"kitten", "sitting", 2, 3},
		{strings.Repeat("a", 300), strings.Repeat("a", 301), 2, 3},
	} {
		if got := catalog.Typos(c.a, c.b, c.limit); got != c.want && (got <= c.limit || c.want <= c.limit) {
			t.Errorf("Typos(%q, %q, %d) = %d, want %d", c.a, c.b, c.limit, got, c.want)
		}
	}
}

func TestDatesClaimNoMoreThanIsKnown(t *testing.T) {
	now := time.Date(2025, 6, 28, 0, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"2025-06-28": "released today", "2025-06-27": "released yesterday", "2025-06-20": "released 8 days ago",
		"2025-06-06": "released 3 weeks ago", "2025-03-07": "released 16 weeks ago", "2024-08-16": "released on 16 August 2024",
		"2025-06": "released in June 2025", "2025": "released in 2025", "1975-11": "released in November 1975",
		"2025-07-11": "upcoming, out on 11 July 2025", "2025-09": "upcoming, out in September 2025", "2026": "upcoming, out in 2026",
	} {
		d, err := catalog.ParseDate(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Ago(now); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
		if d.String() != in {
			t.Errorf("%s is written as %s", in, d)
		}
	}
	if got := catalog.Date(0).Ago(now); got != "" {
		t.Errorf("unknown date: %q", got)
	}
}

func TestDateWithin(t *testing.T) {
	now := time.Date(2025, 6, 28, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		date  string
		weeks int
		want  bool
	}{
		{"2025-05-31", 4, true},
		{"2025-05-30", 4, false},
		{"2025-06-28", 1, true},
		{"2025-06-29", 4, false},
		{"2025-06", 4, true},
		{"2025-05", 4, false},
		{"2025", 4, false},
		{"2025", 26, true},
	} {
		d, err := catalog.ParseDate(c.date)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Within(c.weeks, now); got != c.want {
			t.Errorf("%s within %d weeks: %v", c.date, c.weeks, got)
		}
	}
	for _, bad := range []string{"", "soon", "2025-6-1", "2025-02-30", "25"} {
		if _, err := catalog.ParseDate(bad); err == nil {
			t.Errorf("%q is a date", bad)
		}
	}
}

// What is invented must be the same in every process: pages and tests rely on it.
func TestSyntheticPartsAreSteady(t *testing.T) {
	a, b := sample(t), sample(t)
	if a.Version != b.Version {
		t.Errorf("versions %s and %s", a.Version, b.Version)
	}
	if !slices.EqualFunc(a.Listeners(20), b.Listeners(20), func(x, y catalog.Listener) bool { return maps.Equal(x.Plays, y.Plays) }) {
		t.Error("listeners differ")
	}
}

func TestRecordingIsOneOnTwoAlbums(t *testing.T) {
	c := text(t,
		"artist Lady Gaga | US | en | pop | 93", "single Die with a Smile | 2024-08-16 | Die with a Smile ft. Bruno Mars",
		"artist Bruno Mars | US | en | pop | 95", "single Die With A Smile | 2024-08-16 | Die With A Smile ft. Lady Gaga; Another")
	var keys []string
	for i := range c.Count(catalog.TypeTrack) {
		keys = append(keys, catalog.Recording(c.Item(catalog.Ref{Type: catalog.TypeTrack, Index: i})))
	}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != 2 {
		t.Errorf("recordings %q", keys)
	}
}

func BenchmarkSample(b *testing.B) {
	for b.Loop() {
		sample(b)
	}
}

func BenchmarkFold(b *testing.B) {
	for b.Loop() {
		catalog.Fold("Beyoncé & The Rolling Stones")
	}
}

func BenchmarkArtistWithATypo(b *testing.B) {
	c := sample(b)
	for b.Loop() {
		c.FindArtist("radiohed")
	}
}
