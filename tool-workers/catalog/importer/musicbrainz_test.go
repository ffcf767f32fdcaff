package importer_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

func TestArtist(t *testing.T) {
	tests := []struct {
		name, fields string
		want         catalog.ArtistRow
	}{
		{
			"nulls", `"name":"Plain","aliases":null,"area":null,"country":null,"genres":null,"tags":null,"type":null,"disambiguation":null,"relations":null,"rating":null`,
			catalog.ArtistRow{Name: "Plain"},
		},
		{
			"area for country", `"name":"Isla","country":null,"area":{"iso-3166-1-codes":["IS"]},"disambiguation":"Icelandic duo"`,
			catalog.ArtistRow{Name: "Isla", Country: "IS", Note: "Icelandic duo"},
		},
		{
			"no country is worldwide", `"name":"Globe","country":"XW","area":{"iso-3166-1-codes":[]}`,
			catalog.ArtistRow{Name: "Globe"},
		},
		{
			"genres by votes, in the words of the taxonomy", `"name":"Beat","genres":[{"name":"jazz","count":2},{"name":"Hip-Hop","count":9},{"name":"zeuhl","count":5}]`,
			catalog.ArtistRow{Name: "Beat", Genres: []string{"hip hop", "zeuhl", "jazz"}},
		},
		{
			"tags are moods and genres too", `"name":"Tagged","tags":[{"name":"seen live","count":3},{"name":"mellow","count":2},{"name":"trip hop","count":1},{"name":"wrong","count":-1}]`,
			catalog.ArtistRow{Name: "Tagged", Genres: []string{"trip hop"}, Moods: []string{"chill"}, Tags: []string{"seen live"}},
		},
		{
			"aliases of several scripts", `"name":"青木さくら","sort-name":"Aoki, Sakura","type":"Person","country":"JP","aliases":[{"name":"Sakura Aoki","locale":"en"},{"name":"ساكورا","locale":"ar","primary":true},{"name":"青木さくら"}]`,
			catalog.ArtistRow{Name: "青木さくら", Country: "JP", Languages: []string{"ja"}, Aliases: []string{"Sakura Aoki", "ساكورا"}},
		},
		{
			"links that are still good", `"name":"Net","relations":[{"type":"discogs","url":{"resource":"https://d.example/1"}},{"type":"official homepage","url":{"resource":"https://net.example/"}},{"type":"official homepage","ended":true,"url":{"resource":"https://old.example/"}},{"type":"member of band","artist":{}},{"type":"x","url":{"resource":"ftp://f.example"}}]`,
			catalog.ArtistRow{Name: "Net", Links: []string{"https://net.example/", "https://d.example/1"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := config(t)
			cfg.MusicBrainz = dump(t, []string{`{"id":"` + id(7) + `",` + test.fields + `}`}, nil, nil)
			p, r := run(t, cfg)
			if len(p.artists) != 1 {
				t.Fatalf("no artist: %v", r.First)
			}
			test.want.Key, test.want.Popularity = "mb-"+id(7), 1
			if got := p.artists[0]; !reflect.DeepEqual(got, test.want) {
				t.Errorf("\ngot  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// threeArtists are lines of the artists 1 to 3: One, Two, Three.
func threeArtists() []string {
	var out []string
	for i, name := range []string{"One", "Two", "Three"} {
		out = append(out, fmt.Sprintf(`{"id":%q,"name":%q}`, id(i+1), name))
	}
	return out
}

func TestCredits(t *testing.T) {
	key := func(n ...int) (out []string) {
		for _, i := range n {
			out = append(out, "mb-"+id(i))
		}
		return out
	}
	tests := []struct {
		name, credit string
		artists      []string
		album, track string // as printed
		featured     []string
	}{
		{"one", credit("One", id(1), ""), key(1), "", "", nil},
		{"by another name", `"artist-credit":[{"name":"Uno","joinphrase":"","artist":{"id":"` + id(1) + `","name":"One"}}]`, key(1), "Uno", "Uno", nil},
		{"no printed name", `"artist-credit":[{"name":null,"joinphrase":null,"artist":{"id":"` + id(1) + `","name":"One"}}]`, key(1), "", "", nil},
		{"two", credit("One", id(1), " & ", "Two", id(2), ""), key(1, 2), "One & Two", "One & Two", nil},
		{"x and vs.", credit("One", id(1), " x ", "Two", id(2), " vs. ", "Three", id(3), ""), key(1, 2, 3), "One x Two vs. Three", "One x Two vs. Three", nil},
		{"guest", credit("One", id(1), " feat. ", "Two", id(2), ""), key(1), "One feat. Two", "", []string{"Two"}},
		{"guests in parentheses", credit("One", id(1), " (ft. ", "Two", id(2), " & ", "Three", id(3), ")"), key(1), "One (ft. Two & Three)", "", []string{"Two", "Three"}},
		{"two and a guest", credit("One", id(1), ", ", "Two", id(2), " FEATURING ", "Three", id(3), ""), key(1, 2), "One, Two FEATURING Three", "One, Two", []string{"Three"}},
		{"no feature in a word", credit("One", id(1), " after ", "Two", id(2), ""), key(1, 2), "One after Two", "One after Two", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := config(t)
			body := func(n int) string { return `{"id":"` + id(n) + `","title":"T",` + test.credit + `}` }
			cfg.MusicBrainz = dump(t, threeArtists(), []string{body(10)}, []string{body(20)})
			p, r := run(t, cfg)
			if r.Rejects > 0 {
				t.Fatal(r.First)
			}
			album, track := p.albums[0], p.tracks[0]
			if !reflect.DeepEqual(album.Artists, test.artists) || album.Credit != test.album {
				t.Errorf("album: %v %q", album.Artists, album.Credit)
			}
			if !reflect.DeepEqual(track.Artists, test.artists) || track.Credit != test.track || !reflect.DeepEqual(track.Featured, test.featured) {
				t.Errorf("track: %v %q %v", track.Artists, track.Credit, track.Featured)
			}
		})
	}
}

func TestAlbumOddities(t *testing.T) {
	tests := []struct {
		fields, date string
		kind         catalog.Kind
	}{
		{`"primary-type":"Album","first-release-date":"1997-05-21"`, "1997-05-21", catalog.KindAlbum},
		{`"primary-type":"EP","first-release-date":"1997-05"`, "1997-05", catalog.KindEP},
		{`"primary-type":"Single","first-release-date":"1997"`, "1997", catalog.KindSingle},
		{`"primary-type":"Album","secondary-types":["Compilation"],"first-release-date":""`, "", catalog.KindCompilation},
		{`"primary-type":"Album","secondary-types":["Remix","Live"],"first-release-date":"????"`, "", catalog.KindLive},
		{`"primary-type":"Other","secondary-types":["DJ-mix"],"first-release-date":null`, "", catalog.KindCompilation},
		{`"primary-type":null,"secondary-types":["Soundtrack"]`, "", catalog.KindAlbum},
		{`"first-release-date":"1997-??-12"`, "1997", catalog.KindAlbum},
		{`"first-release-date":"2001-02-30"`, "2001-02", catalog.KindAlbum},
		{`"first-release-date":"0000"`, "", catalog.KindAlbum},
		{`"first-release-date":"19970521"`, "", catalog.KindAlbum},
	}
	for _, test := range tests {
		t.Run(test.fields, func(t *testing.T) {
			cfg := config(t)
			cfg.MusicBrainz = dump(t, threeArtists(), []string{`{"id":"` + id(10) + `","title":"T",` + credit("One", id(1), "") + `,` + test.fields + `}`}, nil)
			p, r := run(t, cfg)
			if len(p.albums) != 1 {
				t.Fatal(r.First)
			}
			if a := p.albums[0]; a.Released.String() != test.date || a.Kind != test.kind {
				t.Errorf("got %q %s, want %q %s", a.Released, a.Kind, test.date, test.kind)
			}
		})
	}
}

func TestLinesThatAreNoRows(t *testing.T) {
	one := credit("One", id(1), "")
	cfg := config(t)
	cfg.MusicBrainz = dump(t, threeArtists(), nil, []string{
		/* 1 */ `{"id":"` + id(1) + `","title":"Good",` + one + `,"length":1499}`,
		/* 2 */ `{"id":"` + id(2) + `","title":"Video","video":true,` + one + `}`,
		/* 3 */ ``,
		/* 4 */ `{"id":"` + id(4) + `","title":"Cut off`,
		/* 5 */ `{"id":"nonsense","title":"No MBID",` + one + `}`,
		/* 6 */ `{"id":"` + id(6) + `","title":" ",` + one + `}`,
		/* 7 */ `{"id":"` + id(7) + `","title":"Nobody","artist-credit":[]}`,
		/* 8 */ `{"id":"` + id(8) + `","title":"Stranger",` + credit("Four", id(4), "") + `}`,
		/* 9 */ `{"id":"` + id(9) + `","title":17,` + one + `}`,
		/* 10 */ `[1,2]`,
		/* 11 */ `{"id":"` + id(11) + `","title":"Null length","length":null,"video":null,` + one + `}`,
		/* 12 */ `{"id":"` + id(12) + `","title":"` + strings.Repeat("long ", 100_000) + `",` + one + `}`,
	})
	cfg.MaxUnit = 64 << 10
	p, r := run(t, cfg)
	var got []string
	for _, reject := range r.First {
		got = append(got, fmt.Sprint(reject.Line, " ", reject.Reason))
	}
	want := []string{
		"4 no JSON object", "5 no id", "6 no title", "7 no artist credit", "9 field title: want a text, got a number",
		"10 want an object, got a list", "12 too long", "8 unknown artist",
	}
	if len(got) != len(want) {
		t.Fatalf("rejects:\n%s", strings.Join(got, "\n"))
	}
	for i, w := range want {
		if !strings.HasPrefix(got[i], w) {
			t.Errorf("reject %q, want %q", got[i], w)
		}
	}
	if len(p.tracks) != 2 || p.tracks[0].Seconds != 1 || p.tracks[1].Seconds != 0 {
		t.Errorf("tracks: %+v", p.tracks)
	}
	if n := r.Sources[2].Skipped["a video"]; n != 1 {
		t.Errorf("%d videos skipped, want 1", n)
	}
}

// TestReleases puts recordings on the albums of which releases are editions.
func TestReleases(t *testing.T) {
	one := credit("One", id(1), "")
	group := func(n int, kind, secondary string) string {
		return fmt.Sprintf(`{"id":%q,"title":"G%d","primary-type":%q,"secondary-types":[%s],%s}`, id(n), n, kind, secondary, one)
	}
	release := func(n, of int, rest string, recordings ...int) string {
		var tracks []string
		for _, r := range recordings {
			tracks = append(tracks, fmt.Sprintf(`{"recording":{"id":%q}}`, id(r)))
		}
		return fmt.Sprintf(`{"id":%q,"release-group":{"id":%q},%s,"media":[{"tracks":[%s]}]}`, id(n), id(of), rest, strings.Join(tracks, ","))
	}
	recording := func(n int) string {
		return fmt.Sprintf(`{"id":%q,"title":"R%d",%s,"first-release-date":"1999"}`, id(n), n, one)
	}
	german := `"status":"Official","date":"1990","text-representation":{"language":"deu"}`
	cfg := config(t)
	cfg.MusicBrainz = write(t, map[string]string{
		"artist":        threeArtists()[0],
		"release-group": strings.Join([]string{group(10, "Album", ""), group(11, "Single", ""), group(12, "Album", `"Compilation"`)}, "\n"),
		"release": strings.Join([]string{
			release(30, 12, german, 23, 21), release(31, 11, german, 21), release(32, 10, german, 22, 21),
			release(33, 10, `"status":"Bootleg","date":"1980"`, 21, 22), release(34, 99, german, 24), release(35, 10, german),
		}, "\n"),
		"recording": strings.Join([]string{recording(21), recording(22), recording(23), recording(24)}, "\n"),
	})
	p, r := run(t, cfg)
	var got []string
	for _, track := range p.tracks {
		got = append(got, fmt.Sprintf("%s on %s %s", track.Title, strings.TrimPrefix(track.Album, "mb-00000000-0000-4000-8000-0000000000"), track.Released))
	}
	want := []string{"R22 on 10 ", "R21 on 10 ", "R23 on 12 ", "R24 on  1999"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if lang := p.artists[0].Languages; !reflect.DeepEqual(lang, []string{"de"}) {
		t.Errorf("languages of the artist: %v", lang)
	}
	if n := r.Sources[2].Skipped["a release without recordings"]; n != 1 {
		t.Errorf("skipped: %v", r.Sources[2].Skipped)
	}
}

// TestReasonsSpeakOfJSON has values of the wrong type: the reasons know nothing of Go.
func TestReasonsSpeakOfJSON(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = dump(t, []string{`{"aliases":"x"}`, `{"aliases":[7]}`, `"x"`, `{"name":{}}`, `{"rating":[]}`, `{"rating":{"votes-count":1.5}}`}, nil, nil)
	listens := []string{`{"track_metadata":[]}`, `{"track_metadata":{"additional_info":{"artist_mbids":[1]}}}`, `{"track_metadata":{"additional_info":{"artist_mbids":true}}}`}
	cfg.ListenBrainz = []string{filepath.Join(write(t, map[string]string{"l": strings.Join(listens, "\n")}), "l")}
	_, r := run(t, cfg)
	var got []string
	for _, reject := range r.First {
		got = append(got, reject.Reason)
	}
	want := []string{
		"field aliases: want a list, got a text", "field aliases: want an object, got a number", "want an object, got a text",
		"field name: want a text, got an object", "field rating: want an object, got a list",
		"field rating.votes-count: want a number, got number 1.5",
		"field track_metadata: want an object, got a list",
		"field track_metadata.additional_info.artist_mbids: want a text, got a number",
		"field track_metadata.additional_info.artist_mbids: want a text, got true or false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("reasons\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
