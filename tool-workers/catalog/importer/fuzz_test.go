package importer

import (
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// fuzzUnits tries units on a parser: it must not panic, and what it emits must come back
// from staging as it was.
func fuzzUnits(f *testing.F, parser func(w *words) parse, seeds ...string) {
	w, err := newWords()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	parse := parser(w)
	f.Fuzz(func(t *testing.T, kept []byte) {
		data := slices.Clone(kept)
		var records []record
		err := parse(unit{data: data, line: 7, name: "fuzz"}, func(r record) error {
			records = append(records, r)
			return nil
		})
		for i := range data { // the unit's bytes are used again
			data[i] = '#'
		}
		for _, r := range records {
			staged := appendRecord(nil, 7, r)
			line, back, err := parseRecord(staged)
			if err != nil || line != 7 || string(appendRecord(nil, 7, back)) != string(staged) {
				t.Errorf("%q: %+v comes back as %+v, %v", kept, r, back, err)
			}
		}
		if err != nil && err.Error() == "" {
			t.Errorf("%q: no reason", kept)
		}
	})
}

const fuzzCredit = `"artist-credit":[{"name":"A","joinphrase":" feat. ","artist":{"id":"00000000-0000-4000-8000-000000000001","name":"a"}},{"name":"B","artist":{"id":null}}]`

const fuzzID = `"id":"00000000-0000-4000-8000-000000000002"`

func FuzzMusicBrainzArtist(f *testing.F) {
	fuzzUnits(f, func(w *words) parse { return mbParser{w}.artist },
		`{`+fuzzID+`,"name":"青","sort-name":"Ao, I","type":"Person","country":"XW","area":{"iso-3166-1-codes":["JP"]},"tags":[{"name":"chill","count":1}],"genres":[{"name":"Rock","count":2}],"aliases":[{"name":"Ao"}],"relations":[{"type":"official homepage","url":{"resource":"https://a.example"}}]}`)
}

func FuzzMusicBrainzReleaseGroup(f *testing.F) {
	fuzzUnits(f, func(w *words) parse { return mbParser{w}.releaseGroup },
		`{`+fuzzID+`,"title":"T",`+fuzzCredit+`,"primary-type":"Album","secondary-types":["Live"],"first-release-date":"1998-??-01"}`)
}

func FuzzMusicBrainzRecording(f *testing.F) {
	fuzzUnits(f, func(w *words) parse { return mbParser{w}.recording }, `{`+fuzzID+`,"title":"T",`+fuzzCredit+`,"length":1e9,"video":false}`)
}

func FuzzMusicBrainzRelease(f *testing.F) {
	fuzzUnits(f, func(w *words) parse { return mbParser{w}.release },
		`{`+fuzzID+`,"release-group":{`+fuzzID+`},"date":"2001","text-representation":{"language":"eng"},"media":[{"tracks":[{"recording":{`+fuzzID+`}}]}]}`)
}

func FuzzListen(f *testing.F) {
	fuzzUnits(f, func(*words) parse { return parseListen },
		`{"user_id":1,"timestamp":"2024-01-01","track_metadata":{"artist_name":"A","additional_info":{"artist_mbids":"x"},"mbid_mapping":{"artist_mbids":["y"]}}}`)
}

func FuzzFeed(f *testing.F) {
	fuzzUnits(f, func(w *words) parse { return feedParser{w}.parse },
		`<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>A</title><language>de</language><itunes:category text="Science"><itunes:category text="Astronomy"/></itunes:category><item><title>1</title><itunes:duration>1:2:3</itunes:duration><pubDate>Mon, 02 Jun 2025 08:00:00 GMT</pubDate></item></channel></rss>`,
		`<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><entry><title>1</title></entry></feed>`,
		`{"version":"https://jsonfeed.org/version/1.1","title":"A","items":[{"id":"1","title":"x"}]}`)
}

func FuzzCSVTable(f *testing.F) {
	for _, table := range []string{"artists", "tracks", "interactions"} {
		f.Add(table, "name,title,user,item,artists,weight\n", "a,b,c,artist:d,e;f,1.5\n")
	}
	w, err := newWords()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, header, row string) {
		if (CSVFile{Table: name, Path: "x"}).validate() != nil {
			return
		}
		table := newTable(CSVFile{Table: name}, w)
		if table.header(unit{data: []byte(header)}) != nil {
			return
		}
		err := table.parse(unit{data: []byte(row)}, func(r record) error {
			staged := appendRecord(nil, 1, r)
			if _, back, err := parseRecord(staged); err != nil || !reflect.DeepEqual(string(appendRecord(nil, 1, back)), string(staged)) {
				t.Errorf("%+v comes back as %+v, %v", r, back, err)
			}
			return nil
		})
		if err != nil && err.Error() == "" {
			t.Errorf("%q: no reason", row)
		}
	})
}

