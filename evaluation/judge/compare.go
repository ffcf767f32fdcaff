package judge

import (
	"context"
	"fmt"
)

// Comparison is what came of a pair of pages in both orders.
type Comparison struct {
	Outcome   Choice     `json:"outcome"` // First is the page, Second the other
	There     Preference `json:"there"`   // with the page first
	Back      Preference `json:"back"`    // with the page second
	Identical bool       `json:"identical,omitempty"`
}

// Compare asks a judge about a page and another one in both orders. Pages that are equal
// are a tie that nobody is asked about. With an error the comparison says what it has cost.
func Compare(ctx context.Context, j Pairwise, page, other Subject) (Comparison, error) {
	out := Comparison{Outcome: Tie}
	a, err := page.Hash()
	if err != nil {
		return out, err
	}
	b, err := other.Hash()
	if err != nil {
		return out, err
	}
	if a == b {
		out.Identical = true
		return out, nil
	}
	if out.There, err = j.Prefer(ctx, page, other); err != nil {
		return out, err
	}
	if out.Back, err = j.Prefer(ctx, other, page); err != nil {
		return out, err
	}
	out.Outcome = Agreed(out.There.Choice, out.Back.Choice)
	return out, nil
}

// Cost is what the comparison has cost, in US dollars, in this run or in an earlier one.
func (c Comparison) Cost() float64 { return c.There.CostUSD + c.Back.CostUSD }

// consistent reports whether both orders said the same of the pages.
func (c Comparison) consistent() bool {
	switch c.There.Choice {
	case First:
		return c.Back.Choice == Second
	case Second:
		return c.Back.Choice == First
	case Tie:
	}
	return c.Back.Choice == Tie
}

// Positions says how far a judge goes by the place of a page instead of by the page.
type Positions struct {
	Pairs      int `json:"pairs"`      // judged, identical ones apart
	Consistent int `json:"consistent"` // of them, the same answer in both orders
	First      int `json:"first"`      // answers for the page that came first
	Second     int `json:"second"`     // answers for the page that came second
}

// CountPositions counts over comparisons that were made.
func CountPositions(comparisons []Comparison) Positions {
	var p Positions
	for _, c := range comparisons {
		if c.Identical {
			continue
		}
		p.Pairs++
		if c.consistent() {
			p.Consistent++
		}
		for _, choice := range []Choice{c.There.Choice, c.Back.Choice} {
			switch choice {
			case First:
				p.First++
			case Second:
				p.Second++
			case Tie:
			}
		}
	}
	return p
}

// Consistency is the share of pairs with the same answer in both orders, 1 of none.
func (p Positions) Consistency() float64 { return share(p.Consistent, p.Pairs, 1) }

// FirstRate is the share of the answers other than ties that were for the page that came
// first, half of none. Without a bias it is near a half, since every page comes first once.
func (p Positions) FirstRate() float64 { return share(p.First, p.First+p.Second, .5) }

func share(n, of int, none float64) float64 {
	if of == 0 {
		return none
	}
	return float64(n) / float64(of)
}

// Bounds outside which a judge's answers are not to be trusted. Strong judges kept about
// 65 % of their answers when the order was swapped (Zheng et al. 2023).
const (
	leastConsistency = .6
	mostFirstRate    = 2. / 3
)

// Warning says in a line that the judge goes by the place of pages; "" if it does not.
func (p Positions) Warning() string {
	c, f := p.Consistency(), p.FirstRate()
	if c >= leastConsistency && f <= mostFirstRate && f >= 1-mostFirstRate {
		return ""
	}
	return fmt.Sprintf("the judge goes by the place of a page: %.0f %% of %d pairs have the same answer in both orders, and %.0f %% of its choices are for the page that came first",
		100*c, p.Pairs, 100*f)
}
