package judge

import "github.com/parallel-fusion/pfr/schemas"

// PageOf returns what a judge may see of a page: the sections that have something, as they
// are shown, each with at most perSection items.
func PageOf(p schemas.SERP, perSection int) Page {
	out := Page{Notice: p.Notice}
	for _, s := range p.Sections {
		section := Section{Title: s.Title, Text: s.Text}
		for _, it := range s.Items[:min(len(s.Items), perSection)] {
			section.Items = append(section.Items, Item{
				ID: it.ID, Type: string(it.Type), Title: it.Title, Artists: it.Artists, Genres: it.Genres, ReleaseDate: it.ReleaseDate,
			})
		}
		if len(section.Items) > 0 || section.Text != "" {
			out.Sections = append(out.Sections, section)
		}
	}
	return out
}