// FuzzCSVRecords compares with package encoding/csv, whatever both accept.
func FuzzCSVRecords(f *testing.F) {
	f.Add("a,b\n\"c,\"\"d\"\"\",\"e\nf\"\r\n\n,\n")
	f.Add("\"a\"\"\",b\n")
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, '\r') || strings.HasPrefix(text, byteOrderMark) {
			return // encoding/csv takes the first, and drops the others within fields
		}
		theirs := csv.NewReader(strings.NewReader(text))
		theirs.FieldsPerRecord = -1
		want, err := theirs.ReadAll()
		if err != nil {
			return
		}
		lines := newLineReader(strings.NewReader(text), 1<<20, true)
		for _, record := range want {
			if len(record) == 1 && strings.TrimSpace(record[0]) == "" {
				continue // blank for us
			}
			got, err := nextRecord(lines)
			if err != nil || !slices.Equal(got, record) {
				t.Fatalf("%q: got %q, %v, want %q", text, got, err, record)
			}
		}
	})
}

// nextRecord returns the next record that is more than one blank field.
func nextRecord(lines *lineReader) ([]string, error) {
	for {
		u, err := lines.next()
		if err != nil {
			return nil, err
		}
		fields, err := splitCSV(u.data)
		if err != nil || len(fields) != 1 || strings.TrimSpace(fields[0]) != "" {
			return fields, err
		}
	}
}

// FuzzLines reads any text in lines, resumes at every position, and gets the same.
func FuzzLines(f *testing.F) {
	f.Add("a\n\nb\"\nc\"\r\nlong line of text\nend", true)
	f.Fuzz(func(t *testing.T, text string, quoted bool) {
		read := func(from position) (units []string, at []position) {
			r := newLineReader(strings.NewReader(text), 12, quoted)
			if err := r.skip(from); err != nil {
				t.Fatal(err)
			}
			for {
				u, err := r.next()
				if errors.Is(err, io.EOF) {
					return units, at
				}
				if err != nil {
					t.Fatal(err)
				}
				if u.err != nil {
					u.data = nil
				}
				units, at = append(units, string(u.data)), append(at, r.at)
			}
		}
		all, at := read(position{})
		for i := range at {
			if rest, _ := read(at[i]); !slices.Equal(rest, all[i+1:]) {
				t.Fatalf("%q from %+v: %q, want %q", text, at[i], rest, all[i+1:])
			}
		}
	})
}

// TestLineReaderStaysBeforeWhatFailed is what an interrupted read must leave behind.
func TestLineReaderStaysBeforeWhatFailed(t *testing.T) {
	r := newLineReader(io.MultiReader(strings.NewReader("first\nhalf a li"), iotest.ErrReader(io.ErrClosedPipe)), 100, false)
	if u, err := r.next(); err != nil || string(u.data) != "first" {
		t.Fatal(u, err)
	}
	if _, err := r.next(); !errors.Is(err, io.ErrClosedPipe) || r.at != (position{Offset: 6, Line: 1}) {
		t.Errorf("the position is %+v, %v", r.at, err)
	}
}

func FuzzOPML(f *testing.F) {
	f.Add(`<opml><body><outline xmlUrl="https://a.example"/></body></opml>`)
	f.Fuzz(func(t *testing.T, text string) {
		refs, err := readOPML(strings.NewReader(text))
		for _, r := range refs {
			if !r.remote || err != nil {
				t.Errorf("%q: %+v, %v", text, r, err)
			}
		}
	})
}

// FuzzStaged reads damaged records: an error, or a record that can be written again.
func FuzzStaged(f *testing.F) {
	for _, r := range []record{&artist{}, &album{}, &track{}, &show{}, &episode{}, &playlist{}, &release{}, &play{}, &reject{}, &heard{}, &placed{}} {
		f.Add(appendRecord(nil, 9, r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		line, r, err := parseRecord(data)
		if err != nil {
			return
		}
		staged := appendRecord(nil, line, r)
		if _, _, err := parseRecord(staged); err != nil {
			t.Errorf("%x becomes %x: %v", data, staged, err)
		}
	})
}
