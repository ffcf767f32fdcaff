package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// allCut is the name of the cut that cuts nothing.
const allCut = "all"

// maxDimensions is how many dimensions a cut combines at most.
const maxDimensions = 3

// dimensions are what can be cut by, in the order of names.
func dimensions() []string {
	return []string{"route", "tier", "market", "platform", "arm", "section", "tool"}
}

// valuesOf returns what a cut has in each dimension, in their order.
func valuesOf(c schemas.Cut) [7]string {
	return [...]string{c.Route, c.Tier, c.Market, c.Platform, c.Arm, c.Section, c.Tool}
}

// cutName returns the dimensions of a cut, as "route+market".
func cutName(c schemas.Cut) string {
	var b strings.Builder
	names := dimensions()
	for i, v := range valuesOf(c) {
		if v == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('+')
		}
		b.WriteString(names[i])
	}
	if b.Len() == 0 {
		return allCut
	}
	return b.String()
}

// parseCut returns the name of a cut in its one form. A "+" that stands in an address as it
// is means a space there, so that both part dimensions, and a comma does.
func parseCut(text string) (string, *problem) {
	if text == allCut {
		return allCut, nil
	}
	bad := func(what string) (string, *problem) {
		return "", newProblem(400, fmt.Sprintf("cut: %s. Use all, or up to %d of %s, joined as route+market.", what, maxDimensions, strings.Join(dimensions(), ", ")))
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == '+' || r == ' ' || r == ',' })
	if len(parts) == 0 || len(parts) > maxDimensions {
		return bad("must name what to cut by")
	}
	for i, part := range parts {
		if !slices.Contains(dimensions(), part) {
			return bad("there is no such dimension")
		}
		if slices.Contains(parts[:i], part) {
			return bad(part + " is there twice")
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return slices.Index(dimensions(), a) - slices.Index(dimensions(), b) })
	return strings.Join(parts, "+"), nil
}
