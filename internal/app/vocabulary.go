package app

import (
	"strings"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// vocabulary is the names of the catalogue, by parameter and normalised spelling.
type vocabulary map[string]map[string]string

// newVocabulary returns the names that parameters of the music manifest can have.
func newVocabulary(c *catalog.Catalog) vocabulary {
	v := vocabulary{"artist": {}, "genre": {}, "show": {}, "topic": {}, "language": {}, "audience": {}, "album": {}, "track": {}, "mood": {}, "activity": {}}
	for r := range famous(c, catalog.TypeArtist, maxArtistNames) {
		a := c.Artist(r.Index)
		v.add("artist", a.Name(), a.Name())
		for _, alias := range a.Aliases() {
			v.add("artist", alias, a.Name())
		}
		v.all("genre", a.Genres())
		v.all("language", a.Languages())
	}
	for r := range famous(c, catalog.TypeAlbum, maxOtherNames) {
		v.add("album", c.Album(r.Index).Title(), c.Album(r.Index).Title())
	}
	for r := range famous(c, catalog.TypeTrack, maxOtherNames) {
		v.add("track", c.Track(r.Index).Title(), c.Track(r.Index).Title())
	}
	for r := range famous(c, catalog.TypeShow, maxOtherNames) {
		s := c.Show(r.Index)
		v.add("show", s.Title(), s.Title())
		v.add("language", s.Language(), s.Language())
		v.add("audience", s.Audience(), s.Audience())
		v.all("topic", s.Topics())
	}
	return v
}

func (v vocabulary) all(parameter string, values []string) {
	for _, value := range values {
		v.add(parameter, value, value)
	}
}

// add keeps the first name of a spelling.
func (v vocabulary) add(parameter, spelling, canonical string) {
	key := router.Normalise(spelling)
	if _, taken := v[parameter][key]; !taken && key != "" {
		v[parameter][key] = canonical
	}
}

// maxNameWords is how many words of a query are looked up together.
const maxNameWords = 6

// named returns the names and notions that a normalised text mentions.
func (v vocabulary) named(text string) []string {
	words := strings.Fields(text)
	var found []string
	for from := range words {
		for to := from + 1; to <= min(from+maxNameWords, len(words)); to++ {
			phrase := strings.Join(words[from:to], " ")
			for _, names := range v {
				if _, ok := names[phrase]; ok {
					found = append(found, phrase)
					break
				}
			}
		}
	}
	return found
}

// Canonical implements [router.Vocabulary].
func (v vocabulary) Canonical(parameter, value string) (string, bool) {
	canonical, ok := v[parameter][router.Normalise(value)]
	return canonical, ok
}
