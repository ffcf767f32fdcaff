package frames_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/frames"
)

type (
	params  = map[string]any
	allowed = map[string]frames.Allowed
)

func one(name string, p params) []frames.Frame { return []frames.Frame{{Name: name, Params: p}} }

func wish(name string, p allowed) []frames.Wish { return []frames.Wish{{Name: name, Params: p}} }

func TestRules(t *testing.T) {
	for name, c := range map[string]struct {
		got  []frames.Frame
		want []frames.Wish
		kind frames.Kind // "" for none
	}{
		"right":                           {one("f", params{"a": "x"}), wish("f", allowed{"a": {"x"}}), ""},
		"one of several values":           {one("f", params{"a": "y"}), wish("f", allowed{"a": {"x", "y"}}), ""},
		"a call too many":                 {append(one("f", nil), one("g", nil)...), wish("f", nil), frames.WrongCount},
		"a call too few":                  {nil, wish("f", nil), frames.WrongCount},
		"nothing to call":                 {nil, nil, ""},
		"something called for nothing":    {one("f", nil), nil, frames.WrongCount},
		"another function":                {one("g", nil), wish("f", nil), frames.WrongName},
		"names are exact":                 {one("F", nil), wish("f", nil), frames.WrongName},
		"a parameter is missing":          {one("f", params{}), wish("f", allowed{"a": {"x"}}), frames.Missing},
		"it may be":                       {one("f", params{}), wish("f", allowed{"a": {"x", ""}}), ""},
		"there it must be right":          {one("f", params{"a": "z"}), wish("f", allowed{"a": {"x", ""}}), frames.WrongValue},
		"an unexpected parameter":         {one("f", params{"b": 1}), wish("f", nil), frames.Unexpected},
		"text for a number":               {one("f", params{"a": "3"}), wish("f", allowed{"a": {3}}), frames.WrongType},
		"an integer for a number":         {one("f", params{"a": 3}), wish("f", allowed{"a": {3.0}}), ""},
		"another number":                  {one("f", params{"a": 4}), wish("f", allowed{"a": {3}}), frames.WrongValue},
		"case and marks do not matter":    {one("f", params{"a": "Hip-Hop"}), wish("f", allowed{"a": {"hip hop"}}), ""},
		"other marks do":                  {one("f", params{"a": "P!nk"}), wish("f", allowed{"a": {"Pnk"}}), frames.WrongValue},
		"lists are sets":                  {one("f", params{"a": []string{"x", "y"}}), wish("f", allowed{"a": {[]string{"y", "x"}}}), ""},
		"a list with something missing":   {one("f", params{"a": []string{"x"}}), wish("f", allowed{"a": {[]string{"y", "x"}}}), frames.WrongValue},
		"a list for text":                 {one("f", params{"a": []string{"x"}}), wish("f", allowed{"a": {"x"}}), frames.WrongType},
		"joined entries are not the same": {one("f", params{"a": []string{"xy"}}), wish("f", allowed{"a": {[]string{"x", "y"}}}), frames.WrongValue},
	} {
		problems := frames.Check(c.got, c.want)
		if c.kind == "" && len(problems) > 0 || c.kind != "" && (len(problems) == 0 || problems[0].Kind != c.kind) {
			t.Errorf("%s: %v, want %q", name, problems, c.kind)
		}
	}
}

func TestOrderDoesNotMatter(t *testing.T) {
	got := append(one("g", params{"a": 1}), one("f", params{"b": 2})...)
	want := append(wish("f", allowed{"b": {2}}), wish("g", allowed{"a": {1}})...)
	if p := frames.Check(got, want); p != nil {
		t.Error(p)
	}
}

// Taking the first wish that fits, as a greedy matcher does, leaves the second call with
// none.
func TestMatchingIsOptimal(t *testing.T) {
	got := append(one("f", params{"a": "x"}), one("f", params{"a": "y"})...)
	want := append(wish("f", allowed{"a": {"x", "y"}}), wish("f", allowed{"a": {"x"}})...)
	if p := frames.Check(got, want); p != nil {
		t.Error(p)
	}
}

func TestOnlyTheWrongCallIsBlamed(t *testing.T) {
	got := append(one("f", params{"a": "x"}), one("f", params{"a": "z"})...)
	want := append(wish("f", allowed{"a": {"y"}}), wish("f", allowed{"a": {"x"}})...)
	if p := frames.Check(got, want); len(p) != 1 || p[0].Got != "z" {
		t.Error(p)
	}
}

func TestTallies(t *testing.T) {
	tallies := map[string]frames.Tally{}
	w := frames.Wish{Name: "f", Params: allowed{"a": {"x"}, "b": {"y"}, "c": {"z", ""}}}
	frames.Count(tallies, frames.Frame{Name: "f", Params: params{"a": "x", "d": 1}}, w)              // b missed, d made up
	frames.Count(tallies, frames.Frame{Name: "f", Params: params{"a": "no", "b": "y", "c": "z"}}, w) // a wrong
	for name, want := range map[string]frames.Tally{"a": {1, 1, 1}, "b": {1, 0, 1}, "c": {1, 0, 0}, "d": {0, 1, 0}} {
		if tallies[name] != want {
			t.Errorf("%s: %+v, want %+v", name, tallies[name], want)
		}
	}
	if f := tallies["a"].F1(); f != 0.5 {
		t.Errorf("F1 of a: %v", f)
	}
}
