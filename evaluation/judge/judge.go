// Package judge says whether search results pages serve their queries.
//
// The vocabulary: a subject is a page with the case it answers, as a judge may see it; a
// dimension is what is asked about it; a judgment is PASS or NO PASS on each dimension with
// the items that show it; a preference is which of two pages serves a case better. A page
// never says which system made it. A record is a page in a file, for judges and people to
// come back to.
//
// Around a judge stand others, each of them a judge too: what was judged before is taken
// from a [Store], what was not is asked for within an [Allowance], [Retry] asks again what
// may succeed later, and a [Ledger] notes what failed. A [Panel] is several judges that vote.
package judge

import (
	"context"

	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// Dimension is what a page is judged by.
type Dimension string

// Dimensions.
const (
	Relevance Dimension = "relevance" // items suit the wish
	Diversity Dimension = "diversity" // and differ from each other as far as the wish allows
	Freshness Dimension = "freshness" // and are as new as it asks
	Overall   Dimension = "overall"
)

// Dimensions lists all, in the order of reports.
func Dimensions() []Dimension { return []Dimension{Relevance, Diversity, Freshness, Overall} }

// Page is what a judge may see of a page: no system, no tool, no score.
type Page struct {
	Notice   string    `json:"notice,omitempty"`
	Sections []Section `json:"sections"`
}

// Section is a titled list of items, or a text.
type Section struct {
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	Items []Item `json:"items,omitempty"`
}

// Item is a result with what the article shows to its judge.
type Item struct {
	ID          string   `json:"id"`
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Artists     []string `json:"artists,omitempty"`
	Genres      []string `json:"genres,omitempty"`
	ReleaseDate string   `json:"release_date,omitempty"` // YYYY, YYYY-MM or YYYY-MM-DD
	// Card says in a line what listeners did with the item; "" without.
	Card string `json:"card,omitempty"`
}

// Subject is a page with the case it answers.
type Subject struct {
	Case  testset.Case
	Today string // YYYY-MM-DD, the day that dates are read against
	Page  Page
}

// Verdict is the answer on one dimension.
type Verdict struct {
	Pass     bool     `json:"pass"`
	Evidence []string `json:"evidence,omitempty"` // ids of items of the page
	Reason   string   `json:"reason,omitempty"`   // one line
}

// Judgment is the answer on every dimension.
type Judgment struct {
	Judge    string                `json:"judge"` // who judged, with its version
	Verdicts map[Dimension]Verdict `json:"verdicts"`
	CostUSD  float64               `json:"cost_usd,omitempty"` // what it came to, with an error too
	Cached   bool                  `json:"-"`                  // was judged before
	Raw      string                `json:"-"`                  // what the judge wrote; a [Store] keeps it
}

// Absolute judges pages one by one. Its error is that of one page: others may still go well.
type Absolute interface {
	// ID names the judge with everything that its answers depend on.
	ID() string
	Judge(ctx context.Context, s Subject) (Judgment, error)
}

// Choice is which of two pages is better.
type Choice string

// Choices.
const (
	First  Choice = "first"
	Second Choice = "second"
	Tie    Choice = "tie"
)

// Preference is the answer about two pages in one order.
type Preference struct {
	Judge   string  `json:"judge"`
	Choice  Choice  `json:"choice"`
	Reason  string  `json:"reason,omitempty"`
	CostUSD float64 `json:"cost_usd,omitempty"`
	Cached  bool    `json:"-"`
	Raw     string  `json:"-"`
}

// Pairwise compares two pages that answer the same case. It is asked in both orders by its
// caller; see [Agreed].
type Pairwise interface {
	ID() string
	Prefer(ctx context.Context, first, second Subject) (Preference, error)
}

// Agreed is the outcome of a comparison in both orders: there, with the page first, and
// back, with it second. Where the two disagree it is a tie (Zheng et al., Judging
// LLM-as-a-Judge, 2023). The result is read as for there: First is the page.
func Agreed(there, back Choice) Choice {
	switch {
	case there == First && back == Second:
		return First
	case there == Second && back == First:
		return Second
	}
	return Tie
}
