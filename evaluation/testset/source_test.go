package testset

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadLine(t *testing.T) {
	l, err := readLine("new [krungbin=Khruangbin; Air] <psych=psychedelic rock> | types=album; genre=a, b?", []string{"types", "genre"})
	if err != nil {
		t.Fatal(err)
	}
	genre := []name{{"psych", "psychedelic rock"}}
	want := []wording{
		{"new krungbin psych", "new <name> <term>", []name{{"krungbin", "Khruangbin"}}, genre},
		{"new Air psych", "new <name> <term>", []name{{"Air", "Air"}}, genre},
	}
	if !reflect.DeepEqual(l.wordings, want) || !reflect.DeepEqual(l.list("genre"), []string{"a", "b?"}) {
		t.Errorf("%+v", l)
	}
}

func TestReadLinesNamesEveryBadLine(t *testing.T) {
	_, err := readLines("f", "# fine\nfine\nnever [closed\n[]\nx | nokey=1\nx | types\nfine <a>", []string{"types"})
	for _, want := range []string{"f:3: ", "f:4: ", "f:5: ", "f:6: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "f:2") || strings.Contains(err.Error(), "f:7") {
		t.Error(err)
	}
}

// A mistake in a line of the source is named, and no case is made of it.
func TestMistakesInTheSource(t *testing.T) {
	files := fstest.MapFS{}
	for name, text := range map[string]string{"artists": "Air | downtempo | 2007-03 | 2007-03\nOld | rock |  | ", "shows": "Serial | true crime", "wishes": "calm | ambient | metal | calm", "profiles": "ada | US | en | jazz | Air"} {
		files["data/"+name+".txt"] = &fstest.MapFile{Data: []byte(text)}
	}
	for use, lines := range map[UseCase][]string{
		SimilarArtists: {"like nobody", "like [Nobody]"},
		NewReleases:    {"what is new", "new [Nobody]", "new [Old]", "new <jazz> | weeks=soon"},
		BroadMusic:     {"something", "x | mood=unheard of", "<jazz> | era=now"},
		BroadPodcast:   {"talk", "like [Nobody]"},
		Navigational:   {"nothing marked", "[Air] | name=2"},
		MultiIntent:    {"one thing | wish=by:Air", "x | wish=by:Air; wish=near:Air", "x | wish=by:Air; wish=like:Nobody"},
	} {
		for _, text := range lines {
			files["data/"+string(use)+".txt"] = &fstest.MapFile{Data: []byte(text)}
			s, err := newSource(files)
			if err != nil {
				t.Fatal(err)
			}
			read, err := s.lines(use)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := s.newCase(use, read[0], read[0].wordings[0]); err == nil {
				t.Errorf("%s: %q makes %+v", use, text, c)
			}
		}
	}
}

func TestDecades(t *testing.T) {
	if got := strings.Join(decades(1978, 1986), " "); got != "1970s 70s seventies 1980s 80s eighties" {
		t.Error(got)
	}
	if got := decades(0, 0); got != nil {
		t.Error(got)
	}
}
