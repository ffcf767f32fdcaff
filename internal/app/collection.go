package app

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/internal/versions"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/listening"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// A folder with a catalogue has two folders of versions.
const (
	catalogDir = "catalog"
	modelsDir  = "models"
)

// What the versions hold.
const (
	catalogFile = "catalog.pfr"
	searchFile  = "search.pfr"
	playsFile   = "interactions.csv.gz"
	recsFile    = "recs.pfr"
)

// collection is a catalogue, what its listeners do, and what is found in it.
type collection struct {
	catalog *catalog.Catalog
	finder  *taste.Finder
	index   string // file of the search index; "" when it has to be built
	version string // of the catalogue and the models
	from    [2]versions.Version
	doubt   error // why nothing is known of listeners although there are models; nil if all is well
}

// built reports whether the catalogue is a version in a folder, which is followed.
func (c collection) built() bool { return c.from[0].Name != "" }

// openCollection opens what the configuration names: a folder of built versions, one in
// text form, or the sample.
func openCollection(cfg ToolsConfig) (collection, error) {
	if cfg.Catalog == "" {
		c, err := catalog.Sample()
		if err != nil {
			return collection{}, err
		}
		return newCollection(c, taste.NewInvented(c))
	}
	current, err := cfg.catalogFolder().Current()
	if errors.Is(err, versions.ErrNone) {
		c, err := catalog.Load(os.DirFS(cfg.Catalog))
		if err != nil {
			return collection{}, fmt.Errorf("catalogue in %s: %w", cfg.Catalog, err)
		}
		if empty(c) {
			return collection{}, fmt.Errorf("%s holds no catalogue: build one with pfr catalog import --out %q", cfg.Catalog, cfg.Catalog)
		}
		return newCollection(c, taste.Nobody{})
	}
	if err != nil {
		return collection{}, fmt.Errorf("catalogue: %w", err)
	}
	return openBuilt(current, cfg.modelsFolder())
}

func newCollection(c *catalog.Catalog, l taste.Listening) (collection, error) {
	f, err := taste.NewFinder(c, l)
	out := collection{catalog: c, finder: f, version: c.Version}
	if !c.Dated { // the same catalogue is another one tomorrow
		out.version += "@" + c.AsOf.Format(time.DateOnly)
	}
	return out, err
}

func empty(c *catalog.Catalog) bool {
	return !slices.ContainsFunc(catalog.Types(), func(t schemas.ItemType) bool { return c.Count(t) > 0 })
}

func openBuilt(current versions.Version, models versions.Folder) (collection, error) {
	c, err := catalog.Open(current.File(catalogFile))
	if err != nil {
		return collection{}, err
	}
	listeners, model, doubt := openListening(c, models)
	out, err := newCollection(c, listeners)
	out.index, out.from, out.doubt = current.File(searchFile), [2]versions.Version{current, model}, doubt
	if model.Name != "" {
		out.version += "+" + model.Name
	}
	return out, err
}

// openListening opens the current models. Without any, or with an error, nothing is known
// of listeners: the tools do without.
func openListening(c *catalog.Catalog, models versions.Folder) (taste.Listening, versions.Version, error) {
	v, err := models.Current()
	if errors.Is(err, versions.ErrNone) {
		return taste.Nobody{}, v, nil
	}
	if err != nil {
		return taste.Nobody{}, v, fmt.Errorf("models: %w", err)
	}
	bundle, err := loadBundle(v)
	if err != nil {
		return taste.Nobody{}, v, err
	}
	l := listening.New(c, bundle, false)
	if l.Known() == 0 {
		return taste.Nobody{}, v, fmt.Errorf("models %s: they know nothing that this catalogue has; train them with --catalog", v.Name)
	}
	return l, v, nil
}

// loadBundle reads a version of the models.
func loadBundle(v versions.Version) (recommend.Bundle, error) {
	f, err := os.Open(v.File(recsFile))
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	bundle, err := recommend.LoadBundle(f)
	if err != nil {
		return nil, fmt.Errorf("models %s: %w", v.Name, err)
	}
	return bundle, nil
}

// catalogFolder is where the versions of the catalogue are.
func (c ToolsConfig) catalogFolder() versions.Folder {
	return versions.In(filepath.Join(c.Catalog, catalogDir))
}

// modelsFolder is where the versions of the recommenders are.
func (c ToolsConfig) modelsFolder() versions.Folder {
	if c.Models != "" {
		return versions.In(c.Models)
	}
	return versions.In(filepath.Join(c.Catalog, modelsDir))
}

// readPlays reads a file of interactions, which may be compressed.
func readPlays(name string) (*recommend.Interactions, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("interactions: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("interactions %s: %w", name, err)
		}
		r = z
	}
	x, err := recommend.ReadCSV(r)
	if err != nil {
		return nil, fmt.Errorf("interactions %s: %w", name, err)
	}
	return x, nil
}
