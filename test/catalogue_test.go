package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/generate"
)

// imported builds a catalogue of so many MusicBrainz entities, what people listened to, and
// a podcast, with models, and returns its folder and names of its best known artists.
func imported(t *testing.T, entities int) (dir string, artists []string) {
	t.Helper()
	dump, dir := t.TempDir(), t.TempDir()
	if _, err := generate.MusicBrainz(dump, entities, 3); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	out, err := runPFR(t, "", "catalog", "import", "--out", dir, "--musicbrainz", dump,
		"--listenbrainz", filepath.Join(dump, "test.listens"), "--rss", "testdata/feeds", "--as-of", "2025-06-28")
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	t.Logf("%d entities imported in %v", entities, took.Round(100*time.Millisecond))
	if took > importTime {
		t.Errorf("want at most %v", importTime)
	}
	if !strings.Contains(out, "is current in "+dir) || !strings.Contains(out, "rejects in all") {
		t.Errorf("import said\n%s", out)
	}
	if entities > usual { // training at scale has a test of its own
		return dir, listened(t, dump)
	}
	if out, err := runPFR(t, "", "train", "recs", "--catalog", dir); err != nil || !strings.Contains(out, "artists: ") {
		t.Fatalf("train said %s, %v", out, err)
	}
	return dir, listened(t, dump)
}

