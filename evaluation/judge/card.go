package judge

import (
	"fmt"
	"math"
	"slices"
)

// Behaviour counts what listeners did with an item where it was shown to them. Judges that
// see it agree better with listeners, above all where pages are close (behaviour-grounded
// judging, arXiv 2607.01040).
type Behaviour struct {
	Shown    int // views of the item on pages
	Clicked  int // of them, with a click
	Streamed int // of them, with a stream that counts
}

// leastShown is how often an item must have been shown for shares to mean something.
const leastShown = 20

// Card is the line that a judge reads, "" where too little is known. It is coarse, so that
// a page is not judged anew with every click.
func (b Behaviour) Card() string {
	if b.Shown < leastShown {
		return ""
	}
	size := math.Pow(10, math.Floor(math.Log10(float64(b.Shown))))
	floor := int(math.Floor(float64(b.Shown)/size) * size) // one digit
	return fmt.Sprintf("shown over %d times: %s clicked, %s streamed", floor, coarse(b.Clicked, b.Shown), coarse(b.Streamed, b.Shown))
}

// coarse is a share in percent: in whole ones up to ten, in steps of five above.
func coarse(n, of int) string {
	percent := 100 * min(float64(max(n, 0))/float64(of), 1)
	step := 1.
	if percent > 10 {
		step = 5
	}
	return fmt.Sprintf("%.0f %%", math.Round(percent/step)*step)
}

// Cards counts the items with a card.
func (p Page) Cards() int {
	n := 0
	for _, s := range p.Sections {
		for _, it := range s.Items {
			if it.Card != "" {
				n++
			}
		}
	}
	return n
}

// WithCards returns the page with a card on each item that something is known of, by its
// id. It changes nothing of p.
func WithCards(p Page, known map[string]Behaviour) Page {
	p.Sections = slices.Clone(p.Sections)
	for i, s := range p.Sections {
		items := slices.Clone(s.Items)
		for n := range items {
			items[n].Card = known[items[n].ID].Card()
		}
		p.Sections[i].Items = items
	}
	return p
}
