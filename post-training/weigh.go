package posttraining

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Selection says how much each route counts in what is exported. See [DefaultSelection].
type Selection struct {
	// Cap is how many queries of a route are taken at most, chosen by a hash of the seed and
	// the query; 0: all. A query whose decisions have several routes counts for its first.
	Cap int
	// Caps are caps of single routes, in place of Cap; 0: all.
	Caps map[string]int
	// Balance, 0 to 1, is how far the routes are made to count alike: 0 not at all, 1 fully.
	Balance float64
	Seed    uint64
}

// DefaultSelection returns the selection that takes everything and halfway balances it.
func DefaultSelection() Selection { return Selection{Balance: 0.5, Seed: 1} }

// Validate reports every problem at once.
func (s Selection) Validate() error {
	var errs []error
	if s.Cap < 0 {
		errs = append(errs, fmt.Errorf("cap %d: must not be negative", s.Cap))
	}
	for _, route := range slices.Sorted(maps.Keys(s.Caps)) {
		if s.Caps[route] < 0 {
			errs = append(errs, fmt.Errorf("cap %d of route %q: must not be negative", s.Caps[route], route))
		}
	}
	if !(s.Balance >= 0 && s.Balance <= 1) {
		errs = append(errs, fmt.Errorf("balance %v: must lie between 0 and 1", s.Balance))
	}
	return errors.Join(errs...)
}

// fits makes sure that queries count for each route with a cap of its own: a misspelt one
// would cap nothing.
func (s Selection) fits(rows []Row) error {
	there := map[string]bool{}
	first, _ := firstRoutes(rows)
	for _, route := range first {
		there[route] = true
	}
	var errs []error
	for _, route := range slices.Sorted(maps.Keys(s.Caps)) {
		if !there[route] {
			errs = append(errs, fmt.Errorf("cap of route %q: no query counts for it; there are %s", route, strings.Join(slices.Sorted(maps.Keys(there)), ", ")))
		}
	}
	return errors.Join(errs...)
}

// Weighted is a row with how much it counts.
type Weighted struct {
	Row
	// Weight is (1/k)·(m/n)^balance, scaled so that the weights of all rows add up to how many
	// rows there are: k is how many decisions the query has, so that one with several counts
	// once; n is how many queries the route has, and m the mean of that over the routes.
	Weight float64
}

// Of returns the rows that are taken, in their order, with their weights.
func (s Selection) Of(rows []Row) []Weighted {
	first, decisions := firstRoutes(rows)
	taken := s.taken(first)
	var out []Weighted
	perRoute := map[string]float64{}
	for _, r := range rows {
		if !taken[r.QueryID] {
			continue
		}
		share := 1 / float64(decisions[r.QueryID])
		perRoute[r.Route] += share
		out = append(out, Weighted{r, share})
	}
	mean := 0.0
	for _, w := range out { // in the order of the rows: a map's would change the sum
		mean += w.Weight
	}
	mean /= float64(max(1, len(perRoute)))
	total := 0.0
	for i := range out {
		out[i].Weight *= math.Pow(mean/perRoute[out[i].Route], s.Balance)
		total += out[i].Weight
	}
	for i := range out {
		out[i].Weight = math.Round(1e4*out[i].Weight*float64(len(out))/total) / 1e4
	}
	return out
}

// firstRoutes returns the route of each query's first row, and how many rows it has.
func firstRoutes(rows []Row) (first map[string]string, decisions map[string]int) {
	first, decisions = map[string]string{}, map[string]int{}
	for _, r := range rows {
		if decisions[r.QueryID]++; decisions[r.QueryID] == 1 {
			first[r.QueryID] = r.Route
		}
	}
	return first, decisions
}

// limit returns how many queries of a route are taken at most; 0: all.
func (s Selection) limit(route string) int {
	if n, ok := s.Caps[route]; ok {
		return n
	}
	return s.Cap
}

// taken returns the queries under the caps.
func (s Selection) taken(first map[string]string) map[string]bool {
	byRoute := map[string][]string{}
	for id, route := range first {
		byRoute[route] = append(byRoute[route], id)
	}
	out := make(map[string]bool, len(first))
	seed := fmt.Sprint(s.Seed)
	for route, ids := range byRoute {
		// A strong hash: with a weak one, ids that differ in a digit keep their order under
		// every seed.
		slices.SortFunc(ids, func(a, b string) int {
			return cmp.Compare(digest([]byte(seed+"/"+a)), digest([]byte(seed+"/"+b)))
		})
		if n := s.limit(route); n > 0 && len(ids) > n {
			ids = ids[:n]
		}
		for _, id := range ids {
			out[id] = true
		}
	}
	return out
}
