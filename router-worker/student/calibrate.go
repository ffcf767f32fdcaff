package student

import "math"

// publicFolds is how many parts the public queries are cut into for calibration.
const publicFolds = 3

// fold returns the part of the calibration that an example belongs to, or 0. Public queries
// are what people write, so that the model is calibrated on them alone if there are any.
func (t *trainer) fold(e Example) int {
	switch {
	case e.Source != "":
		return 1 + t.rng.IntN(publicFolds)
	case t.data.Public == "" && t.rng.Float64() < t.cfg.HeldOut:
		return 1
	}
	return 0
}

// guess is what a model that has not learnt a sample says of it.
type guess struct {
	scores [stride]float32
	right  uint16
}

// calibrate returns the calibration for a model of all samples, set on guesses of models
// that learn all but one part.
func (t *trainer) calibrate() calibration {
	folds := 0
	for _, s := range t.samples {
		folds = max(folds, s.fold)
	}
	var guesses []guess
	for k := 1; k <= folds; k++ {
		var learn []sample
		for _, s := range t.samples {
			if s.fold != k {
				learn = append(learn, s)
			}
		}
		m := t.fit(learn)
		for _, s := range t.samples {
			if s.fold == k && !s.blind {
				guesses = append(guesses, guess{m.raw(s.features, s.norm), s.right})
			}
		}
	}
	return fitted(guesses, len(t.data.Routes))
}

// fitted returns the calibration at which the confidence in the best route surprises least,
// as to whether that route is right.
func fitted(guesses []guess, n int) calibration {
	best, least := calibration{Temperature: 1}, math.Inf(1)
	for floor := 0.0; floor <= maxFloor; floor += 0.005 {
		for t := 0.3; t < 6; t *= 1.04 {
			c := calibration{t, floor}
			if loss := c.surprise(guesses, n); loss < least {
				best, least = c, loss
			}
		}
	}
	return best
}

// maxFloor is the most that is taken from a guess for being too sure of itself.
const maxFloor = 0.08

// surprise is the logarithmic loss of the confidences.
func (c calibration) surprise(guesses []guess, n int) float64 {
	var loss float64
	for _, g := range guesses {
		at, p := best(c.probabilities(g.scores, n), n)
		if g.right>>at&1 == 0 {
			p = 1 - p
		}
		loss -= math.Log(max(p, 1e-6))
	}
	return loss
}
