package student

import (
	"math"
	"math/rand/v2"
	"strings"

	router "github.com/parallel-fusion/pfr/router-worker"
)

// Sample draws a route from the student's probabilities at a temperature: route r with a
// probability proportional to P(r)^(1/temperature), so that 1 is how sure the student is,
// more is bolder, and near 0 is what [Student.Guess] says. The parameters are those that the
// student reads for that route. Equal texts, temperatures and states of rng give equal
// samples. The confidence is the calibrated probability of the route that was drawn.
func (s *Student) Sample(text string, temperature float64, rng *rand.Rand) router.Guess {
	sc, _ := s.scratch.Get().(*scratch)
	defer s.scratch.Put(sc)
	a := &sc.annotation
	s.view.annotate(a, s.clip(text))
	sc.features = s.view.features(sc.features[:0], a)
	n := len(s.model.Routes)
	p := s.model.probabilities(s.model.raw(sc.features, normalise(sc.features)), n)
	at := draw(p[:n], temperature, rng)
	route := s.model.Routes[at]
	return router.Guess{Route: route, Params: s.view.params(route, a), Confidence: p[at]}
}

// draw returns i with a probability proportional to p[i]^(1/temperature).
func draw(p []float64, temperature float64, rng *rand.Rand) int {
	weights := make([]float64, len(p))
	total := 0.0
	for i, v := range p {
		weights[i] = math.Exp(math.Log(v) / temperature) // of 0: 0
		total += weights[i]
	}
	left := rng.Float64() * total
	for i, w := range weights {
		if left -= w; left < 0 {
			return i
		}
	}
	return len(p) - 1 // of rounding
}

// Filled is an example whose slots hold names.
type Filled struct {
	Example
	Template string // the example's text with its slots; "" if it has none
	Names    []Filling
}

// Filling is the name in a slot.
type Filling struct {
	Slot      string // artist, album, track, show, playlist, genre or work
	Text      string // as it stands in the query
	Canonical string // the catalogue's spelling; that of a made-up name is Text
}

// Fill returns the examples with their slots filled in so many ways by names of the gazetteer
// and by those that everybody knows, in the way that training does. An example without slots
// is there once. Equal data and seeds give equal texts.
func (d TrainingData) Fill(cfg TrainConfig) ([]Filled, error) {
	x := newIndex()
	if err := x.addLexicon(lexicon); err != nil {
		return nil, err
	}
	names := newSlots(d.Gazetteer, x.world)
	rng := rand.New(rand.NewPCG(cfg.Seed, 2))
	var out []Filled
	for _, e := range d.Examples {
		if !hasSlot(e.Query) {
			out = append(out, Filled{Example: e})
			continue
		}
		for range cfg.Fillings {
			out = append(out, names.filled(e, cfg.MadeUp, rng))
		}
	}
	return out, nil
}

// filled fills the slots of an example one by one, to know which name went where.
func (s slots) filled(e Example, madeUp float64, rng *rand.Rand) Filled {
	f := Filled{Example: e, Template: e.Query}
	text := e.Query
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		slot, after, closed := strings.Cut(rest, "}")
		if !ok || !closed || len(s[slot]) == 0 {
			b.WriteString(text)
			f.Query = b.String()
			return f
		}
		name := s.fill("{"+slot+"}", madeUp, rng)
		b.WriteString(before + name)
		f.Names = append(f.Names, Filling{slot, name, s.canonical(slot, name)})
		text = after
	}
}

// canonical returns the catalogue's spelling of a name.
func (s slots) canonical(slot, name string) string {
	for _, n := range s[slot] {
		if n.Text == name {
			return n.Canonical
		}
	}
	return name
}
