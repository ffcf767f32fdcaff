package nlu

import (
	"cmp"
	"slices"
	"sync"
)

// Provenance says where a model comes from and what it can say.
type Provenance struct {
	Format      int      `json:"format"`
	Source      string   `json:"source,omitempty"` // as in [Config]
	Seed        uint64   `json:"seed"`
	Examples    int      `json:"examples"`
	Temperature float64  `json:"temperature"` // of the intents' probabilities
	Intents     []string `json:"intents"`
	Slots       []string `json:"slots"`
}

// Model reads texts. It is immutable and safe for concurrent use.
type Model struct {
	Provenance
	lexicon *lexicon
	intent  *table
	taggers []tagger // by intent
	scratch sync.Pool
}

// scratch is the memory of reading one text.
type scratch struct {
	seen  seen
	path  path
	whole []uint64
	sums  []int32
	p     []float64
	order []int
}

func (m *Model) init() {
	m.scratch.New = func() any {
		n := len(m.Intents)
		return &scratch{sums: make([]int32, n), p: make([]float64, n), order: make([]int, n)}
	}
}

// Parse reads text into dst, whose slices are reused. A text without any word gets an
// intent all the same.
func (m *Model) Parse(text string, dst *Parse) {
	s, _ := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	s.seen.read(text, nil, m.lexicon)
	at := m.rank(s, dst)
	dst.Spans = m.tag(s, at, dst.Spans[:0])
}

// Tag appends the spans of text to dst, given its intent and hints. An intent that the
// model does not know has none.
func (m *Model) Tag(intent, text string, hints []Hint, dst []Span) []Span {
	at := slices.Index(m.Intents, intent)
	if at < 0 {
		return dst
	}
	s, _ := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	s.seen.read(text, hints, m.lexicon)
	return m.tag(s, at, dst)
}

// rank fills the intents of dst and returns the number of the most probable one.
func (m *Model) rank(s *scratch, dst *Parse) int {
	s.whole = s.seen.whole(s.whole[:0])
	clear(s.sums)
	for _, f := range s.whole {
		m.intent.add(s.sums, f)
	}
	for i, w := range s.sums {
		s.p[i], s.order[i] = float64(w)*unit, i
	}
	softmax(s.p, m.Temperature)
	slices.SortFunc(s.order, func(a, b int) int { return cmp.Or(cmp.Compare(s.p[b], s.p[a]), a-b) })
	dst.Alternatives = dst.Alternatives[:0]
	for _, i := range s.order[1:] {
		dst.Alternatives = append(dst.Alternatives, Ranked{m.Intents[i], s.p[i]})
	}
	at := s.order[0]
	dst.Ranked = Ranked{m.Intents[at], s.p[at]}
	return at
}

// tag appends the spans that the tagger of an intent finds in what was seen.
func (m *Model) tag(s *scratch, intent int, dst []Span) []Span {
	t := &m.taggers[intent]
	open := -1 // the tag that may go on
	for i, tag := range t.decode(&s.path, s.seen.atoms, s.seen.ends) {
		tok := s.seen.toks[i]
		switch tag := int(tag); {
		case tag == tagO:
			open = -1
		case isInside(tag) && open >= 0:
			dst[len(dst)-1].To = tok.to
		default:
			open = tag
			dst = append(dst, Span{tok.from, tok.to, m.Slots[t.slots[(tag-1)/2]]})
		}
	}
	return dst
}
