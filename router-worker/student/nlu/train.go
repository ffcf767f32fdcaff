package nlu

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// Train learns a model from examples. Equal examples and settings give equal models.
func Train(cfg Config, examples []Example) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("train config: %w", err)
	}
	t, err := newTrainer(cfg, examples)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	m := &Model{Provenance: t.Provenance, lexicon: t.tally.lexicon()}
	var group sync.WaitGroup
	jobs := make(chan func())
	for range cfg.Workers {
		group.Go(func() {
			for job := range jobs {
				job()
			}
		})
	}
	m.taggers = make([]tagger, len(t.Intents))
	jobs <- func() { m.intent, m.Temperature = t.learnIntent() }
	for i := range t.Intents {
		jobs <- func() { m.taggers[i] = t.learnTagger(i) }
	}
	close(jobs)
	group.Wait()
	m.init()
	return m, nil
}

// trainer is the data as it is learnt from.
type trainer struct {
	cfg Config
	Provenance
	tally     *tally
	sentences []sample
}

// sample is an example as it is learnt from.
type sample struct {
	sentence
	intent  int
	whole   []uint64
	runs    []run
	heldOut bool
}

func newTrainer(cfg Config, examples []Example) (*trainer, error) {
	t := &trainer{cfg: cfg, tally: newTally(cfg.Values)}
	t.Format, t.Seed, t.Source, t.Examples = modelFormat, cfg.Seed, cfg.Source, len(examples)
	if err := t.name(examples); err != nil {
		return nil, err
	}
	slots := map[string]uint8{}
	for i, s := range t.Slots {
		slots[s] = uint8(i)
	}
	var toks []token
	rng := rand.New(rand.NewPCG(cfg.Seed, 0))
	t.sentences = make([]sample, len(examples))
	for i, e := range examples {
		toks = tokenize(toks[:0], e.Text)
		s := &t.sentences[i]
		s.runs = runs(toks, e.Spans, slots)
		s.intent = slices.Index(t.Intents, e.Intent)
		s.heldOut = rng.Float64() < cfg.HeldOut
		t.tally.add(toks, s.runs, 1)
	}
	t.tally.close()
	t.read(examples)
	return t, nil
}

// name collects the names of intents and slots.
func (t *trainer) name(examples []Example) error {
	intents, slots := map[string]bool{}, map[string]bool{}
	for i, e := range examples {
		intents[e.Intent] = true
		at := 0
		for _, s := range e.Spans {
			if s.From < at || s.To <= s.From || s.To > len(e.Text) || s.Slot == "" {
				return fmt.Errorf("example %d: span %d to %d (%s) is out of order or of the text", i+1, s.From, s.To, s.Slot)
			}
			at = s.To
			slots[s.Slot] = true
		}
	}
	t.Intents, t.Slots = sorted(intents), sorted(slots)
	if len(t.Intents) == 0 || len(t.Intents) > maxIntents || len(t.Slots) > maxSlots {
		return fmt.Errorf("%d intents and %d slots, want 1 to %d and at most %d", len(t.Intents), len(t.Slots), maxIntents, maxSlots)
	}
	return nil
}

func sorted(set map[string]bool) []string {
	var out []string
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// read computes the features of every example, each with a dictionary that lacks it.
func (t *trainer) read(examples []Example) {
	var s seen
	for i, e := range examples {
		p := &t.sentences[i]
		s.toks = tokenize(s.toks[:0], e.Text)
		t.tally.add(s.toks, p.runs, -1)
		s.read(e.Text, e.Hints, t.tally)
		t.tally.add(s.toks, p.runs, 1)
		p.atoms, p.ends, p.whole = slices.Clone(s.atoms), slices.Clone(s.ends), s.whole(nil)
	}
}

// learnTagger learns the tagger of an intent.
func (t *trainer) learnTagger(intent int) tagger {
	var slots []uint8
	for i := range t.sentences {
		s := &t.sentences[i]
		if s.intent != intent {
			continue
		}
		for _, r := range s.runs {
			if !slices.Contains(slots, r.slot) {
				slots = append(slots, r.slot)
			}
		}
	}
	slices.Sort(slots)
	var data []*sentence
	for i := range t.sentences {
		if s := &t.sentences[i]; s.intent == intent {
			s.tags = tagsOf(len(s.ends), s.runs, slots)
			data = append(data, &s.sentence)
		}
	}
	c := newChain(t.cfg, 1+2*len(slots), data)
	out := c.fit(t.cfg, data, rand.New(rand.NewPCG(t.cfg.Seed, uint64(intent)+1)))
	out.slots = slots
	return out
}

// tagsOf returns the tags of n tokens.
func tagsOf(n int, runs []run, slots []uint8) []uint8 {
	tags := make([]uint8, n)
	for _, r := range runs {
		slot := slices.Index(slots, r.slot)
		tags[r.from] = uint8(tagB(slot))
		for i := r.from + 1; i < r.to; i++ {
			tags[i] = uint8(tagI(slot))
		}
	}
	return tags
}

// learnIntent learns the classifier, and at which temperature it is calibrated.
func (t *trainer) learnIntent() (*table, float64) {
	var all, learn, check []*sample
	for i := range t.sentences {
		s := &t.sentences[i]
		all = append(all, s)
		if s.heldOut {
			check = append(check, s)
		} else {
			learn = append(learn, s)
		}
	}
	temperature := 1.0
	if len(check) > 0 && len(learn) > 0 {
		temperature = t.temperature(t.classifier(learn), check)
	}
	return t.classifier(all), temperature
}

// classifier learns a multinomial logistic regression.
func (t *trainer) classifier(data []*sample) *table {
	features := make([][]uint64, len(data))
	for i, s := range data {
		features[i] = s.whole
	}
	l := newLearner(t.cfg, len(t.Intents), features)
	rows := make([][]uint32, len(data))
	for i := range data {
		rows[i] = l.known(nil, features[i])
	}
	rng := rand.New(rand.NewPCG(t.cfg.Seed, 0))
	scores := make([]float32, len(t.Intents))
	p := make([]float64, len(t.Intents))
	for epoch := range t.cfg.Epochs {
		for _, i := range rng.Perm(len(data)) {
			clear(scores)
			l.score(scores, rows[i])
			for k, s := range scores {
				p[k] = float64(s)
			}
			softmax(p, 1)
			p[data[i].intent]--
			for k := range p {
				scores[k] = float32(p[k])
			}
			l.update(rows[i], scores)
		}
		if epoch >= t.cfg.Epochs/2 {
			l.collect()
		}
	}
	return l.table()
}

// softmax turns scores into probabilities at a temperature.
func softmax(p []float64, temperature float64) {
	top := slices.Max(p)
	for i := range p {
		p[i] = math.Exp((p[i] - top) / temperature)
	}
	toOne(p)
}

// temperature returns the one at which the classifier is least surprised by data.
func (t *trainer) temperature(classifier *table, data []*sample) float64 {
	sums := make([]int32, len(t.Intents))
	p := make([]float64, len(t.Intents))
	loss := func(temperature float64) (sum float64) {
		for _, s := range data {
			clear(sums)
			for _, f := range s.whole {
				classifier.add(sums, f)
			}
			for i, w := range sums {
				p[i] = float64(w) * unit
			}
			softmax(p, temperature)
			sum -= math.Log(max(p[s.intent], 1e-12))
		}
		return sum
	}
	var tried []float64
	for v := 0.5; v < 8; v *= 1.05 {
		tried = append(tried, v)
	}
	return slices.MinFunc(tried, func(a, b float64) int { return cmp.Compare(loss(a), loss(b)) })
}
