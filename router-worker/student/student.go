// Package student is the first trained model of the router: a linear classifier over
// hashed features chooses the route, and the words of the query, read with the names of
// the catalogue and a lexicon, become its parameters. It is pure Go, answers in
// microseconds, and knows how sure it is.
//
// The vocabulary: a Gazetteer holds the names of a catalogue; the lexicon (data/lexicon.txt)
// holds words with a meaning of their own, such as genres, moods and languages; a span is a
// run of words with one meaning; the masked form of a text has symbols in place of its
// names and notions, so that what is learnt of one artist holds for all. A tagger (package
// nlu) finds names and topics that no list has, by the words around them; it is learnt from
// frames, see frames/README.md. A Model is learnt from the queries in data/ by Train, which
// `go generate` runs; a Student is a Model that reads with a Gazetteer.
package student

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/student/nlu"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Config configures a [Student]. See [DefaultConfig].
type Config struct {
	// MaxRunes is how much of a query is read; the rest is ignored.
	MaxRunes int `yaml:"max_runes"`
	// Model is a trained model as written by [Model.MarshalBinary]; nil is the embedded one.
	Model []byte `yaml:"-"`
	// Tagger is a trained tagger as written by [nlu.Model.MarshalBinary]; nil is the embedded
	// one.
	Tagger []byte `yaml:"-"`
}

// DefaultConfig returns the settings for the embedded model.
func DefaultConfig() Config { return Config{MaxRunes: 512} }

// Validate reports every problem at once.
func (c Config) Validate() error {
	if c.MaxRunes <= 0 {
		return errors.New("max_runes: must be positive")
	}
	return nil
}

// Student guesses the route and the parameters of a query. It is immutable and safe for
// concurrent use.
type Student struct {
	cfg     Config
	model   *Model
	view    view
	version string
	scratch sync.Pool // of *scratch
}

// scratch is the memory of one guess.
type scratch struct {
	annotation annotation
	features   []feature
}

// New returns a Student that knows the names of gaz and answers with routes of manifest.
// It fails if the model was trained for other routes.
func New(cfg Config, gaz Gazetteer, manifest *routes.Manifest) (*Student, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("student config: %w", err)
	}
	trained := cfg.Model
	if trained == nil {
		trained = model
	}
	m, err := ReadModel(trained)
	if err != nil {
		return nil, fmt.Errorf("student: %w", err)
	}
	if !slices.Equal(m.Routes, manifest.Names()) {
		return nil, fmt.Errorf("student: model is trained for %s, manifest has %s: train it again", strings.Join(m.Routes, ", "), strings.Join(manifest.Names(), ", "))
	}
	trainedTagger := cfg.Tagger
	if trainedTagger == nil {
		trainedTagger = tagger
	}
	tags, err := nlu.Read(trainedTagger)
	if err != nil {
		return nil, fmt.Errorf("student: tagger: %w", err)
	}
	x := newIndex()
	if err := x.addLexicon(lexicon); err != nil {
		return nil, fmt.Errorf("student: %w", err)
	}
	x.addGazetteer(gaz)
	s := &Student{
		cfg: cfg, model: m, view: view{
			index: x, everyday: m.everyday,
			aroundArtist: newWords(aroundArtist), aroundPodcast: newWords(aroundPodcast), tagger: tags,
		},
		version: fmt.Sprintf("student-%s-%016x", shortHash(append(bytes.Clone(trained), trainedTagger...)), gaz.version()),
	}
	s.scratch.New = func() any { return &scratch{} }
	return s, nil
}

// Version names the model and the names it reads with.
func (s *Student) Version() string { return s.version }

// Guess returns the most probable route, its parameters, how probable it is that the route
// suits, and the next best routes. Equal texts get equal guesses.
func (s *Student) Guess(text string) router.Guess {
	sc, _ := s.scratch.Get().(*scratch)
	defer s.scratch.Put(sc)
	text = s.clip(text)
	a := &sc.annotation
	s.view.annotate(a, text)
	sc.features = s.view.features(sc.features[:0], a)
	n := len(s.model.Routes)
	p := s.model.probabilities(s.model.raw(sc.features, normalise(sc.features)), n)
	at, confidence := best(p, n)
	route := s.model.Routes[at]
	return router.Guess{
		Route: route, Params: s.view.params(route, a), Confidence: confidence,
		Alternatives: s.alternatives(p, at),
	}
}

// maxAlternatives is how many other routes a guess names.
const maxAlternatives = 3

// alternatives returns the routes that are most probable beside the one at place taken.
func (s *Student) alternatives(p [stride]float64, taken int) []schemas.Alternative {
	n := len(s.model.Routes)
	out := make([]schemas.Alternative, 0, min(maxAlternatives, n-1))
	for p[taken] = -1; len(out) < cap(out); {
		at, confidence := best(p, n)
		out = append(out, schemas.Alternative{Route: s.model.Routes[at], Confidence: confidence})
		p[at] = -1
	}
	return out
}

// clip returns the beginning of text that is read, as valid UTF-8 without control
// characters.
func (s *Student) clip(text string) string {
	if len(text) > s.cfg.MaxRunes { // bytes are no fewer than runes
		n := 0
		for i := range text {
			if n == s.cfg.MaxRunes {
				text = text[:i]
				break
			}
			n++
		}
	}
	text = strings.ToValidUTF8(text, " ")
	if strings.IndexFunc(text, unicode.IsControl) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
