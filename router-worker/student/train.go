package student

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// TrainConfig configures [Train]. See [DefaultTrainConfig].
type TrainConfig struct {
	Seed     uint64
	Epochs   int     // times over the data
	Rate     float64 // of learning, of AdaGrad
	Decay    float64 // of weights, L2
	Fillings int     // of a query with slots, by different names
	// MinCount is how often a feature must occur to be learnt.
	MinCount int
	// Balance is how far the routes are made to count alike: 0 not at all, 1 fully.
	Balance float64
	// HeldOut is the share of our own queries that the temperature is set on when there are
	// no public ones.
	HeldOut float64
	// MadeUp is the share of names in slots that are made up, so that unknown ones are learnt.
	MadeUp float64
	// Dropout is the share of features that are left out each time, so that no few of them
	// decide alone.
	Dropout float64
	// Public is how much a public query counts: it is what somebody asked for, and there are
	// few.
	Public float64
	// Wishes is how much a query counts that says what one wants without naming it, or
	// names it in passing: there are many of ours, and most that is asked is plainer.
	Wishes float64
}

// DefaultTrainConfig returns the settings of the embedded model.
func DefaultTrainConfig() TrainConfig {
	return TrainConfig{Seed: 1, Epochs: 12, Rate: 0.25, Decay: 3e-3, Fillings: 3, MinCount: 2, Balance: 0.3, HeldOut: 0.15, MadeUp: 0.3, Dropout: 0.5, Public: 2, Wishes: 0.3}
}

// Train learns a model. Equal data and settings give equal models.
func Train(cfg TrainConfig, data TrainingData) (*Model, error) {
	if len(data.Routes) == 0 || len(data.Routes) > stride {
		return nil, fmt.Errorf("train student: %d routes, want 1 to %d", len(data.Routes), stride)
	}
	t, err := newTrainer(cfg, data)
	if err != nil {
		return nil, fmt.Errorf("train student: %w", err)
	}
	calibrated := t.calibrate()
	m := t.fit(t.samples)
	m.header = header{
		Format: modelFormat, Routes: data.Routes, Data: data.Hash, Seed: cfg.Seed,
		Examples: len(data.Examples), calibration: calibrated, Public: data.Public,
	}
	return m, nil
}

// sample is a query as the model sees it.
type sample struct {
	features []feature
	norm     float32
	right    uint16 // bits of the routes that suit
	weight   float64
	fold     int // of calibration; 0 is always learnt
	blind    bool
}

type trainer struct {
	cfg     TrainConfig
	data    TrainingData
	view    view
	slots   slots
	samples []sample
	rng     *rand.Rand
}

func newTrainer(cfg TrainConfig, data TrainingData) (*trainer, error) {
	x := newIndex()
	if err := x.addLexicon(lexicon); err != nil {
		return nil, err
	}
	x.addGazetteer(data.Gazetteer)
	t := &trainer{
		cfg: cfg, data: data, rng: rand.New(rand.NewPCG(cfg.Seed, 0)),
		view: view{index: x, everyday: everyday(data.Examples)}, slots: newSlots(data.Gazetteer, x.world),
	}
	for _, e := range data.Examples {
		if err := t.sample(e); err != nil {
			return nil, err
		}
	}
	t.prune()
	t.balance()
	return t, nil
}

// everyday collects the words that name nothing by themselves: those of words.txt, and
// those that several queries with slots share.
func everyday(examples []Example) map[uint64]struct{} {
	words := map[uint64]struct{}{}
	for line := range strings.SplitSeq(everydayWords, "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for w := range strings.FieldsSeq(line) {
			words[hashString(fnvOffset, w)] = struct{}{}
		}
	}
	seen := map[uint64]int{}
	var toks []token
	for _, e := range examples {
		if !hasSlot(e.Query) {
			continue
		}
		toks = tokenize(toks[:0], e.Query)
		for _, tok := range toks {
			h := hashString(fnvOffset, tok.text)
			if seen[h]++; seen[h] == 2 {
				words[h] = struct{}{}
			}
		}
	}
	return words
}

