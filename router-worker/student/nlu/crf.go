package nlu

import (
	"math"
	"math/rand/v2"
	"slices"
)

// sentence is a text as a tagger learns from it.
type sentence struct {
	atoms []uint64
	ends  []int
	tags  []uint8
	rows  []uint32 // of the atoms that are learnt
	stops []int    // where the rows of each token end
}

// chain learns the tagger of one intent: a linear-chain conditional random field (Lafferty,
// McCallum, Pereira 2001) by stochastic gradient descent on its log-likelihood. Sums over
// paths are made by the forward-backward algorithm, scaled at each token.
type chain struct {
	*learner
	tags    int
	moves   learner   // from tag to tag; the last row is the beginning, the one before it the end
	factors []float64 // exponentials of moves, 0 for illegal ones

	// Memory of a step.
	psi               []float64 // exponentials of scores
	forward, backward []float64
	pairs             []float64 // expected moves, less those made
	after, moved      []float64
	mean              []float64
	scores, gradient  []float32
}

func newChain(cfg Config, tags int, data []*sentence) *chain {
	atoms := make([][]uint64, len(data))
	for i, s := range data {
		atoms[i] = s.atoms
	}
	c := &chain{learner: newLearner(cfg, tags, atoms), tags: tags}
	n := (tags + 2) * tags
	c.moves = learner{width: tags, rate: c.rate, decay: c.decay}
	c.moves.reserve(n)
	c.factors, c.pairs = make([]float64, n), make([]float64, n)
	for from := range tags + 2 {
		for to := range tags {
			c.refresh(from, to)
		}
	}
	for _, s := range data {
		s.prepare(c.learner)
	}
	return c
}

// prepare looks up the rows of the features.
func (s *sentence) prepare(l *learner) {
	from := 0
	s.rows, s.stops = s.rows[:0], s.stops[:0]
	for _, end := range s.ends {
		s.rows = l.known(s.rows, s.atoms[from:end])
		s.stops = append(s.stops, len(s.rows))
		from = end
	}
}

// The rows of moves that are no tags.
func (c *chain) ending() int    { return c.tags }
func (c *chain) beginning() int { return c.tags + 1 }

// refresh computes a factor from its weight.
func (c *chain) refresh(from, to int) {
	at := from*c.tags + to
	before := from
	if from == c.beginning() {
		before = -1
	}
	c.factors[at] = 0
	if from == c.ending() || legal(before, to) {
		c.factors[at] = math.Exp(float64(c.moves.weights[at]))
	}
}

// fit learns from data and returns the tagger.
func (c *chain) fit(cfg Config, data []*sentence, rng *rand.Rand) tagger {
	for epoch := range cfg.Epochs {
		for _, i := range rng.Perm(len(data)) {
			if s := data[i]; len(s.ends) > 0 {
				c.step(s)
			}
		}
		if epoch >= cfg.Epochs/2 {
			c.collect()
			c.moves.collect()
		}
	}
	t := tagger{table: c.table()}
	mean := func(row int) []int32 {
		out := make([]int32, c.tags)
		for i, w := range c.moves.sums[row*c.tags : (row+1)*c.tags] {
			out[i] = int32(math.RoundToEven(float64(w/float32(c.moves.passes)) / unit))
		}
		return out
	}
	for row := range c.tags {
		t.moves = append(t.moves, mean(row)...)
	}
	t.last, t.first = mean(c.ending()), mean(c.beginning())
	return t
}

// step learns from one sentence.
func (c *chain) step(s *sentence) {
	n, k := len(s.stops), c.tags
	c.sum(s)
	c.walkForward(n)
	c.walkBackward(n)
	c.expect(s)
	from := 0
	for i, stop := range s.stops {
		c.update(s.rows[from:stop], c.gradient[i*k:(i+1)*k])
		from = stop
	}
	for at, g := range c.pairs {
		if math.Abs(g) < tiny {
			continue
		}
		c.moves.nudge(at, float32(g))
		c.refresh(at/k, at%k)
	}
}

