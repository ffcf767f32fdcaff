package generate_test

import (
	"cmp"
	"fmt"
	"hash"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/generate"
	"github.com/parallel-fusion/pfr/tool-workers/taxonomy"
)

// keeper keeps what it is given.
type keeper struct {
	artists   []catalog.ArtistRow
	albums    []catalog.AlbumRow
	tracks    []catalog.TrackRow
	shows     []catalog.ShowRow
	episodes  []catalog.EpisodeRow
	playlists []catalog.PlaylistRow
}

func keep[T any](list *[]T, row T) error {
	*list = append(*list, row)
	return nil
}

func (k *keeper) AddArtist(r catalog.ArtistRow) error     { return keep(&k.artists, r) }
func (k *keeper) AddAlbum(r catalog.AlbumRow) error       { return keep(&k.albums, r) }
func (k *keeper) AddTrack(r catalog.TrackRow) error       { return keep(&k.tracks, r) }
func (k *keeper) AddShow(r catalog.ShowRow) error         { return keep(&k.shows, r) }
func (k *keeper) AddEpisode(r catalog.EpisodeRow) error   { return keep(&k.episodes, r) }
func (k *keeper) AddPlaylist(r catalog.PlaylistRow) error { return keep(&k.playlists, r) }

func small() generate.Sizes {
	return generate.Sizes{Tracks: 30_000, Shows: 300, Episodes: 4000, Playlists: 200, AsOf: time.Date(2025, 6, 28, 0, 0, 0, 0, time.UTC)}
}

func catalogue(t *testing.T, sizes generate.Sizes, seed uint64) *keeper {
	t.Helper()
	k := &keeper{}
	if err := generate.Catalogue(k, sizes, seed); err != nil {
		t.Fatal(err)
	}
	return k
}

// TestBuilderTakesEveryRow gives the rows to the real catalogue.
func TestBuilderTakesEveryRow(t *testing.T) {
	sizes := small()
	b := catalog.NewBuilder(sizes.AsOf)
	if err := generate.Catalogue(b, sizes, 1); err != nil {
		t.Fatal(err)
	}
	if n := b.Count(catalog.TypeTrack); n != sizes.Tracks {
		t.Errorf("%d tracks, want %d", n, sizes.Tracks)
	}
	if n := b.Count(catalog.TypeEpisode); n != sizes.Episodes {
		t.Errorf("%d episodes, want %d", n, sizes.Episodes)
	}
	unknown, last, users := 0, "", map[string]bool{}
	err := generate.Listeners(func(user, item string, weight float64, at time.Time) error {
		if !b.Has(item) {
			unknown++
		}
		if user != last && users[user] {
			t.Errorf("%s comes again", user)
		}
		last, users[user] = user, true
		if weight < 1 || at.After(sizes.AsOf) {
			t.Errorf("%s %s: weight %v at %v", user, item, weight, at)
		}
		return nil
	}, sizes, 500, 1)
	if err != nil || unknown > 0 || len(users) < 450 {
		t.Errorf("%v, %d unknown items, %d users", err, unknown, len(users))
	}
	if _, err := b.Build(); err != nil {
		t.Error(err)
	}
}

func TestSameSeedSameRows(t *testing.T) {
	sizes := small()
	sizes.Tracks = 3000
	a, b, c := catalogue(t, sizes, 5), catalogue(t, sizes, 5), catalogue(t, sizes, 6)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("equal seeds give different rows")
	}
	if fmt.Sprint(a.artists) == fmt.Sprint(c.artists) {
		t.Error("different seeds give equal artists")
	}
}

// TestWordsAreOfTheTaxonomy holds the text files of this package to the tools' words.
func TestWordsAreOfTheTaxonomy(t *testing.T) {
	tax, err := taxonomy.Load()
	if err != nil {
		t.Fatal(err)
	}
	k := catalogue(t, small(), 2)
	for _, a := range k.artists {
		for _, g := range a.Genres {
			if tax.Genres.Term(g) != g {
				t.Fatalf("genre %q is no term", g)
			}
		}
		for _, m := range a.Moods {
			if tax.Mood(m) != m {
				t.Fatalf("mood %q is no mood", m)
			}
		}
	}
	for _, s := range k.shows {
		for _, topic := range s.Topics {
			if tax.Topics.Term(topic) != topic {
				t.Fatalf("topic %q is no term", topic)
			}
		}
	}
	for _, p := range k.playlists {
		for _, activity := range p.Activities {
			if _, ok := tax.Activity(activity); !ok {
				t.Fatalf("activity %q is none", activity)
			}
		}
	}
}

