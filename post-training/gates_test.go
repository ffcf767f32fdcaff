package posttraining_test

import (
	"strings"
	"testing"

	posttraining "github.com/parallel-fusion/pfr/post-training"
	"github.com/parallel-fusion/pfr/schemas"
)

// The gates let through what a router could serve, and say what is wrong with the rest.
func TestGates(t *testing.T) {
	gates := append(posttraining.Gates(music(t)), posttraining.Resolvable("of one", []string{"artist", "show"}, func(parameter, value string) bool {
		return parameter == "artist" && value == "Low"
	}))
	for _, c := range []struct {
		name, query, route string
		params             schemas.Params
		gate, reason       string // "" passes all
	}{
		{"good", "bands like low", "similar_artists", schemas.Params{"artist": "Low"}, "", ""},
		{"without parameters", "weather", "out_of_scope", schemas.Params{}, "", ""},
		{"no such route", "x", "weather", schemas.Params{}, "manifest", "no such route"},
		{"another route's parameter", "x", "search", schemas.Params{"genre": "jazz"}, "manifest", "parameter genre"},
		{"not canonical", "x", "similar_artists", schemas.Params{"artist": "Low "}, "manifest", "parameter artist"},
		{"wrong type", "x", "new_releases", schemas.Params{"max_weeks_from_release": "4"}, "manifest", "parameter max_weeks"},
		{"calls too large", strings.Repeat("x", 100_000), "search", schemas.Params{}, "executable", "calls are not valid"},
		{"unknown artist", "x", "similar_artists", schemas.Params{"artist": "Lowest"}, "resolvable", "no artist"},
		{"artist as a show", "x", "podcast_episodes", schemas.Params{"show": "Low"}, "resolvable", "no show"},
	} {
		gate, reason := "", ""
		for _, g := range gates {
			if err := g.Check(posttraining.Query{Text: c.query}, posttraining.Decision{Route: c.route, Params: c.params}); err != nil {
				gate, reason = g.Name, err.Error()
				break
			}
		}
		if !strings.HasPrefix(gate, c.gate) || (gate == "") != (c.gate == "") || !strings.Contains(reason, c.reason) {
			t.Errorf("%s: gate %q says %q, want %q and %q", c.name, gate, reason, c.gate, c.reason)
		}
	}
}
