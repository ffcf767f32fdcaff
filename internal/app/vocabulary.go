package app

import (
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// vocabulary is the names of the catalogue, by parameter and normalised spelling.
type vocabulary map[string]map[string]string

// newVocabulary returns the names that parameters of the music manifest can have.
func newVocabulary(c *catalog.Catalog) vocabulary {
	v := vocabulary{"artist": {}, "genre": {}, "show": {}, "topic": {}, "language": {}, "audience": {}}
	for _, a := range c.Artists {
		v.add("artist", a.Name, a.Name)
		for _, alias := range a.Aliases {
			v.add("artist", alias, a.Name)
		}
		v.all("genre", a.Genres)
		v.all("language", a.Languages)
	}
	for _, s := range c.Shows {
		v.add("show", s.Title, s.Title)
		v.add("language", s.Language, s.Language)
		v.add("audience", s.Audience, s.Audience)
		v.all("topic", s.Topics)
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

// Canonical implements [router.Vocabulary].
func (v vocabulary) Canonical(parameter, value string) (string, bool) {
	canonical, ok := v[parameter][router.Normalise(value)]
	return canonical, ok
}