// sample adds the samples of an example: its slots filled in a few ways, read with and
// without knowing the names.
func (t *trainer) sample(e Example) error {
	var right uint16
	for _, name := range e.Routes {
		r := slices.Index(t.data.Routes, name)
		if r < 0 {
			return fmt.Errorf("query %q: no route %q", e.Query, name)
		}
		right |= 1 << r
	}
	fold, counts := t.fold(e), 1.0
	switch {
	case e.Source != "":
		counts = t.cfg.Public
	case e.Wish:
		counts = t.cfg.Wishes
	}
	add := func(text string, blind bool, weight float64) {
		t.view.blind = blind
		var a annotation
		t.view.annotate(&a, text)
		fs := t.view.features(nil, &a)
		t.samples = append(t.samples, sample{fs, normalise(fs), right, weight * counts, fold, blind})
	}
	switch {
	case isSlot(e.Query):
		for range 30 {
			add(t.slots.fill(e.Query, t.cfg.MadeUp, t.rng), t.rng.Float64() < 0.5, 0.7)
		}
	case hasSlot(e.Query):
		for range t.cfg.Fillings {
			add(t.slots.fill(e.Query, t.cfg.MadeUp, t.rng), t.rng.Float64() < 0.4, 1.5/float64(t.cfg.Fillings))
		}
	default:
		add(e.Query, false, 1)
		add(e.Query, true, 0.5)
	}
	return nil
}

// prune drops the features that occur too rarely to learn from.
func (t *trainer) prune() {
	count := make([]uint32, buckets)
	for _, s := range t.samples {
		for _, f := range s.features {
			count[f.bucket]++
		}
	}
	for i := range t.samples {
		t.samples[i].features = slices.DeleteFunc(t.samples[i].features, func(f feature) bool { return count[f.bucket] < uint32(t.cfg.MinCount) })
	}
}

// balance weighs the samples so that a route counts by the root of how many it has.
func (t *trainer) balance() {
	total := map[uint16]float64{}
	for _, s := range t.samples {
		total[s.right] += s.weight
	}
	mean := 0.0
	for _, w := range total {
		mean = max(mean, w)
	}
	for i := range t.samples {
		t.samples[i].weight *= math.Pow(mean/total[t.samples[i].right], t.cfg.Balance)
	}
}

// fit learns weights by AdaGrad, in an order that depends on the seed alone, and returns
// their mean over the second half of the epochs. Products are rounded one by one, so that
// machines which fuse them learn the same.
func (t *trainer) fit(samples []sample) *Model {
	m := &Model{header: header{Routes: t.data.Routes, calibration: calibration{Temperature: 1}}, weights: make([]float32, buckets*stride), everyday: t.view.everyday}
	squares, sum := make([]float32, buckets*stride), make([]float32, buckets*stride)
	rng := rand.New(rand.NewPCG(t.cfg.Seed, 1))
	half := t.cfg.Epochs / 2
	for epoch := range t.cfg.Epochs {
		t.epoch(m, squares, samples, rng)
		if epoch < half {
			continue
		}
		for i, w := range m.weights {
			sum[i] += w
		}
	}
	for i := range sum {
		m.weights[i] = sum[i] / float32(t.cfg.Epochs-half)
	}
	return m
}

// epoch learns every sample once.
func (t *trainer) epoch(m *Model, squares []float32, samples []sample, rng *rand.Rand) {
	n := len(t.data.Routes)
	var keep []feature
	for _, i := range rng.Perm(len(samples)) {
		s := &samples[i]
		keep = s.drop(keep[:0], t.cfg.Dropout, rng)
		gradient := s.gradient(m, n, keep)
		for _, f := range keep {
			x := f.value * s.norm
			at := int(f.bucket) * stride
			for r := range n {
				w := m.weights[at+r]
				g := float32(gradient[r]*x) + float32(float32(t.cfg.Decay)*w)
				squares[at+r] += float32(g * g)
				m.weights[at+r] = w - float32(float32(t.cfg.Rate)*g)/float32(math.Sqrt(float64(squares[at+r]))+1e-6)
			}
		}
	}
}

// drop appends the features of s to keep, but for a share that chance leaves out.
func (s *sample) drop(keep []feature, share float64, rng *rand.Rand) []feature {
	for _, f := range s.features {
		if share == 0 || rng.Float64() >= share {
			keep = append(keep, f)
		}
	}
	return keep
}

// gradient returns the slope of the loss in the scores. Of several right routes, the model
// need only put its trust in some.
func (s *sample) gradient(m *Model, n int, features []feature) (g [stride]float32) {
	p := m.probabilities(m.raw(features, s.norm), n)
	var trusted float64
	for r := range n {
		if s.right>>r&1 == 1 {
			trusted += p[r]
		}
	}
	for r := range n {
		target := 0.0
		if s.right>>r&1 == 1 {
			target = p[r] / max(trusted, 1e-9)
		}
		g[r] = float32((p[r] - target) * s.weight)
	}
	return g
}
