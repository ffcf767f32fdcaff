package schemas

import "strings"

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
	ReleaseDate string   `json:"release_date,omitempty"` // YYYY, YYYY-MM or YYYY-MM-DD
	Score       float64  `json:"score"`                  // comparable within one section only
	Why         string   `json:"why,omitempty"`          // a reason to show
	Synthetic   bool     `json:"synthetic,omitempty"`    // invented for the sample, and shown as such
}

func (it Item) check(p *problems) {
	prefix, rest, ok := strings.Cut(it.ID, ":")
	p.check(ok && rest != "" && prefix == string(it.Type), "items", "id must be the type, a colon and a name")
	p.check(len(it.ID) <= MaxItemRefsBytes && printable(it.ID), "items", "id must be printable and have at most %d bytes", MaxItemRefsBytes)
	p.check(it.Title != "", "items", "title must not be empty")
	p.text("items", it.Title, MaxTitleBytes)
	p.text("items", it.Subtitle, MaxTitleBytes)
	p.text("items", it.Why, MaxTitleBytes)
	p.check(it.Score == it.Score, "items", "score must be a number") // NaN is not equal to itself
	p.check(isDate(it.ReleaseDate), "items", "release_date must be YYYY, YYYY-MM or YYYY-MM-DD")
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