// TestProportions looks at what tools depend on: skew, dates, languages, kinds.
func TestProportions(t *testing.T) {
	sizes := small()
	sizes.Tracks = 120_000
	k := catalogue(t, sizes, 3)
	share := func(name string, n, of int, least, most float64) {
		t.Helper()
		if got := float64(n) / float64(of); got < least || got > most {
			t.Errorf("%s: %.4f, want %v to %v", name, got, least, most)
		}
	}
	count := func(of int, is func(i int) bool) (n int) {
		for i := range of {
			if is(i) {
				n++
			}
		}
		return n
	}
	year, month, recent, coming := 0, 0, 0, 0
	for _, a := range k.albums {
		switch len(a.Released.String()) {
		case 4:
			year++
		case 7:
			month++
		}
		if a.Released.Within(12, sizes.AsOf) {
			recent++
		}
		if a.Released.After(sizes.AsOf) {
			coming++
		}
	}
	share("dates of a year", year, len(k.albums), 0.05, 0.25)
	share("dates of a month", month, len(k.albums), 0.03, 0.25)
	share("releases of the last 12 weeks", recent, len(k.albums), 0.005, 0.1)
	share("announced releases", coming, len(k.albums), 0.0005, 0.05)
	share("English artists", count(len(k.artists), func(i int) bool { return k.artists[i].Languages[0] == "en" }), len(k.artists), 0.4, 0.8)
	share("German pop and rap", count(len(k.artists), func(i int) bool {
		return k.artists[i].Languages[0] == "de" && slices.Contains([]string{"schlager", "deutschrap"}, k.artists[i].Genres[0])
	}), len(k.artists), 0.01, 0.06)
	share("artists with popularity above 60", count(len(k.artists), func(i int) bool { return k.artists[i].Popularity > 60 }), len(k.artists), 0.0005, 0.08)
	share("artists with popularity below 40", count(len(k.artists), func(i int) bool { return k.artists[i].Popularity < 40 }), len(k.artists), 0.7, 1)
	share("featured", count(len(k.tracks), func(i int) bool { return len(k.tracks[i].Featured) > 0 }), len(k.tracks), 0.05, 0.2)
	share("singles", count(len(k.albums), func(i int) bool { return k.albums[i].Kind == catalog.KindSingle }), len(k.albums), 0.2, 0.45)

	names := map[string]bool{}
	for _, a := range k.artists {
		names[a.Name] = true
	}
	share("distinct names", len(names), len(k.artists), 0.75, 1)
}

// TestListenersClusterAndSkew is what recommenders rely on: a user keeps to few genres, and
// few artists have most of the plays.
func TestListenersClusterAndSkew(t *testing.T) {
	sizes := small()
	sizes.Tracks = 150_000
	k := catalogue(t, sizes, 4)
	genre := map[string]string{}
	for _, a := range k.artists {
		genre[a.Key] = a.Genres[0]
	}
	plays, ofUser, users, inTop := map[string]int{}, map[string]map[string]int{}, 0, 0.0
	err := generate.Listeners(func(user, item string, _ float64, _ time.Time) error {
		artist, _, _ := strings.Cut(strings.TrimPrefix(item, "track:"), "-")
		plays[artist]++
		if ofUser[user] == nil {
			ofUser[user] = map[string]int{}
		}
		ofUser[user][genre[artist]]++
		return nil
	}, sizes, 1500, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, genres := range ofUser {
		counts := slices.SortedFunc(maps.Values(genres), func(a, b int) int { return cmp.Compare(b, a) })
		total := 0
		for _, n := range counts {
			total += n
		}
		if total >= 10 {
			users++
			inTop += float64(counts[0]+slices.Max(append(counts[1:], 0))) / float64(total)
		}
	}
	if got := inTop / float64(users); got < 0.7 {
		t.Errorf("the two main genres of a user have %.2f of the plays, want 0.7", got)
	}
	byPlays := slices.SortedFunc(maps.Values(plays), func(a, b int) int { return cmp.Compare(b, a) })
	head, total := 0, 0
	for i, n := range byPlays {
		if total += n; i < len(k.artists)/20 {
			head += n
		}
	}
	if got := float64(head) / float64(total); got < 0.3 || got > 0.9 {
		t.Errorf("a twentieth of the artists has %.2f of the plays, want 0.3 to 0.9", got)
	}
}

func TestDumpHasTheOdditiesOfRealOnes(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	wrote, err := generate.MusicBrainz(a, 8000, 9)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := generate.MusicBrainz(b, 8000, 9); err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, name := range []string{"artist", "release-group", "release", "recording", "test.listens"} {
		one, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(b, name))
		if err != nil || string(one) != string(two) {
			t.Errorf("%s differs between runs of one seed, %v", name, err)
		}
		if !utf8.Valid(one) {
			t.Errorf("%s is not UTF-8", name)
		}
		all += string(one)
	}
	for _, want := range []string{
		`"first-release-date":""`, `"first-release-date":"????"`, `"first-release-date":null`, `-02-30"`, `-??-??"`, `"video":true`, `"length":null`,
		`"joinphrase":" feat. "`, `"joinphrase":" vs. "`, `"joinphrase":", "`, `"locale":"ja"`, `"locale":"ar"`, "Various Artists", `"country":"XW"`, `"media":null`,
		`"mbid_mapping"`, `"user_id"`, `"timestamp"`, `"secondary-types":["Live"]`, `"language":"spa"`, "Volume Ⅱ",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("nowhere %s", want)
		}
	}
	if wrote.Videos == 0 || wrote.Orphans == 0 || wrote.Listens == 0 || wrote.Broken == 0 {
		t.Errorf("wrote %+v", wrote)
	}
}

