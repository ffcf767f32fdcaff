// Package labelling lets people say what they think of pages, one question after the
// other.
//
// The vocabulary: a task is a page and a dimension, or two pages of one case, as a rater is
// asked about them; no task says which system made a page. A session is a rater at work:
// what was said is in a file before the next task is shown, and a session that is opened
// again goes on where the last one ended.
package labelling

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/parallel-fusion/pfr/evaluation/agreement"
	"github.com/parallel-fusion/pfr/evaluation/judge"
)

// Config says who labels what. See [DefaultConfig].
type Config struct {
	Rater      string
	Dimensions []string // of pages; empty: pairs are compared
	Seed       uint64   // of the order of tasks, which is another one for every rater
}

// DefaultConfig returns settings for whole pages. The rater is left to name.
func DefaultConfig() Config { return Config{Dimensions: []string{string(judge.Overall)}} }

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Rater == "" {
		errs = append(errs, errors.New("rater: must have a name, so that several can be told apart"))
	}
	for _, d := range c.Dimensions {
		if !slices.Contains(judge.Dimensions(), judge.Dimension(d)) {
			errs = append(errs, fmt.Errorf("dimension %q: must be one of %v", d, judge.Dimensions()))
		}
	}
	return errors.Join(errs...)
}

// Task is what a rater is asked.
type Task struct {
	agreement.Item
	Subjects []judge.Subject // the page, or both pages of a pair in the order of Item
}

// Labels returns what the rater may say.
func (t Task) Labels() []string { return agreement.LabelsOf(t.Dimension) }

// Tasks returns the tasks that records hold, in an order that the rater and the seed
// decide. A page that several systems made is one task. Pairs are of the pages of one case,
// each of a system with each of the others, unless they are equal; which comes first is a
// matter of chance.
func Tasks(cfg Config, records []judge.Record) ([]Task, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("labelling config: %w", err)
	}
	name := fnv.New64a()
	name.Write([]byte(cfg.Rater))
	random := rand.New(rand.NewPCG(cfg.Seed, name.Sum64()))
	if len(cfg.Dimensions) == 0 {
		return pairs(random, records), nil
	}
	var out []Task
	for _, r := range shuffled(random, unique(records)) {
		for _, d := range cfg.Dimensions {
			out = append(out, Task{agreement.Item{Dimension: d, Hash: r.Hash}, []judge.Subject{r.Subject()}})
		}
	}
	return out, nil
}

// unique returns one record of each page, in the order of the hashes.
func unique(records []judge.Record) []judge.Record {
	out := slices.SortedStableFunc(slices.Values(records), func(a, b judge.Record) int { return cmp.Compare(a.Hash, b.Hash) })
	return slices.CompactFunc(out, func(a, b judge.Record) bool { return a.Hash == b.Hash })
}

func shuffled[T any](random *rand.Rand, list []T) []T {
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func pairs(random *rand.Rand, records []judge.Record) []Task {
	byCase := map[string][]judge.Record{}
	var cases []string
	for _, r := range records {
		if byCase[r.Case.ID] == nil {
			cases = append(cases, r.Case.ID)
		}
		byCase[r.Case.ID] = append(byCase[r.Case.ID], r)
	}
	var out []Task
	for _, id := range cases {
		pages := unique(byCase[id])
		for i, a := range pages {
			for _, b := range pages[i+1:] {
				two := shuffled(random, []judge.Record{a, b})
				out = append(out, Task{
					agreement.Item{Dimension: agreement.Pair, Hash: two[0].Hash, Other: two[1].Hash},
					[]judge.Subject{two[0].Subject(), two[1].Subject()},
				})
			}
		}
	}
	return shuffled(random, out)
}
