package app

import (
	"strings"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/producers/gateway"
	router "github.com/parallel-fusion/pfr/router-worker"
)

const (
	suggestMarkets = 32              // that are told apart; the others are counted together
	suggestTop     = 1000            // queries of a market that are looked through
	suggestClients = 3               // that must have asked a query before others see it
	suggestWindow  = 24 * time.Hour  // in which they have asked it
	suggestStep    = 8 * time.Hour   // by which that slides
	suggestEvery   = 5 * time.Second // how old what is suggested may be
	suggestTail    = 20_000          // queries of each partition that are read at start
)

// suggester suggests what enough clients of a market have asked, then examples. It keeps
// texts and counts alone: nobody's user block comes here. It implements
// [gateway.Suggestions].
type suggester struct {
	examples []candidate
	counter  *popular.Counter

	mu  sync.Mutex
	top map[string]topQueries // by market; "" is that of the others
}

// topQueries is what is asked most in one market.
type topQueries struct {
	list []candidate // never changed in place
	at   time.Time
}

// candidate is a query that may be suggested, and what it is looked up by.
type candidate struct{ text, key string }

func newSuggester(examples []string) (*suggester, error) {
	counter, err := popular.New(popular.Config{
		Capacity: suggestTop, Markets: suggestMarkets, MinClients: suggestClients, Window: suggestWindow, Step: suggestStep, Searches: suggestTop,
	}, router.Normalise, nil)
	if err != nil {
		return nil, err
	}
	s := &suggester{counter: counter, top: map[string]topQueries{}}
	for _, text := range examples {
		s.examples = append(s.examples, candidate{text, router.Normalise(text)})
	}
	return s, nil
}

// part follows the queries. Interactions do not matter: a suggestion is what others ask.
func (s *suggester) part(in *infra) supervise.Part {
	return supervise.Part{
		Name: "gateway/suggestions", Run: tail(in, queries, stream.TailConfig{From: stream.FromLast(suggestTail)}, counted(s.counter)),
	}
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
	top := s.popular(market)
	add(top, gateway.SuggestPopular, strings.HasPrefix)
	add(s.examples, gateway.SuggestExample, strings.HasPrefix)
	add(top, gateway.SuggestPopular, wordHasPrefix)
	add(s.examples, gateway.SuggestExample, wordHasPrefix)
	return out
}

func wordHasPrefix(text, prefix string) bool { return strings.Contains(text, " "+prefix) }

// popular returns what is asked most in a market, lately, or in the markets that are not
// told apart.
func (s *suggester) popular(market string) []candidate {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	view := popular.View{Market: market, Top: suggestTop}
	if !s.counter.Apart(now, market) {
		market, view.Market, view.Rest = "", "", true
	}
	top, known := s.top[market]
	if known && now.Sub(top.at) < suggestEvery {
		return top.list
	}
	found := s.counter.Snapshot(now, view).Queries
	top = topQueries{list: make([]candidate, len(found)), at: now}
	for i, q := range found {
		top.list[i] = candidate{q.Text, q.Text} // which is normalised
	}
	s.top[market] = top
	return top.list
}
