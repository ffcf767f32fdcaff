package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/parallel-fusion/pfr/internal/versions"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas/routes"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// names is what a router knows of the catalogue: a student that recognises its names, and
// the values that parameters can have. Both follow the catalogue.
type names struct {
	manifest   *routes.Manifest
	cfg        student.Config
	student    atomic.Pointer[student.Student]
	vocabulary atomic.Pointer[vocabulary]
}

// newNames makes the in-process model of a folder, or the embedded one, know the names of a
// catalogue.
func newNames(c *catalog.Catalog, dir string, manifest *routes.Manifest) (*names, error) {
	n := &names{manifest: manifest, cfg: student.DefaultConfig()}
	if dir != "" {
		var err error
		if n.cfg.Model, err = os.ReadFile(filepath.Join(dir, modelFile)); err != nil {
			return nil, fmt.Errorf("student: %w", err)
		}
		if n.cfg.Tagger, err = os.ReadFile(filepath.Join(dir, taggerFile)); err != nil {
			return nil, fmt.Errorf("student: %w", err)
		}
	}
	return n, n.learn(c)
}

// learn exchanges the names for those of a catalogue.
func (n *names) learn(c *catalog.Catalog) error {
	s, err := student.New(n.cfg, gazetteer(c), n.manifest)
	if err != nil {
		return fmt.Errorf("student: %w", err)
	}
	v := newVocabulary(c)
	n.student.Store(s)
	n.vocabulary.Store(&v)
	return nil
}

// Guess implements [router.Model].
func (n *names) Guess(text string) router.Guess { return n.student.Load().Guess(text) }

// Version implements [router.Model].
func (n *names) Version() string { return n.student.Load().Version() }

// Canonical implements [router.Vocabulary].
func (n *names) Canonical(parameter, value string) (string, bool) {
	return n.vocabulary.Load().Canonical(parameter, value)
}

// follow learns the names of each new version of the catalogue.
func (n *names) follow(in *infra, cfg ToolsConfig, known versions.Version) func(context.Context, func()) error {
	return func(ctx context.Context, ready func()) error {
		ready()
		cfg.catalogFolder().Follow(ctx, versions.Watch{Known: known, Every: cfg.Follow}, func(v versions.Version) error {
			c, err := catalog.Open(v.File(catalogFile))
			if err != nil {
				return err
			}
			return n.learn(c)
		}, func(err error) { in.log.Error("names of the new catalogue cannot be learnt", "error", err) })
		return nil
	}
}
