package precompute

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// Query is a query with its weight in the traffic: how often it is asked, in any unit.
type Query struct {
	Text   string // normalised
	Weight float64
}

// Demand is what is asked.
type Demand struct {
	Queries []Query
	Total   float64 // weight of all traffic, with what is not listed; never less than the list's
	// Also are texts of the list that are taken up whatever they weigh, as the heaviest of a
	// small market.
	Also map[string]bool
}

// sorted returns the demand with every text once, the heaviest first.
func (d Demand) sorted() Demand {
	weights := make(map[string]float64, len(d.Queries))
	sum := 0.0
	for _, q := range d.Queries {
		weights[q.Text] += q.Weight
		sum += q.Weight
	}
	out := Demand{Total: max(d.Total, sum), Also: d.Also, Queries: make([]Query, 0, len(weights))}
	for text, w := range weights {
		out.Queries = append(out.Queries, Query{text, w})
	}
	slices.SortFunc(out.Queries, func(a, b Query) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), strings.Compare(a.Text, b.Text))
	})
	return out
}

// taken returns what a run takes up of a sorted demand: the heaviest, all if top is 0, and
// what is to be taken up besides.
func (d Demand) taken(top int) []Query {
	if top == 0 || top >= len(d.Queries) {
		return d.Queries
	}
	take := slices.Clone(d.Queries[:top])
	for _, q := range d.Queries[top:] {
		if d.Also[q.Text] {
			take = append(take, q)
		}
	}
	return take
}

// maxLine is the longest line of a list, in bytes.
const maxLine = 1 << 16

// ReadDemand reads a list of queries: one a line, with a tab and its count if that is
// known. It reports every line that is none, by number. Empty lines are passed over.
func ReadDemand(in io.Reader, normalise func(string) string) (Demand, error) {
	var d Demand
	var errs []error
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimPrefix(lines.Text(), "\ufeff") // a byte order mark is no text
		if strings.TrimSpace(line) == "" {
			continue
		}
		q, err := parseQuery(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		q.Text = normalise(q.Text)
		d.Queries = append(d.Queries, q)
	}
	return d, errors.Join(append(errs, lines.Err())...)
}

func parseQuery(line string) (Query, error) {
	text, count, counted := strings.Cut(line, "\t")
	q := Query{Text: text, Weight: 1}
	if counted {
		var err error
		q.Weight, err = strconv.ParseFloat(strings.TrimSpace(count), 64)
		if err != nil || !(q.Weight >= 0) || math.IsInf(q.Weight, 1) {
			return q, errors.New("the count must be a number that is not negative")
		}
	}
	return q, schemas.CheckText(text)
}
