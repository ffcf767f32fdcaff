package routes_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas/routes"
)

const refining = `
name: shelf
fallback: find
layouts: {list: {sections: a list}}
routes:
  - name: find
    for: things
    examples: [x]
    layout: list
    refine: {budget_ms: %d}
    calls: [{tool: find, section: found, title: Found, component: list, limit: 5, deadline_ms: 50}]
  - name: browse
    for: shelves
    examples: [y]
    layout: list
    refine: {budget_ms: 90}
    calls: [{tool: find, section: found, title: Found, component: list, limit: 5, deadline_ms: 50}]
  - name: plain
    for: the rest
    examples: [z]
    layout: list
    calls: [{tool: find, section: found, title: Found, component: list, limit: 5, deadline_ms: 50}]
`

// The route for named things keeps its top hit; a route that says nothing is not refined.
func TestDecisionSaysHowThePageIsRefined(t *testing.T) {
	m, err := routes.Parse("shelf.yaml", fmt.Appendf(nil, refining, 70))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"find": "{70 true}", "browse": "{90 false}", "plain": "none"} {
		route, _ := m.Route(name)
		got := "none"
		if r := m.Decide(route, nil, "x").Refine; r != nil {
			got = fmt.Sprint(*r)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, budget := range []int{0, -1, 60_001} {
		if _, err := routes.Parse("shelf.yaml", fmt.Appendf(nil, refining, budget)); err == nil || !strings.Contains(err.Error(), "refine.budget_ms") {
			t.Errorf("%d: %v", budget, err)
		}
	}
}