// listened returns the artists of the first listens, which are the most played.
func listened(t *testing.T, dump string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(dump, "test.listens"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plays := map[string]int{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var listen struct {
			Track struct {
				Artist string `json:"artist_name"`
			} `json:"track_metadata"`
		}
		if json.Unmarshal(lines.Bytes(), &listen) == nil { // some lines are broken on purpose
			plays[listen.Track.Artist]++
		}
	}
	var names []string
	const often = 15
	for name, n := range plays {
		if n >= often && !strings.Contains(name, "&") {
			names = append(names, name)
		}
	}
	if len(names) < 3 {
		t.Fatalf("only %d artists are played often", len(names))
	}
	return names
}

// How many entities are imported, usually and at scale, and how long that may take.
const (
	usual      = 4_000
	atScale    = 200_000
	importTime = time.Minute
)

// Every tool answers on a catalogue that the user brought. With PFR_TEST_SCALE it is a
// large one.
func TestImportedCatalogue(t *testing.T) {
	entities := usual
	if os.Getenv("PFR_TEST_SCALE") != "" {
		entities = atScale
	}
	dir, artists := imported(t, entities)
	for name, start := range modes() {
		t.Run(name, func(t *testing.T) {
			p := start(t, "--set", "tools.catalog="+dir)
			answered := map[string]string{} // tool → an id that it found, or what it said
			ask := func(query string) {
				for _, s := range p.search(t, query).Sections {
					if !s.Status.Answered() {
						t.Errorf("%s: %s is %s: %s", query, s.ID, s.Status, s.Reason)
					}
					if len(s.Items) > 0 {
						answered[s.Tool] = s.Items[0].ID
					} else if s.Text != "" { // about an item that stands further up
						answered[s.Tool] = s.Text
					}
				}
			}
			for _, artist := range artists[:3] {
				ask(artist)
				ask("artists similar to " + artist)
				ask("latest albums by " + artist)
			}
			for _, query := range []string{"rock songs", "new pop releases", "podcasts about space"} {
				ask(query)
			}
			for _, tool := range []string{"search", "similar_artists", "personalized_recs", "new_releases", "release_info", "podcast_search", "dj"} {
				if answered[tool] == "" {
					t.Errorf("%s found nothing", tool)
				}
			}
			if id := answered["similar_artists"]; !strings.HasPrefix(id, "artist:mb-") {
				t.Errorf("similar artists are %s, want those of the dump", id)
			}
		})
	}
}

// table writes a CSV file and returns its path.
func table(t *testing.T, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// importCSV builds a catalogue with one song of each artist.
func importCSV(t *testing.T, dir string, artists ...string) {
	t.Helper()
	a, b := []string{"name,genres,popularity"}, []string{"song,artists"}
	for _, name := range artists {
		a, b = append(a, name+",rock;pop,50"), append(b, "Song of "+name+","+name)
	}
	_, err := runPFR(t, "", "catalog", "import", "--out", dir, "--as-of", "2025-06-28",
		"--csv", "artists="+table(t, "artists.csv", a...), "--csv", "tracks="+table(t, "tracks.csv", b...), "--map", "tracks.title=song")
	if err != nil {
		t.Fatal(err)
	}
}

// A new version of the catalogue is served without a pause, and an old one is taken back.
func TestCatalogueIsSwappedWhileQueriesRun(t *testing.T) {
	dir := t.TempDir()
	importCSV(t, dir, "Alpha Zebra")
	old := currentVersion(t, dir)
	for name, start := range modes() {
		t.Run(name, func(t *testing.T) {
			p := start(t, "--set", "tools.catalog="+dir, "--set", "tools.follow=100ms")
			stop, fresh := asking(t, p, "alpha zebra"), 0
			finds := func(name string) func() bool {
				return func() bool {
					page := p.search(t, name)
					return len(page.Sections) > 0 && len(page.Sections[0].Items) > 0 && page.Sections[0].Items[0].Title == name
				}
			}
			if finds("Beta Yak")() {
				t.Fatal("found before it was there")
			}
			importCSV(t, dir, "Alpha Zebra", "Beta Yak")
			eventually(t, "the new version", finds("Beta Yak"))
			eventually(t, "the new names", func() bool {
				fresh++ // a decision that was made before is kept
				return p.search(t, fmt.Sprintf("artists similar to beta yak %s", strings.Repeat("please ", fresh))).Route.Params.Text("artist") == "Beta Yak"
			})
			if _, err := runPFR(t, "", "catalog", "use", dir, old); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the old version", func() bool { return !finds("Beta Yak")() })
			stop()
		})
	}
}

// asking asks one query over and over, and returns what ends it. Every page must be whole.
func asking(t *testing.T, p *pipeline, query string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	n := 0
	wg.Go(func() {
		for ctx.Err() == nil {
			page, err := p.trySearch(ctx, map[string]any{"query": query, "deadline_ms": 5000})
			if ctx.Err() != nil {
				return
			}
			n++
			if err != nil || page.Status != schemas.SERPComplete || len(page.Sections[0].Items) == 0 {
				t.Errorf("%s: %s, %v", query, page.Status, err)
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		t.Logf("%d pages, all whole", n)
	}
}

func currentVersion(t *testing.T, dir string) string {
	t.Helper()
	out, err := runPFR(t, "", "catalog", "stats", "--json", dir)
	if err != nil {
		t.Fatal(err)
	}
	var stats struct {
		Versions []string `json:"versions"`
	}
	if err := json.Unmarshal([]byte(out), &stats); err != nil || len(stats.Versions) == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	return stats.Versions[0]
}

// served returns the version that a folder points to.
func served(t *testing.T, dir string) string {
	t.Helper()
	name, err := os.ReadFile(filepath.Join(dir, "catalog", "current"))
	if err != nil {
		t.Fatal(err)
	}
	return string(name)
}

// An import that fails leaves the catalogue as it was, and says why.
func TestImportIsNeverHalfDone(t *testing.T) {
	dir := t.TempDir()
	importCSV(t, dir, "Alpha Zebra")
	before := served(t, dir)
	bad := table(t, "tracks.csv", "title,artists", "One,Nobody", "Two,Nobody")
	out, err := runPFR(t, "", "catalog", "import", "--out", dir, "--csv", "tracks="+bad)
	if err == nil || !strings.Contains(err.Error(), "too many rejects") || !strings.Contains(out, "tracks.csv:2") {
		t.Errorf("error %v after\n%s", err, out)
	}
	empty := table(t, "artists.csv", "name")
	if _, err := runPFR(t, "", "catalog", "import", "--out", dir, "--csv", "artists="+empty); err == nil || !strings.Contains(err.Error(), "no entry was accepted") {
		t.Errorf("an empty import: error %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "catalog", "hollow"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := runPFR(t, "", "catalog", "use", dir, "hollow"); err == nil || !strings.Contains(err.Error(), "hollow") {
		t.Errorf("an empty version: error %v", err)
	}
	if after := served(t, dir); after != before {
		t.Errorf("version %s became %s", before, after)
	}
	if _, err := runPFR(t, "", "catalog", "import", "--out", dir, "--csv", "tracks"); err == nil || !strings.Contains(err.Error(), "TABLE=FILE") {
		t.Errorf("error %v, want what to say instead", err)
	}
}

// Recommenders are judged on the interactions that a user has.
func TestEvaluateRecs(t *testing.T) {
	rows := []string{"user,item,weight"}
	for u := range 60 {
		for i := range 12 { // two circles of taste
			if (u+i*7)%3 > 0 {
				rows = append(rows, strings.Join([]string{"u" + strconv.Itoa(u), "artist:" + strconv.Itoa(u%2*100+i), strconv.Itoa(1 + i%4)}, ","))
			}
		}
	}
	out, err := runPFR(t, "", "evaluate", "recs", "--interactions", table(t, "plays.csv", rows...), "--json")
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Results []struct {
			Model  string `json:"model"`
			Recall struct {
				Mean float64 `json:"mean"`
			} `json:"recall_at_20"`
		} `json:"results"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	recall := map[string]float64{}
	for _, r := range report.Results {
		recall[r.Model] = r.Recall.Mean
	}
	for _, model := range []string{"popularity", "cosine-item-knn", "item-item", "als", "blend"} {
		if _, ok := recall[model]; !ok {
			t.Errorf("%s is not in %s", model, out)
		}
	}
	if recall["item-item"] < 0.9 { // everybody plays of one circle, which is shorter than the list
		t.Errorf("item-item recalls %v", recall["item-item"])
	}
}
