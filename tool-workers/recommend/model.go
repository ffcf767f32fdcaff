package recommend

import (
	"context"
	"fmt"
	"math"
	"sync"
)

// Recommender answers with the n best items for a history, best first: none that the
// history holds, and only those for which keep is true, where nil keeps all. The answer is
// shorter when fewer have a score above nothing at all. keep is called for the items that
// would enter the answer, not for all. Unknown items of a history are passed over.
type Recommender interface {
	Recommend(history []Entry, n int, keep func(item int) bool) []Scored
}

// Mix is how much each part of a model counts. The scores of each part are divided by their
// largest for the user at hand, so the shares are comparable.
type Mix struct {
	Linear     float32 `json:"linear"`     // the item-item autoencoder
	Factors    float32 `json:"factors"`    // ALS
	Popularity float32 `json:"popularity"` // log(1 + listeners)
}

// Model is what is served: item-item weights, ALS item factors, popularity, and, where they
// were kept, the histories or factors of known users. It is read-only and safe for
// concurrent use.
type Model struct {
	items, users table
	saturation   Saturation
	mix          Mix
	listeners    []uint32
	predictors   *lists   // by target; empty without a linear part
	histories    *sparse  // users × items, raw weights; nil when not kept
	factors      *factors // of items; nil without ALS
	userFactors  *factors // nil: users are folded in from their histories
	alpha, reg   float64  // of ALS, for folding in

	// computed from the above
	targets *sparse // predictors by source item
	gram    *square
	norms   []float32 // of the item factors
	popular []float32 // log(1 + listeners), the largest 1
	version string
	scratch *sync.Pool
}

// Items returns the number of items.
func (m *Model) Items() int { return len(m.items.keys) }

// Users returns the number of known users.
func (m *Model) Users() int { return len(m.users.keys) }

// Item returns the key of an item.
func (m *Model) Item(item int) string { return m.items.keys[item] }

// ItemIndex returns the index of the item with a key.
func (m *Model) ItemIndex(key string) (int, bool) { i, ok := m.items.at[key]; return i, ok }

// UserIndex returns the index of the known user with a key.
func (m *Model) UserIndex(key string) (int, bool) { i, ok := m.users.at[key]; return i, ok }

// User returns the key of a known user.
func (m *Model) User(user int) string { return m.users.keys[user] }

// Listeners returns how many users an item had in training.
func (m *Model) Listeners(item int) int { return int(m.listeners[item]) }

// Mix returns how the parts are weighted.
func (m *Model) Mix() Mix { return m.mix }

// Saturation returns how weights become preferences.
func (m *Model) Saturation() Saturation { return m.saturation }

// Version returns the hash of the content: equal models have equal versions.
func (m *Model) Version() string { return m.version }

// prepare computes what follows from the stored fields.
func (m *Model) prepare() error {
	if m.predictors == nil {
		m.predictors = joinRows(make([]listRow, m.Items()))
	}
	m.targets = m.predictors.transpose()
	m.popular = popularity(m.listeners)
	rank := 0
	if m.factors != nil {
		rank = m.factors.rank
		gram, err := m.factors.gram(context.Background(), m.reg)
		if err != nil {
			return fmt.Errorf("prepare factors: %w", err)
		}
		m.gram = gram
		m.norms = make([]float32, m.Items())
		for i := range m.norms {
			y := m.factors.row(i)
			m.norms[i] = float32(math.Sqrt(float64(dot(y, y))))
		}
	}
	m.scratch = &sync.Pool{New: func() any { return newScores(m.Items(), rank) }}
	return nil
}

// Recommend answers for a history; see Recommender. An empty history is answered by
// popularity.
func (m *Model) Recommend(history []Entry, n int, keep func(item int) bool) []Scored {
	return m.recommend(m.mix, history, n, keep)
}

func (m *Model) recommend(mix Mix, history []Entry, n int, keep func(item int) bool) []Scored {
	s, _ := m.scratch.Get().(*scores)
	defer m.scratch.Put(s)
	s.take(m, history)
	defer s.forget()
	if len(s.items) == 0 {
		mix = Mix{Popularity: 1}
	}
	if mix.Factors > 0 && m.factors != nil {
		m.foldIn(s)
	} else {
		mix.Factors = 0
	}
	return s.answer(m, mix, &top{n: n, keep: keep})
}

// ForUser answers for a known user, by the history or the factors that were kept. ok is
// false when neither was.
func (m *Model) ForUser(user, n int, keep func(item int) bool) (best []Scored, ok bool) {
	if user < 0 || user >= m.Users() {
		return nil, false
	}
	if m.histories != nil {
		return m.Recommend(m.History(user), n, keep), true
	}
	if m.userFactors == nil || m.factors == nil {
		return nil, false
	}
	s, _ := m.scratch.Get().(*scores)
	defer m.scratch.Put(s)
	s.take(m, nil)
	defer s.forget()
	copy(s.user, m.userFactors.row(user))
	return s.answer(m, Mix{Factors: 1}, &top{n: n, keep: keep}), true
}

// History returns what a known user used in training, nil when histories were not kept.
func (m *Model) History(user int) []Entry {
	if m.histories == nil || user < 0 || user >= m.Users() {
		return nil
	}
	return entries(m.histories.row(user))
}

// Part returns a part of the model that recommends alone: "linear", "factors" or
// "popularity". It is for comparing them.
func (m *Model) Part(name string) (Recommender, error) {
	switch name {
	case "linear":
		return part{m, Mix{Linear: 1}}, nil
	case "factors":
		return part{m, Mix{Factors: 1}}, nil
	case "popularity":
		return part{m, Mix{Popularity: 1}}, nil
	default:
		return nil, fmt.Errorf("part %q: want linear, factors or popularity", name)
	}
}

// part is a model with another mix.
type part struct {
	m   *Model
	mix Mix
}

func (p part) Recommend(history []Entry, n int, keep func(item int) bool) []Scored {
	return p.m.recommend(p.mix, history, n, keep)
}
