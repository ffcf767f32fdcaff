// Package semantic measures, in the shadow, what a semantic cache of decisions would do:
// one that serves the decision of a similar query instead of making a new one. It never
// answers.
//
// For each fresh decision a [Shadow] looks for the nearest earlier query of the same
// scope and versions. One at least as near as the threshold is a would-hit, unless a guard
// stops it: the two texts must have the same numbers, negations, relations ("like X" or
// "by X") and entities. A would-hit whose decision has another route or other parameters
// than the fresh one is a false hit. [Shadow.Report] says how often that happened and, with
// 95 % confidence, how often it happens at most.
package semantic

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/schemas"
)

// Config configures a [Shadow]. See [DefaultConfig].
type Config struct {
	// Entries bounds the earlier queries, of which those used last stay. One takes 2 KiB
	// for a query of 60 characters and 8 KiB at most.
	Entries int `yaml:"entries"`
	// Threshold is the cosine similarity from which an earlier query would be served, above
	// 0 and at most 1.
	Threshold float64 `yaml:"threshold"`
}

// DefaultConfig returns 10,000 entries and the threshold that GPTCache ships with.
func DefaultConfig() Config { return Config{Entries: 10_000, Threshold: 0.8} }

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Entries < 1 {
		errs = append(errs, fmt.Errorf("entries %d: must be positive", c.Entries))
	}
	if !(c.Threshold > 0 && c.Threshold <= 1) {
		errs = append(errs, fmt.Errorf("threshold %v: must lie above 0 and be at most 1", c.Threshold))
	}
	return errors.Join(errs...)
}

// Entities lists what a text names, in a fixed form and the order of the text: artists,
// shows, and also the genres, moods and topics that parameters are made of. It decides how
// good the cache can be: two texts that differ in a name it does not know pass its guard.
type Entities func(text string) []string

// Shadow remembers queries and compares. It is safe for concurrent use; observing takes
// some 100 µs, so it belongs off the path of a query.
type Shadow struct {
	cfg      Config
	entities Entities
	m        *metrics
	reach    int // bits in which signatures differ, if the vectors are similar enough

	mu         sync.Mutex
	slots      *simplelru.LRU[string, int] // by scope and text
	signatures []signature                 // by slot, side by side for the scan
	entries    []entry                     // by slot
	free       int                         // slot of whoever left last
	seen       Report
}

// entry is an earlier query.
type entry struct {
	key    string // in slots
	scope  string
	traits traits
	vector vector
	route  string
	params schemas.Params
}

// New returns an empty Shadow. Without entities (nil) that guard lets everything pass.
func New(cfg Config, entities Entities, reg prometheus.Registerer) (*Shadow, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("semantic cache config: %w", err)
	}
	if entities == nil {
		entities = func(string) []string { return nil }
	}
	s := &Shadow{cfg: cfg, entities: entities, m: newMetrics(reg), reach: reach(cfg.Threshold)}
	slots, err := simplelru.NewLRU(cfg.Entries, func(_ string, slot int) { s.free = slot })
	if err != nil {
		return nil, fmt.Errorf("semantic cache: %w", err)
	}
	s.slots = slots
	return s, nil
}

// Observe compares a fresh decision with that of the nearest earlier query. text is the
// normalised query; scope holds what else must be equal, as the market and the arm; the
// versions in d must be equal too. Fallbacks are not observed. An equal text is no matter
// for a semantic cache: it renews what is remembered. Observe keeps d's parameters, which
// must not change any more.
func (s *Shadow) Observe(text, scope string, d schemas.Decision) {
	if d.Source == schemas.SourceFallback || d.Degraded {
		return
	}
	scope = strings.Join([]string{scope, d.Arm, d.ManifestVersion, d.ModelVersion, d.PromptVersion}, "\x00")
	text = limit(text)
	e := entry{
		key: scope + "\x00" + text, scope: scope, traits: traitsOf(text, s.entities),
		vector: vectorOf(text), route: d.Route, params: d.Params,
	}
	sig := e.vector.signature()
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot, ok := s.slots.Get(e.key); ok {
		s.entries[slot] = e
		s.seen.Repeats++
		return
	}
	s.seen.Lookups++
	s.m.lookups.Inc()
	if !s.judge(&e, sig) {
		s.remember(e, sig)
	}
}

// judge counts what serving the nearest entry instead of e would have been, and reports
// whether it would have been served.
func (s *Shadow) judge(e *entry, sig signature) bool {
	near := s.nearest(e, sig)
	if near == nil {
		return false
	}
	wrong := near.route != e.route || !reflect.DeepEqual(near.params, e.params)
	if g := near.traits.differs(e.traits); g != "" {
		s.seen.guard(g, wrong)
		s.m.guarded.WithLabelValues(string(g)).Inc()
		return false
	}
	s.slots.Get(near.key) // it was used
	s.seen.WouldHits++
	s.m.hits.Inc()
	if wrong {
		s.seen.FalseHits++
		s.m.falseHits.Inc()
	}
	return true
}

// remember keeps e in the place of the entry that was used longest ago, if there is no
// other.
func (s *Shadow) remember(e entry, sig signature) {
	slot := len(s.entries)
	if slot < s.cfg.Entries {
		s.entries, s.signatures = append(s.entries, entry{}), append(s.signatures, signature{})
	} else {
		s.slots.RemoveOldest() // sets free
		slot = s.free
	}
	s.slots.Add(e.key, slot)
	s.entries[slot], s.signatures[slot] = e, sig
}

// nearest returns the entry of the same scope that is most similar to e, or nil if none is
// as similar as the threshold. The signatures pick the candidates.
func (s *Shadow) nearest(e *entry, sig signature) *entry {
	var best *entry
	most := s.cfg.Threshold
	for _, slot := range s.candidates(e.scope, sig) {
		c := &s.entries[slot]
		if likeness := cosine(c.vector, e.vector); likeness >= most {
			best, most = c, likeness
		}
	}
	return best
}

// maxCandidates bounds the exact comparisons of a lookup.
const maxCandidates = 16

// candidates returns the slots of a scope whose signatures differ least from sig.
func (s *Shadow) candidates(scope string, sig signature) []int {
	var (
		slots     = make([]int, 0, maxCandidates+1)
		distances = make([]int, 0, maxCandidates+1)
		worst     = s.reach
	)
	for slot := range s.signatures {
		d := s.signatures[slot].distance(sig)
		if d >= worst || s.entries[slot].scope != scope {
			continue
		}
		at := len(slots)
		slots, distances = append(slots, slot), append(distances, d)
		for ; at > 0 && distances[at-1] > d; at-- {
			slots[at], distances[at] = slots[at-1], distances[at-1]
		}
		slots[at], distances[at] = slot, d
		if len(slots) > maxCandidates {
			slots, distances = slots[:maxCandidates], distances[:maxCandidates]
			worst = distances[maxCandidates-1]
		}
	}
	return slots
}
