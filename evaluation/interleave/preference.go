package interleave

import (
	"errors"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// Tally counts who won. It is made of integers: it does not depend on order, and what was
// added can be taken out again. The sign test takes the credits that are added for
// independent, so that a client's searches are summed first and added as one.
type Tally struct {
	A    int64 `json:"a"`    // clients with more credit for A
	B    int64 `json:"b"`    // clients with more credit for B
	Ties int64 `json:"ties"` // clients with as much for both, none without clicks
}

// Add counts a client's credit.
func (t *Tally) Add(c Credit) { t.count(c, 1) }

// Sub takes out a credit that was added.
func (t *Tally) Sub(c Credit) { t.count(c, -1) }

func (t *Tally) count(c Credit, by int64) {
	switch {
	case c.A > c.B:
		t.A += by
	case c.B > c.A:
		t.B += by
	case c.A > 0:
		t.Ties += by
	}
}

// Merge adds the counts of other clients.
func (t *Tally) Merge(o Tally) {
	t.A += o.A
	t.B += o.B
	t.Ties += o.Ties
}

// Preference is what a tally says.
type Preference struct {
	Tally
	// Delta is (A + ties/2)/(A + B + ties) − 1/2 (Chapelle, Joachims, Radlinski and Yue,
	// Large-Scale Validation and Analysis of Interleaved Search Evaluation, 2012): above 0
	// where A is preferred, in [−1/2, 1/2], 0 of nobody.
	Delta float64 `json:"delta"`
	// Share is that of A among those with a winner, 1/2 of nobody, and Interval its 95 %
	// score interval (Wilson 1927).
	Share    float64        `json:"share"`
	Interval stats.Interval `json:"interval"`
	// P is that of the exact two-sided sign test of no preference, ties left out, 1 of
	// nobody. It is of one look.
	P float64 `json:"p"`
}

// ErrNegative is of a tally from which more was taken out than was in it.
var ErrNegative = errors.New("a negative count in a tally")

// Preference evaluates a tally. The only error is [ErrNegative].
func (t Tally) Preference() (Preference, error) {
	if t.A < 0 || t.B < 0 || t.Ties < 0 {
		return Preference{}, ErrNegative
	}
	p := Preference{Tally: t, Share: 0.5, P: 1, Interval: stats.Wilson(int(t.A), int(t.A+t.B))}
	if all := t.A + t.B + t.Ties; all > 0 {
		p.Delta = (float64(t.A)+float64(t.Ties)/2)/float64(all) - 0.5
	}
	if n := t.A + t.B; n > 0 {
		p.Share = float64(t.A) / float64(n)
		tail := distuv.Binomial{N: float64(n), P: 0.5}.CDF(float64(min(t.A, t.B)))
		p.P = min(1, 2*tail)
	}
	return p, nil
}
