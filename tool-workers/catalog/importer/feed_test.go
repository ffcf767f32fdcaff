package importer_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/importer"
)

// feed is a small podcast feed.
func feed(title string, episodes int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>
<title>%s</title><link>https://show.example/%s</link><language>de-at</language>
<description>&lt;p&gt;All about &lt;b&gt;stars&lt;/b&gt; &amp;amp; more&lt;/p&gt;</description>
<itunes:author>Sternwarte</itunes:author><itunes:explicit>yes</itunes:explicit>
<itunes:category text="Science"><itunes:category text="Astronomy"/></itunes:category><itunes:category text="History"/>`, title, title)
	for n := range episodes {
		fmt.Fprintf(&b, `<item><title>Episode &amp; %d</title><guid>%s-%d</guid><pubDate>Mon, %02d Jun 2025 08:00:00 +0200</pubDate>
<itunes:duration>01:02:%02d</itunes:duration><itunes:episode>%d</itunes:episode><enclosure url="https://cdn.example/%d.mp3" type="audio/mpeg" length="1"/></item>`,
			n+1, title, n, 2+n, n, n+1, n)
	}
	return b.String() + "</channel></rss>"
}

func feeds(t *testing.T, addresses ...string) importer.Config {
	t.Helper()
	cfg := config(t)
	cfg.RSS = addresses
	cfg.Fetch.AllowPrivate = true
	cfg.Fetch.Timeout = 5 * time.Second
	return cfg
}

func TestFeed(t *testing.T) {
	p, r := run(t, feeds(t, filepath.Join(write(t, map[string]string{"show.xml": feed("Himmel", 2)}), "show.xml")))
	if len(p.shows) != 1 || len(p.episodes) != 2 {
		t.Fatalf("%d shows, %d episodes: %v", len(p.shows), len(p.episodes), r.First)
	}
	show, episode := p.shows[0], p.episodes[1]
	want := catalog.ShowRow{
		Key: show.Key, Title: "Himmel", Publisher: "Sternwarte", Description: "All about stars & more", Language: "de", Country: "AT",
		Topics: []string{"space", "science", "history"}, Audience: "adults", Links: []string{"https://show.example/Himmel"}, Popularity: 1,
	}
	if !reflect.DeepEqual(show, want) || show.Key == "" {
		t.Errorf("\ngot  %+v\nwant %+v", show, want)
	}
	released, err := catalog.ParseDate("2025-06-03")
	if err != nil {
		t.Fatal(err)
	}
	wantEpisode := catalog.EpisodeRow{
		Key: episode.Key, Title: "Episode & 2", Show: show.Key, Number: 2, Released: released, Seconds: 3721, Links: []string{"https://cdn.example/1.mp3"},
	}
	if !reflect.DeepEqual(episode, wantEpisode) || episode.Key == p.episodes[0].Key {
		t.Errorf("\ngot  %+v\nwant %+v", episode, wantEpisode)
	}
}

func TestFeedOddities(t *testing.T) {
	odd := `<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>Kinder</title><language>x</language>
<itunes:category text="Kids &amp; Family"/>
<item><title></title><guid>1</guid></item>
<item><title>No date</title><itunes:duration>90</itunes:duration></item>
<item><title>Odd</title><pubDate>yesterday</pubDate><itunes:duration>soon</itunes:duration><itunes:episode>one</itunes:episode></item>
</channel></rss>`
	p, r := run(t, feeds(t, write(t, map[string]string{"odd.xml": odd, "notes.txt": "not asked for"})))
	if len(p.shows) != 1 || p.shows[0].Audience != "kids" || p.shows[0].Language != "" {
		t.Errorf("show: %+v", p.shows)
	}
	if len(p.episodes) != 2 || p.episodes[0].Seconds != 90 || p.episodes[1].Seconds != 0 || p.episodes[1].Released != 0 || p.episodes[1].Number != 0 {
		t.Errorf("episodes: %+v", p.episodes)
	}
	if r.Rejects != 1 || !strings.Contains(r.First[0].String(), "odd.xml:1: episode 1: no title") {
		t.Errorf("rejects: %v", r.First)
	}
}

// TestFetch tells good feeds from all the ways in which one can be bad.
func TestFetch(t *testing.T) {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc("/good/{name}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, feed(r.PathValue("name"), 1)) })
	mux.Handle("/moved", http.RedirectHandler("/good/moved", http.StatusMovedPermanently))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.Handle("/file", http.RedirectHandler("file:///etc/hosts", http.StatusFound))
	mux.Handle("/gone", http.NotFoundHandler())
	mux.HandleFunc("/html", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html><body>Hello</body></html>") })
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 9000)) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })

	cfg := feeds(t, server.URL+"/good/a", server.URL+"/slow", server.URL+"/moved", server.URL+"/loop", server.URL+"/file",
		server.URL+"/gone", server.URL+"/html", server.URL+"/huge", "ftp://show.example/feed", server.URL+"/good/b", server.URL+"/good/a")
	cfg.Fetch.MaxBytes, cfg.Fetch.InFlight, cfg.Fetch.Timeout = 8000, 3, 300*time.Millisecond
	p, r := run(t, cfg)
	var titles []string
	for _, show := range p.shows {
		titles = append(titles, show.Title)
	}
	if want := []string{"a", "moved", "b"}; !reflect.DeepEqual(titles, want) {
		t.Errorf("shows %q, want %q", titles, want)
	}
	for i, want := range []string{
		"/slow:2: ask for the feed", "/loop:4: ask for the feed", "/file:5: ask for the feed", "/gone:6: ask for the feed: status 404",
		"/html:7: no feed", "/huge:8: too long", "ftp://show.example/feed:9: want an http",
	} {
		if i >= len(r.First) || !strings.Contains(r.First[i].String(), want) {
			t.Errorf("reject %d is not %q in %v", i, want, r.First)
		}
	}
}

// TestPrivateAddressesAreRefused asks a server on this machine, by several of its names.
func TestPrivateAddressesAreRefused(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	cfg := feeds(t, server.URL, "http://localhost"+port, "http://[::1]"+port, "http://[::ffff:127.0.0.1]"+port, "http://0.0.0.0"+port)
	cfg.Fetch.AllowPrivate = false
	_, r := run(t, cfg)
	if asked || r.Rejects != 5 {
		t.Errorf("asked: %v, %d rejects: %v", asked, r.Rejects, r.First)
	}
}

func TestOPML(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, feed(r.URL.Path[1:], 1)) }))
	defer server.Close()
	dir := write(t, map[string]string{
		"subscriptions.opml": `<?xml version="1.0"?><opml version="2.0"><head><title>x</title></head><body>
<outline text="Science"><outline type="rss" text="A" xmlUrl="` + server.URL + `/A"/><outline text="no feed" htmlUrl="https://x.example"/></outline>
<outline type="rss" xmlurl="` + server.URL + `/B"/><outline type="rss" xmlUrl="/etc/hosts"/></body></opml>`,
		"wrong.opml": `<html/>`,
	})
	cfg := feeds(t)
	cfg.OPML = []string{filepath.Join(dir, "subscriptions.opml")}
	p, r := run(t, cfg)
	if len(p.shows) != 2 || p.shows[0].Title != "A" || p.shows[1].Title != "B" {
		t.Errorf("shows: %+v", p.shows)
	}
	if r.Rejects != 1 || !strings.Contains(r.First[0].String(), "/etc/hosts:3: want an http or https URL") {
		t.Errorf("a path in OPML is no file: %v", r.First)
	}
	cfg.OPML = []string{filepath.Join(dir, "wrong.opml")}
	if _, err := importer.Run(t.Context(), cfg, p.target(), nil); err == nil || !strings.Contains(err.Error(), "no OPML") {
		t.Errorf("want an error that tells HTML from OPML, got %v", err)
	}
}

// TestFeedsAreFetchedAgain has a server that is down at the first import.
func TestFeedsAreFetchedAgain(t *testing.T) {
	up := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, feed("Back", 1))
	}))
	defer server.Close()
	cfg := feeds(t, server.URL)
	cfg.MaxRejects = 0.5
	if _, err := importer.Run(t.Context(), cfg, (&tape{}).target(), nil); err == nil || !strings.Contains(err.Error(), "1 of 1 in feeds") {
		t.Fatalf("want too many rejects, got %v", err)
	}
	up = true
	if p, r := run(t, cfg); len(p.shows) != 1 {
		t.Errorf("the feed is back, and is not fetched: %v", r.First)
	}
}

// TestFeedsOfOneFileName tells shows apart whose files have one name and no address.
func TestFeedsOfOneFileName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		file := filepath.Join(dir, name, "feed.xml")
		err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(feed(name, 1)), 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
	keys := map[string]string{}
	for what, addresses := range map[string][]string{
		"a folder":    {dir},
		"two folders": {filepath.Join(dir, "a"), filepath.Join(dir, "b")},
		"two files":   {filepath.Join(dir, "a", "feed.xml"), filepath.Join(dir, "b", "feed.xml")},
	} {
		p, r := run(t, feeds(t, addresses...))
		if len(p.shows) != 2 || len(p.episodes) != 2 || p.shows[0].Key == p.shows[1].Key {
			t.Errorf("%s: shows %+v, %v", what, p.shows, r.First)
			continue
		}
		keys[what] = p.shows[0].Key
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if p, _ := run(t, feeds(t, moved)); len(p.shows) != 2 || p.shows[0].Key != keys["a folder"] {
		t.Errorf("a folder that was moved: shows %+v, want the key %s", p.shows, keys["a folder"])
	}
}

// TestRefusedShowTakesItsEpisodesAlong has two feeds that claim one address.
func TestRefusedShowTakesItsEpisodesAlong(t *testing.T) {
	claim := func(title string) string {
		self := `<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="https://show.example/feed"/><title>`
		return strings.Replace(feed(title, 2), "<title>", self, 1)
	}
	dir := write(t, map[string]string{"1.xml": claim("First"), "2.xml": claim("Second")})
	p, r := run(t, feeds(t, dir))
	if len(p.shows) != 1 || p.shows[0].Title != "First" || len(p.episodes) != 2 || p.episodes[0].Show != p.shows[0].Key {
		t.Errorf("shows %+v, episodes %+v", p.shows, p.episodes)
	}
	if r.Rejects != 3 {
		t.Fatalf("%d rejects, want a show and its two episodes: %v", r.Rejects, r.First)
	}
	for i, want := range []string{": its key is taken", ": its show was rejected", ": its show was rejected"} {
		if got := r.First[i].String(); got != filepath.Join(dir, "2.xml")+":2"+want {
			t.Errorf("reject %q, want %q", got, want)
		}
	}
}
