package app

import (
	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// gazetteer gives the names of the catalogue to the student.
func gazetteer(c *catalog.Catalog) student.Gazetteer {
	var g student.Gazetteer
	for a := range c.Artists() {
		g.Artists = append(g.Artists, student.Name{Text: a.Name(), Canonical: a.Name(), Popularity: a.Popularity()})
		for _, alias := range a.Aliases() {
			g.Artists = append(g.Artists, student.Name{Text: alias, Canonical: a.Name(), Popularity: a.Popularity()})
		}
	}
	for a := range c.Albums() {
		g.Albums = append(g.Albums, student.Name{Text: a.Title(), Canonical: a.Title(), Popularity: a.Popularity()})
	}
	for t := range c.Tracks() {
		g.Tracks = append(g.Tracks, student.Name{Text: t.Title(), Canonical: t.Title(), Popularity: t.Popularity()})
	}
	for s := range c.Shows() {
		g.Shows = append(g.Shows, student.Name{Text: s.Title(), Canonical: s.Title(), Popularity: s.Popularity()})
	}
	for p := range c.Playlists() {
		g.Playlists = append(g.Playlists, student.Name{Text: p.Title(), Canonical: p.Title(), Popularity: p.Popularity()})
	}
	return g
}
