package app

import (
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas/routes"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// knowledge is what several roles of one process know: the routes, and the catalogue,
// which is loaded once.
type knowledge struct {
	manifest   *routes.Manifest
	collection func() (collection, error)
}

func newKnowledge(cfg ToolsConfig) (knowledge, error) {
	manifest, err := routes.Music()
	return knowledge{manifest, sync.OnceValues(func() (collection, error) { return openCollection(cfg) })}, err
}

// catalog returns the catalogue as it was when the process started.
func (k knowledge) catalog() (*catalog.Catalog, error) {
	c, err := k.collection()
	return c.catalog, err
}

// names returns what a router knows of the catalogue, with the student of a folder or the
// embedded one.
func (k knowledge) names(dir string) (*names, error) {
	c, err := k.catalog()
	if err != nil {
		return nil, err
	}
	return newNames(c, dir, k.manifest)
}

// vocabulary returns the names of the catalogue that parameters can have.
func (k knowledge) vocabulary() (vocabulary, error) {
	c, err := k.catalog()
	if err != nil {
		return nil, err
	}
	return newVocabulary(c), nil
}

// sampleNote is shown on the web page while the embedded sample is in use.
const sampleNote = "Facts compiled by hand; episodes, listeners and play counts are synthetic."

// examples are queries to suggest: those of the routes that take parameters. The others are
// for what is not searched for here.
func (k knowledge) examples() []string {
	var out []string
	for _, r := range k.manifest.Routes {
		if len(r.Parameters) > 0 {
			out = append(out, r.Examples...)
		}
	}
	return out
}

// about is what the web page says of itself.
func (k knowledge) about(cfg ToolsConfig) (gateway.About, error) {
	c, err := k.catalog()
	if err != nil {
		return gateway.About{}, err
	}
	about := gateway.About{AsOf: c.AsOf.Format(time.DateOnly)}
	if cfg.Catalog == "" {
		about.Note = sampleNote
	}
	for _, r := range k.manifest.Routes {
		about.Examples = append(about.Examples, r.Examples[0])
		about.Routes = append(about.Routes, gateway.Legend{Name: r.Name, For: r.For})
	}
	return about, nil
}
