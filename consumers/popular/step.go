package popular

import "slices"

// maxNames bounds the markets that are told apart in a step. There are no more than 676
// names of two letters.
const maxNames = 1000

// step is what was asked in one step of time.
type step struct {
	markets map[string]*market
	placed  []*market // those with a summary of their own
	rest    *summary  // of the others
	unnamed int       // searches of markets that are not told apart
}

// market is what was asked in a market.
type market struct {
	own    *summary // nil: it has none
	count  int      // searches
	missed int      // of them in the rest
}

func newStep(capacity int) *step {
	return &step{markets: map[string]*market{}, rest: newSummary(capacity)}
}

// of counts a search of a market and returns the summary to which it belongs.
func (s *step) of(name string, cfg Config) *summary {
	m, ok := s.markets[name]
	if !ok {
		if len(s.markets) == maxNames {
			s.unnamed++
			return s.rest
		}
		m = &market{}
		s.markets[name] = m
	}
	m.count++
	if m.own == nil && !s.place(m, cfg) {
		m.missed++
		return s.rest
	}
	return m.own
}

// place gives a market a summary of its own, if there is room or the market has asked more
// than twice as often as the one that has asked least. That one's searches go to the rest:
// nothing is lost over all markets. To invent markets displaces nobody, and who displaces
// others has paid for the work with as many searches.
func (s *step) place(m *market, cfg Config) bool {
	if len(s.placed) < cfg.Markets {
		s.placed = append(s.placed, m)
	} else {
		i := s.least()
		least := s.placed[i]
		if m.count <= 2*least.count {
			return false
		}
		s.rest.fold(least.own, cfg.MinClients)
		least.own, least.missed = nil, least.count
		s.placed[i] = m
	}
	m.own = newSummary(cfg.Capacity)
	return true
}

// least returns the place of the market that has asked least.
func (s *step) least() int {
	least := slices.MinFunc(s.placed, func(a, b *market) int { return a.count - b.count })
	return slices.Index(s.placed, least)
}
