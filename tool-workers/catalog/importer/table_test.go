package importer_test

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/importer"
)

// tables is a configuration of CSV files, given as table → content.
func tables(t *testing.T, files map[string]string) importer.Config {
	t.Helper()
	cfg := config(t)
	dir := write(t, files)
	for table := range files {
		cfg.CSV = append(cfg.CSV, importer.CSVFile{Table: table, Path: filepath.Join(dir, table)})
	}
	return cfg
}

func TestCSVOfEveryTable(t *testing.T) {
	p, r := run(t, tables(t, map[string]string{
		"artists":   "\uFEFFname,aliases,country,languages,genres,moods,tags,like,links,popularity,note\r\n\"Bär, \"\"Der\"\"\",Baer; Der Bär,de,deu;en,Hip-Hop; jazz,mellow,loud,Two,https://b.example,70,a duo\r\nTwo,,,,,,,,,,\r\n",
		"albums":    "title,artists,kind,released,genres,credit,popularity\nErste,\"Bär, \"\"Der\"\"; Two\",ep,1999-05,jazz,Bär & Two,60\nZweite,Two,,,,,\n",
		"tracks":    "title,album,artists,number,seconds,featured,released\nB,Zweite,Two,2,200,,\nA,Zweite,Two,1,100,\"Carl; Dora\",\nAlone,,Two,,,,2001\n",
		"shows":     "title,publisher,language,country,topics,audience,description\nStars,Obs,en-GB,gb,Astronomy;Science,general,\"two\nlines\"\n",
		"episodes":  "title,show,number,topic,released,seconds\nMoon,Stars,4,cosmos,2025-06-01,1800\n",
		"playlists": "title,genres,moods,activities,era_from,era_to,language,artists,tracks,popularity\nMix,hip hop,chill,study,1990,1999,de,Two,track:two-alone,33\n",
	}))
	if r.Rejects > 0 {
		t.Fatal(r.First)
	}
	released := func(s string) catalog.Date {
		d, err := catalog.ParseDate(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	check := func(name string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", name, got, want)
		}
	}
	check("artist", p.artists[0], catalog.ArtistRow{
		Key: "bar-der", Name: `Bär, "Der"`, Aliases: []string{"Baer", "Der Bär"}, Country: "DE", Languages: []string{"de", "en"},
		Genres: []string{"hip hop", "jazz"}, Moods: []string{"chill"}, Tags: []string{"loud"}, Like: []string{"Two"},
		Links: []string{"https://b.example"}, Popularity: 70, Note: "a duo",
	})
	check("album", p.albums[0], catalog.AlbumRow{
		Key: "bar-der-erste", Title: "Erste", Artists: []string{"bar-der", "two"}, Kind: catalog.KindEP, Released: released("1999-05"),
		Genres: []string{"jazz"}, Credit: "Bär & Two", Popularity: 60,
	})
	check("tracks", p.tracks, []catalog.TrackRow{
		{Key: "two-zweite-a", Title: "A", Album: "two-zweite", Seconds: 100, Featured: []string{"Carl", "Dora"}, Popularity: 1},
		{Key: "two-zweite-b", Title: "B", Album: "two-zweite", Seconds: 200, Popularity: 1},
		{Key: "two-alone", Title: "Alone", Artists: []string{"two"}, Released: released("2001"), Popularity: 1},
	})
	check("show", p.shows[0], catalog.ShowRow{
		Key: "stars", Title: "Stars", Publisher: "Obs", Language: "en", Country: "GB", Topics: []string{"space", "science"}, Audience: "general",
		Description: "two\nlines", Popularity: 1,
	})
	check("episode", p.episodes[0], catalog.EpisodeRow{
		Key: "stars-moon", Title: "Moon", Show: "stars", Number: 4, Topic: "space", Released: released("2025-06-01"), Seconds: 1800,
	})
	check("playlist", p.playlists[0], catalog.PlaylistRow{
		Key: "mix", Title: "Mix", Genres: []string{"hip hop"}, Moods: []string{"chill"}, Activities: []string{"study"}, EraFrom: 1990, EraTo: 1999,
		Language: "de", Artists: []string{"two"}, Tracks: []string{"two-alone"}, Popularity: 33,
	})
}

func TestCSVRejectsNameTheirLine(t *testing.T) {
	cfg := tables(t, map[string]string{"artists": strings.Join([]string{
		/* 1 */ "id,name,popularity,country",
		/* 2 */ "a1,One,50,GB",
		/* 3 */ "a2,\"Two",
		/* 4 */ "Lines\",50,GB",
		/* 5 */ "a3,Three,500,GB",
		/* 6 */ "a4,,50,GB",
		/* 7 */ "a5,Five,50",
		/* 8 */ "a6,Inch 12\" mix,50,GB",
		/* 9 */ "a7,Seven,x,Great Britain",
		/* 10 */ "a8,\xff\xfe,1,GB",
		/* 11 */ "a9,Nine,,",
		/* 12 */ "a10,\"Never closed,,",
	}, "\n")})
	p, r := run(t, cfg)
	var names, got []string
	for _, a := range p.artists {
		names = append(names, a.Name)
	}
	for _, reject := range r.First {
		got = append(got, fmt.Sprint(reject.Line, " ", strings.ReplaceAll(reject.Reason, "\n", "; ")))
	}
	if want := []string{"One", "Two\nLines", "Nine"}; !reflect.DeepEqual(names, want) {
		t.Errorf("artists %q, want %q", names, want)
	}
	want := []string{
		`5 column popularity: "500"`, "6 column name: is empty", "7 3 fields", "8 a quotation mark", "9 column country", "10 not UTF-8", "12 a quotation mark",
	}
	if len(got) != len(want) {
		t.Fatalf("rejects:\n%s", strings.Join(got, "\n"))
	}
	for i, w := range want {
		if !strings.HasPrefix(got[i], w) {
			t.Errorf("reject %q, want %q", got[i], w)
		}
	}
}

func TestCSVMapping(t *testing.T) {
	dir := write(t, map[string]string{"x.csv": "Artist Name;ignored,pop,ID\nOne,7,artist:a1\n", "y.csv": "artist,year\nOne,1999\n"})
	cfg := config(t)
	cfg.CSV = []importer.CSVFile{{
		Table: "artists", Path: filepath.Join(dir, "x.csv"),
		Map: map[string]string{"name": "artist name;ignored", "popularity": "pop"},
	}}
	p, r := run(t, cfg)
	if len(p.artists) != 1 || p.artists[0].Name != "One" || p.artists[0].Popularity != 7 || p.artists[0].Key != "a1" {
		t.Errorf("got %+v, %v", p.artists, r.First)
	}
	cfg.CSV[0].Path = filepath.Join(dir, "y.csv")
	_, err := importer.Run(t.Context(), cfg, p.target(), nil)
	for _, want := range []string{`"artist name;ignored"`, `"pop"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of column %s in: %v", want, err)
		}
	}
}

func TestCSVReferences(t *testing.T) {
	p, r := run(t, tables(t, map[string]string{
		"artists": "id,name\na1,One\na2,Twó\n",
		"albums":  "id,title,artists\nb1,By key,a1\nb2,By id,artist:a1\nb3,By name,TWO\nb4,Unknown,Three\n",
		"tracks":  "id,title,album,artists\nt1,On key,b1,\nt2,On id,album:b3,a2\nt3,On title,By key,a1\nt4,On none,b9,a1\n",
	}))
	var got []string
	for _, a := range p.albums {
		got = append(got, a.Key+" "+strings.Join(a.Artists, ","))
	}
	for _, track := range p.tracks {
		got = append(got, track.Key+" "+track.Album)
	}
	want := []string{"b1 a1", "b2 a1", "b3 a2", "t1 b1", "t2 b3"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if r.Rejects != 3 {
		t.Errorf("rejects: %v", r.First)
	}
}

func TestInteractions(t *testing.T) {
	cfg := tables(t, map[string]string{
		"artists": "id,name,popularity\na1,One,\na2,Two,5\na3,Three,\n",
		"albums":  "id,title,artists\nb1,B,a1\n",
		"tracks":  "id,title,album\nt1,T,b1\nt2,U,b1\n",
		"interactions": "user,item,weight,timestamp\n" +
			"u1,track:t1,2,2025-01-01T00:00:00Z\nu1,track:t1,3.5,100\nu2,artist:ONE,,\nu2,track:t9,1,\nu2,track:t1,-1,\n" +
			"u3,artist:Two,1,soon\nu3,album:b1,1,1700000000\nu1,track:t2,1,\n",
	})
	p, r := run(t, cfg)
	want := map[string]bool{"u1 track:t1 5.5 1735689600": true, "u1 track:t2 1": true, "u2 artist:a1 1": true, "u3 album:b1 1 1700000000": true}
	for _, play := range p.plays {
		if !want[play] {
			t.Errorf("unexpected %q", play)
		}
		delete(want, play)
	}
	if len(want) > 0 || r.Interactions != 4 || r.Listeners != 3 || r.Rejects != 3 {
		t.Errorf("missing %v; %+v", want, r)
	}
	// One: u1 and u3 through album and tracks, u2 itself. Two has the popularity that was
	// given, Three none.
	var got []int
	for _, a := range p.artists {
		got = append(got, a.Popularity)
	}
	got = append(got, p.tracks[0].Popularity, p.tracks[1].Popularity)
	if want := []int{100, 5, 1, 100, 100}; !reflect.DeepEqual(got, want) {
		t.Errorf("popularity %v, want %v", got, want)
	}
}

// TestPopularityFallsWithRank gives artist n of 100 so many listeners as its rank says.
func TestPopularityFallsWithRank(t *testing.T) {
	var artists, plays strings.Builder
	artists.WriteString("id,name\n")
	plays.WriteString("user,item\n")
	for a := range 100 {
		fmt.Fprintf(&artists, "a%d,Artist %d\n", a, a)
		for u := range 100 / (a + 1) {
			fmt.Fprintf(&plays, "u%d,artist:a%d\n", u, a)
		}
	}
	p, _ := run(t, tables(t, map[string]string{"artists": artists.String(), "interactions": plays.String()}))
	got := []int{p.artists[0].Popularity, p.artists[1].Popularity, p.artists[9].Popularity, p.artists[99].Popularity}
	// 1 + 99·(1 − ln r/ln 101): rank 1, 2 and 10; the last half share the rank 51.
	if want := []int{100, 85, 51, 16}; !reflect.DeepEqual(got, want) {
		t.Errorf("popularity at ranks 1, 2, 10 and 51: %v, want %v", got, want)
	}
}

func TestListens(t *testing.T) {
	cfg := config(t)
	recording := `{"id":"` + id(20) + `","title":"R",` + credit("One", id(1), "") + `}`
	cfg.MusicBrainz = dump(t, threeArtists(), nil, []string{recording})
	listen := func(rest string) string {
		return `{"user_name":"ann","listened_at":1700000000,"track_metadata":` + rest + `}`
	}
	cfg.ListenBrainz = []string{filepath.Join(write(t, map[string]string{"listens": strings.Join([]string{
		listen(`{"additional_info":{"recording_mbid":"` + id(20) + `"},"artist_name":"x"}`),
		`{"user_id":42,"timestamp":"1700000001","track_metadata":{"mbid_mapping":{"recording_mbid":"` + strings.ToUpper(id(20)) + `","artist_mbids":[]}}}`,
		listen(`{"additional_info":{"recording_mbid":"` + id(99) + `","artist_mbids":["` + id(98) + `","` + id(2) + `"]}}`),
		listen(`{"additional_info":{"artist_mbids":"` + id(3) + `"}}`),
		listen(`{"artist_name":"  ONE "}`),
		listen(`{"artist_name":"Nobody"}`),
		`{"listened_at":1700000000,"track_metadata":{"artist_name":"One"}}`,
		listen(`{"artist_name":""}`),
		`{"user_name":"ann","listened_at":"soon","track_metadata":{"artist_name":"One"}}`,
	}, "\n")}), "listens")}
	p, r := run(t, cfg)
	want := map[string]bool{
		"ann track:mb-" + id(20) + " 1 1700000000": true, "42 track:mb-" + id(20) + " 1 1700000001": true,
		"ann artist:mb-" + id(2) + " 1 1700000000": true, "ann artist:mb-" + id(3) + " 1 1700000000": true, "ann artist:mb-" + id(1) + " 1 1700000000": true,
	}
	for _, play := range p.plays {
		if !want[play] {
			t.Errorf("unexpected %q", play)
		}
		delete(want, play)
	}
	if len(want) > 0 || r.Rejects != 3 || r.Sources[3].Skipped["a listen of what the catalogue does not have"] != 1 {
		t.Errorf("missing %v; %+v", want, r)
	}
}

// TestInteractionBounds rejects what the recommenders could not hold.
func TestInteractionBounds(t *testing.T) {
	user := strings.Repeat("u", 64<<10)
	p, r := run(t, tables(t, map[string]string{
		"artists": "id,name\na1,One\n",
		"interactions": strings.Join([]string{
			/* 1 */ "user,item,weight",
			/* 2 */ "u1,artist:a1,1e39",
			/* 3 */ "u1,artist:a1,1e-50",
			/* 4 */ "u1,artist:a1,Inf",
			/* 5 */ "u1,artist:a1,NaN",
			/* 6 */ user + "x,artist:a1,1",
			/* 7 */ user + ",artist:a1,1",
			/* 8 */ "u2,artist:a1,3e38",
			/* 9 */ "u2,artist:a1,3e38",
		}, "\n"),
	}))
	if want := []string{"u2 artist:a1 " + fmt.Sprint(float64(math.MaxFloat32)), user + " artist:a1 1"}; !sameSet(p.plays, want) {
		t.Errorf("plays %.60q, want %.60q", p.plays, want)
	}
	var got []string
	for _, reject := range r.First {
		got = append(got, fmt.Sprint(reject.Line, " ", reject.Reason))
	}
	if want := []string{"2 column weight", "3 column weight", "4 column weight", "5 column weight", "6 column user"}; !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("rejects %q, want %q", got, want)
	}
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func TestListenOfALongUser(t *testing.T) {
	cfg := config(t)
	cfg.MusicBrainz = dump(t, threeArtists(), nil, nil)
	listen := `{"user_name":"` + strings.Repeat("u", 64<<10) + `%s","track_metadata":{"artist_name":"One"}}` + "\n"
	cfg.ListenBrainz = []string{filepath.Join(write(t, map[string]string{"l": fmt.Sprintf(listen, "") + fmt.Sprintf(listen, "u")}), "l")}
	p, r := run(t, cfg)
	if len(p.plays) != 1 || r.Rejects != 1 || r.First[0].Line != 2 || !strings.Contains(r.First[0].Reason, "64 KiB") {
		t.Errorf("%d plays, %v", len(p.plays), r.First)
	}
}

// TestKeysOfSymbols has names without a letter or digit.
func TestKeysOfSymbols(t *testing.T) {
	p, r := run(t, tables(t, map[string]string{
		"artists": "name\n★\n☆\n!!!\nA\n",
		"albums":  "title,artists\n+,A\n-,A\n÷,★\n÷,☆\n",
		"tracks":  "title,artists\n♥,★\n♥,☆\n...,A\n???,A\n",
	}))
	if len(p.artists) != 4 || len(p.albums) != 4 || len(p.tracks) != 4 {
		t.Errorf("%d artists, %d albums, %d tracks: %v", len(p.artists), len(p.albums), len(p.tracks), r.First)
	}
	again, _ := run(t, tables(t, map[string]string{"artists": "name\n☆\n"}))
	if again.artists[0].Key != p.artists[1].Key {
		t.Errorf("key %s, and %s in another import", p.artists[1].Key, again.artists[0].Key)
	}
}

func TestUnusableTables(t *testing.T) {
	dir := write(t, map[string]string{"empty": "", "blank": "\n \n", "bom": "\uFEFF"})
	for name, want := range map[string]string{
		"empty": "the file is empty: want a first line with the names of the columns",
		"blank": "the file is empty: want a first line with the names of the columns",
		"bom":   "the file is empty: want a first line with the names of the columns",
		"":      "is a folder, want a file",
	} {
		cfg := config(t)
		cfg.CSV = []importer.CSVFile{{Table: "artists", Path: filepath.Join(dir, name)}}
		_, err := importer.Run(t.Context(), cfg, (&tape{}).target(), nil)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), cfg.CSV[0].Path) {
			t.Errorf("%q: error %v, want %q", name, err, want)
		}
	}
}
