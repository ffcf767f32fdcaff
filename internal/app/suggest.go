package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/producers/gateway"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

const (
	suggestMarkets = 32              // that are told apart; the others are counted together
	suggestTop     = 1000            // queries of a market that are looked through
	suggestClients = 3               // that must have asked a query before others see it
	suggestEvery   = 5 * time.Second // how old what is suggested may be
	suggestTail    = 20_000          // queries of each partition that are read at start
)

// suggester suggests what enough clients of a market have asked, then examples. It keeps
// texts and counts alone: nobody's user block comes here. It implements
// [gateway.Suggestions].
type suggester struct {
	examples []candidate

	mu      sync.Mutex
	markets map[string]*marketQueries // "" is that of the others
}

// marketQueries is what is asked in one market.
type marketQueries struct {
	counter *popular.Counter
	top     []candidate // as of at; never changed in place
	at      time.Time
}

// candidate is a query that may be suggested, and what it is looked up by.
type candidate struct{ text, key string }

func newSuggester(examples []string) *suggester {
	s := &suggester{markets: map[string]*marketQueries{}}
	for _, text := range examples {
		s.examples = append(s.examples, candidate{text, router.Normalise(text)})
	}
	return s
}

// part follows the queries. Interactions do not matter: a suggestion is what others ask.
func (s *suggester) part(in *infra) supervise.Part {
	return supervise.Part{Name: "gateway/suggestions", Run: tail(in, queries, stream.TailConfig{From: stream.FromLast(suggestTail)},
		func(ctx context.Context, q schemas.Query, m stream.Meta) error {
			at := m.Time
			if now := time.Now(); at.After(now) {
				at = now
			}
			return s.note(ctx, q.PublicQuery, at)
		})}
}

func (s *suggester) note(ctx context.Context, q schemas.PublicQuery, at time.Time) error {
	s.mu.Lock()
	market, err := s.market(q.Market, true)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return market.counter.Query(ctx, q, at)
}

// market returns the counts of a market, or of those that have none of their own. The
// caller holds the lock.
func (s *suggester) market(code string, add bool) (*marketQueries, error) {
	if m := s.markets[code]; m != nil {
		return m, nil
	}
	if !add {
		return s.markets[""], nil
	}
	if len(s.markets) >= suggestMarkets {
		code = ""
		if m := s.markets[code]; m != nil {
			return m, nil
		}
	}
	counter, err := popular.New(popular.Config{Capacity: 2 * suggestTop, MinClients: suggestClients, HalfLife: 24 * time.Hour, Searches: 1000}, router.Normalise)
	if err != nil {
		return nil, err
	}
	m := &marketQueries{counter: counter}
	s.markets[code] = m
	return m, nil
}

// Suggest implements [gateway.Suggestions].
func (s *suggester) Suggest(prefix, market string, n int) []gateway.Suggestion {
	prefix = router.Normalise(prefix)
	var out []gateway.Suggestion
	seen := map[string]bool{prefix: true} // what is typed already is no suggestion
	add := func(from []candidate, source gateway.SuggestionSource, fits func(text, prefix string) bool) {
		for _, c := range from {
			if len(out) == n {
				return
			}
			if !seen[c.key] && fits(c.key, prefix) {
				seen[c.key] = true
				out = append(out, gateway.Suggestion{Query: c.text, Source: source})
			}
		}
	}
	top := s.top(market)
	add(top, gateway.SuggestPopular, strings.HasPrefix)
	add(s.examples, gateway.SuggestExample, strings.HasPrefix)
	add(top, gateway.SuggestPopular, wordHasPrefix)
	add(s.examples, gateway.SuggestExample, wordHasPrefix)
	return out
}

func wordHasPrefix(text, prefix string) bool { return strings.Contains(text, " "+prefix) }

// top returns what is asked most in a market, lately.
func (s *suggester) top(market string) []candidate {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.market(market, false)
	if err != nil || m == nil {
		return nil
	}
	if now := time.Now(); now.Sub(m.at) >= suggestEvery {
		popular := m.counter.Snapshot(now, suggestTop).Queries
		m.at, m.top = now, make([]candidate, len(popular))
		for i, q := range popular {
			m.top[i] = candidate{q.Text, q.Text} // which is normalised
		}
	}
	return m.top
}
