// Package rules judges pages by what their items say of themselves, without a model: the
// needs of the case against the artists, genres, types, titles and dates that are shown. It
// is a second opinion beside a language model, a cheap gate before one, and what a build
// without one measures with.
//
// The vocabulary: an item fits when it has all that the needs ask of an item, but for being
// new; a maker is who or what an item is by, an artist or a show; the items shown are the
// first of a page as one reads it. What comes later counts for nothing, and neither does
// how many sections a page has or what they are called: a plain list of results that
// serves the wish passes as a page of shelves does.
package rules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// version changes whenever equal pages may be judged otherwise than before.
const version = "rules/1"

// ErrNoNeeds says that a case does not say what would serve it.
var ErrNoNeeds = errors.New("the case has no needs")

// Genres knows which genre or topic is part of which.
type Genres interface {
	// Within reports whether genre is ancestor or lies below it. Either may be written in
	// any of its spellings.
	Within(genre, ancestor string) bool
}

// Judge implements [judge.Absolute] and [judge.Pairwise]. It is safe for concurrent use if
// its Genres are.
type Judge struct {
	cfg    Config
	genres Genres
	id     string
}

// New returns a judge.
func New(cfg Config, genres Genres) (*Judge, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("rule judge: %w", err)
	}
	hash, err := cfg.hash()
	if err != nil {
		return nil, fmt.Errorf("rule judge: %w", err)
	}
	return &Judge{cfg: cfg, genres: genres, id: version + "-" + hash}, nil
}

// ID names the version of the rules and the thresholds.
func (j *Judge) ID() string { return j.id }

// Judge judges a page. Overall it passes when it passes on every dimension. The error wraps
// [ErrNoNeeds] if the case does not say what it needs.
func (j *Judge) Judge(_ context.Context, s judge.Subject) (judge.Judgment, error) {
	f, err := j.examine(s)
	if err != nil {
		return judge.Judgment{}, err
	}
	verdicts := map[judge.Dimension]judge.Verdict{}
	overall := judge.Verdict{Pass: true}
	for _, d := range judge.Dimensions() {
		if d == judge.Overall {
			continue
		}
		verdicts[d] = f[d].verdict()
		switch {
		case !overall.Pass: // the first that fails says why
		case f[d].pass:
			overall.Evidence = append(overall.Evidence, f[d].evidence...)
		default:
			overall = judge.Verdict{Evidence: f[d].evidence, Reason: string(d) + ": " + f[d].reason}
		}
	}
	overall.Evidence = distinct(overall.Evidence)
	verdicts[judge.Overall] = overall
	return judge.Judgment{Judge: j.id, Verdicts: verdicts}, nil
}

// Prefer compares by score: half of it is relevance, a quarter each diversity and
// freshness, all from 0 to 1, and 1 more is for a page that passes overall. Scores within
// the margin are a tie.
func (j *Judge) Prefer(_ context.Context, first, second judge.Subject) (judge.Preference, error) {
	a, err := j.score(first)
	if err != nil {
		return judge.Preference{}, err
	}
	b, err := j.score(second)
	if err != nil {
		return judge.Preference{}, err
	}
	p := judge.Preference{Judge: j.id, Choice: judge.Tie, Reason: fmt.Sprintf("scores %.2f and %.2f", a, b)}
	switch {
	case a-b > j.cfg.Margin:
		p.Choice = judge.First
	case b-a > j.cfg.Margin:
		p.Choice = judge.Second
	}
	return p, nil
}

func (j *Judge) score(s judge.Subject) (float64, error) {
	f, err := j.examine(s)
	if err != nil {
		return 0, err
	}
	r, d, n := f[judge.Relevance], f[judge.Diversity], f[judge.Freshness]
	score := r.score/2 + d.score/4 + n.score/4
	if r.pass && d.pass && n.pass {
		score++
	}
	return score, nil
}

// finding is what was found on one dimension. Its score is from 0 to 1.
type finding struct {
	pass     bool
	score    float64
	evidence []string
	reason   string
}

func (f finding) verdict() judge.Verdict {
	return judge.Verdict{Pass: f.pass, Evidence: f.evidence, Reason: f.reason}
}

// examine looks at a page on every dimension but the overall one.
func (j *Judge) examine(s judge.Subject) (map[judge.Dimension]finding, error) {
	if s.Case.Needs == nil {
		return nil, fmt.Errorf("case %s: %w", s.Case.ID, ErrNoNeeds)
	}
	today, err := time.Parse(time.DateOnly, s.Today)
	if err != nil {
		return nil, fmt.Errorf("case %s: today: %w", s.Case.ID, err)
	}
	l := look{cfg: j.cfg, genres: j.genres, today: today, items: shown(s.Page, j.cfg)}
	needs := *s.Case.Needs
	if needs.Nothing {
		return nothing(s.Page), nil
	}
	if len(needs.Also) == 0 {
		return l.wish(needs), nil
	}
	own := needs
	own.Also = nil
	return l.wishes(append([]testset.Needs{own}, needs.Also...)), nil
}

// nothing is for a query that nothing to play can serve: the page has to say so, or hold
// nothing.
func nothing(p judge.Page) map[judge.Dimension]finding {
	items := 0
	for _, s := range p.Sections {
		items += len(s.Items)
	}
	f := finding{pass: true, score: 1, reason: "the page says that this is nothing to play"}
	switch {
	case p.Notice != "":
	case items == 0:
		f.reason = "the page holds nothing"
	default:
		f = finding{reason: fmt.Sprintf("%d results and no word that this is nothing to play", items)}
	}
	free := finding{pass: true, score: 1, reason: "does not matter"}
	return map[judge.Dimension]finding{judge.Relevance: f, judge.Diversity: free, judge.Freshness: free}
}
