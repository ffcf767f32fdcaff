package schemas

import (
	"math"
	"strings"
)

// ItemType is the kind of a catalogue entry. It is the prefix of the entry's id.
type ItemType string

// Item is one result. ID is a catalogue id such as "artist:khruangbin".
type Item struct {
	ID          string   `json:"id"`
	Type        ItemType `json:"type"`
	Title       string   `json:"title"`
	Subtitle    string   `json:"subtitle,omitempty"`
	Artists     []string `json:"artists,omitempty"`
	Genres      []string `json:"genres,omitempty"`
	Kind        string   `json:"kind,omitempty"`         // of a release: album, single, ep, live, compilation, ...
	ReleaseDate string   `json:"release_date,omitempty"` // YYYY, YYYY-MM or YYYY-MM-DD
	Score       float64  `json:"score"`                  // comparable within one section only
	Why         string   `json:"why,omitempty"`          // a reason to show
	Synthetic   bool     `json:"synthetic,omitempty"`    // invented for the sample, and shown as such
	// Versions names other versions of the same work that are not listed because this item
	// stands for them: acoustic, album, clean, deluxe, demo, edit, explicit, live, mono,
	// remaster, session, single, stereo or studio. It is set by fusion.
	Versions []string `json:"versions,omitempty"`
	// Team says whose the item is in a section that mixes the answers of two tools; "" for
	// what only one had left to say. It is set by fusion.
	Team Team `json:"team,omitempty"`
}

// Team is a side of a comparison of two tools.
type Team string

// The teams.
const (
	TeamA Team = "a" // of the section's tool
	TeamB Team = "b" // of its rival
)

func (it *Item) check(p *problems) {
	prefix, rest, _ := strings.Cut(it.ID, ":")
	p.name("type", string(it.Type))
	p.check(rest != "" && prefix == string(it.Type), "id", "must be the type, a colon and a name")
	p.token("id", it.ID, MaxItemRefsBytes)
	p.check(it.Title != "", "title", "must not be empty")
	p.text("title", it.Title, MaxTitleBytes)
	p.text("subtitle", it.Subtitle, MaxTitleBytes)
	p.names("artists", it.Artists)
	p.names("genres", it.Genres)
	p.optional("kind", it.Kind)
	p.names("versions", it.Versions)
	oneOf(p, "team", it.Team, "", TeamA, TeamB)
	p.check(isDate(it.ReleaseDate), "release_date", "must be YYYY, YYYY-MM or YYYY-MM-DD")
	p.check(!math.IsNaN(it.Score) && !math.IsInf(it.Score, 0), "score", "must be a finite number")
	p.text("why", it.Why, MaxTitleBytes)
}

func (p *problems) names(field string, list []string) {
	p.check(len(list) <= MaxItemNames, field, "must have at most %d entries", MaxItemNames)
	for _, s := range list {
		p.text(field, s, MaxTitleBytes)
	}
}

func checkItems(p *problems, items []Item) {
	p.check(len(items) <= MaxItems, "items", "must have at most %d entries", MaxItems)
	each(p, "items", items, (*Item).check)
}

// isDate accepts the three precisions, and nothing at all.
func isDate(s string) bool {
	const form = "dddd-dd-dd"
	if len(s) != 0 && len(s) != 4 && len(s) != 7 && len(s) != 10 {
		return false
	}
	for i := range len(s) {
		if digit := s[i] >= '0' && s[i] <= '9'; digit != (form[i] == 'd') || !digit && s[i] != '-' {
			return false
		}
	}
	return true
}