// sum computes the scores of the tags of each token, and their exponentials.
func (c *chain) sum(s *sentence) {
	n, k := len(s.stops), c.tags
	c.scores = resize(c.scores, n*k)
	c.psi = resize(c.psi, n*k)
	clear(c.scores)
	from := 0
	for i, stop := range s.stops {
		scores := c.scores[i*k : (i+1)*k]
		c.score(scores, s.rows[from:stop])
		top := slices.Max(scores)
		for tag, w := range scores {
			c.psi[i*k+tag] = math.Exp(float64(w - top))
		}
		from = stop
	}
}

// walkForward computes the weight of all paths up to each tag, to a sum of 1 a token.
func (c *chain) walkForward(n int) {
	k := c.tags
	c.forward = resize(c.forward, n*k)
	clear(c.forward)
	first := c.factors[c.beginning()*k:]
	for tag := range k {
		c.forward[tag] = float64(c.psi[tag] * first[tag])
	}
	toOne(c.forward[:k])
	for i := 1; i < n; i++ {
		row := c.forward[i*k : (i+1)*k]
		for from, weight := range c.forward[(i-1)*k : i*k] {
			if weight < 1e-12 {
				continue
			}
			for tag, f := range c.factors[from*k : (from+1)*k] {
				row[tag] += float64(weight * f)
			}
		}
		for tag := range row {
			row[tag] *= c.psi[i*k+tag]
		}
		toOne(row)
	}
}

// walkBackward computes the weight of all paths after each tag, to a sum of 1 a token.
func (c *chain) walkBackward(n int) {
	k := c.tags
	c.backward = resize(c.backward, n*k)
	copy(c.backward[(n-1)*k:], c.factors[c.ending()*k:(c.ending()+1)*k])
	c.after = resize(c.after, k)
	for i := n - 2; i >= 0; i-- {
		for tag := range k {
			c.after[tag] = float64(c.psi[(i+1)*k+tag] * c.backward[(i+1)*k+tag])
		}
		row := c.backward[i*k : (i+1)*k]
		for from := range k {
			row[from] = 0
			for tag, f := range c.factors[from*k : (from+1)*k] {
				row[from] += float64(f * c.after[tag])
			}
		}
		toOne(row)
	}
}

// expect computes the gradients: what the model expects, less what is there.
func (c *chain) expect(s *sentence) {
	n, k := len(s.stops), c.tags
	c.gradient = resize(c.gradient, n*k)
	clear(c.pairs)
	c.mean = resize(c.mean, k)
	p := c.mean
	for i := range n {
		for tag := range k {
			p[tag] = float64(c.forward[i*k+tag] * c.backward[i*k+tag])
		}
		toOne(p)
		if i == 0 {
			c.edgeMoves(c.beginning(), p, s.tags[0])
		}
		if i == n-1 {
			c.edgeMoves(c.ending(), p, s.tags[n-1])
		}
		if i > 0 {
			c.expectMoves(i)
			c.pairs[int(s.tags[i-1])*k+int(s.tags[i])]--
		}
		p[s.tags[i]]--
		for tag := range k {
			c.gradient[i*k+tag] = float32(p[tag])
		}
	}
}

func (c *chain) edgeMoves(row int, p []float64, tag uint8) {
	copy(c.pairs[row*c.tags:], p)
	c.pairs[row*c.tags+int(tag)]--
}

// expectMoves adds the expected moves from token i-1 to token i.
func (c *chain) expectMoves(i int) {
	k := c.tags
	c.after, c.moved = resize(c.after, k), resize(c.moved, k*k)
	for tag := range k {
		c.after[tag] = float64(c.psi[i*k+tag] * c.backward[i*k+tag])
	}
	for from, weight := range c.forward[(i-1)*k : i*k] {
		row := c.moved[from*k : (from+1)*k]
		for tag, f := range c.factors[from*k : (from+1)*k] {
			row[tag] = float64(float64(weight*f) * c.after[tag])
		}
	}
	toOne(c.moved)
	for at, p := range c.moved {
		c.pairs[at] += p
	}
}

// toOne scales weights to a sum of one.
func toOne(weights []float64) {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	if sum > 0 {
		for i := range weights {
			weights[i] /= sum
		}
	}
}