func TestSizesReportEveryProblem(t *testing.T) {
	err := generate.Sizes{Shows: -1, Playlists: 1 << 40}.Validate()
	for _, want := range []string{"no tracks", "shows -1", "playlists"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in: %v", want, err)
		}
	}
	if err := generate.Catalogue(&keeper{}, generate.Sizes{Tracks: 1, Episodes: 1}, 1); err == nil {
		t.Error("episodes without shows")
	}
}

func TestTinySizes(t *testing.T) {
	for _, sizes := range []generate.Sizes{{Tracks: 1}, {Tracks: 5, Artists: 40}, {Tracks: 3000, Artists: 1}, {Tracks: 900, Artists: 349}} {
		k := catalogue(t, sizes, 1)
		if len(k.tracks) != sizes.Tracks {
			t.Errorf("%+v: %d tracks", sizes, len(k.tracks))
		}
		if err := generate.Listeners(func(string, string, float64, time.Time) error { return nil }, sizes, 20, 1); err != nil {
			t.Errorf("%+v: %v", sizes, err)
		}
	}
}

// counter counts rows and keeps none.
type counter struct {
	hash hash.Hash64
	n    int
}

func (c *counter) row(key string) error {
	c.n++
	_, err := c.hash.Write([]byte(key))
	return err
}

func (c *counter) AddArtist(r catalog.ArtistRow) error     { return c.row(r.Key) }
func (c *counter) AddAlbum(r catalog.AlbumRow) error       { return c.row(r.Key) }
func (c *counter) AddTrack(r catalog.TrackRow) error       { return c.row(r.Key) }
func (c *counter) AddShow(r catalog.ShowRow) error         { return c.row(r.Key) }
func (c *counter) AddEpisode(r catalog.EpisodeRow) error   { return c.row(r.Key) }
func (c *counter) AddPlaylist(r catalog.PlaylistRow) error { return c.row(r.Key) }

// TestTenMillionTracks is what a load test needs. It takes some minutes, so it runs with
// PFR_TEST_SCALE set alone.
func TestTenMillionTracks(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") == "" {
		t.Skip("PFR_TEST_SCALE is not set")
	}
	c, start := &counter{hash: fnv.New64a()}, time.Now()
	if err := generate.Catalogue(c, generate.Sizes{Tracks: 10_000_000, Shows: 1000, Episodes: 50_000, Playlists: 1000}, 1); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("%d rows in %v, %d MB of heap", c.n, time.Since(start), memory.HeapInuse>>20)
	if c.n < 11_000_000 || memory.HeapInuse > 256<<20 {
		t.Errorf("%d rows, %d bytes of heap", c.n, memory.HeapInuse)
	}
}

func BenchmarkCatalogue(b *testing.B) {
	for b.Loop() {
		if err := generate.Catalogue(&counter{hash: fnv.New64a()}, generate.Sizes{Tracks: 100_000}, 1); err != nil {
			b.Fatal(err)
		}
	}
}
