// Package frames compares tool calls with what was wanted, by the rules of the Berkeley
// Function Calling Leaderboard's AST checker (BFCL v4), with three differences: calls are
// matched to wishes in the best way rather than greedily, list values are sets, and each
// parameter is counted for precision and recall beside the verdict on the whole.
//
// The vocabulary: a frame is one call, a name with its parameters; a wish is a frame that
// says which values each parameter may have.
package frames

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Frame is a call.
type Frame struct {
	Name   string
	Params map[string]any // string, int, float64 or []string
}

// Wish is what a call should be.
type Wish struct {
	Name   string
	Params map[string]Allowed
}

// Allowed are the values that a parameter may have. The value "" among them says that it
// may be absent.
type Allowed []any

func (a Allowed) optional() bool { return slices.Contains(a, any("")) }

// Kind is the kind of a [Problem].
type Kind string

// Kinds of problems.
const (
	WrongCount Kind = "wrong_count"      // of calls
	WrongName  Kind = "wrong_name"       // of a call
	Missing    Kind = "missing_required" // parameter
	Unexpected Kind = "unexpected_param"
	WrongType  Kind = "type_error"
	WrongValue Kind = "value_error"
)

// Problem is one thing that is wrong with the calls.
type Problem struct {
	Kind  Kind
	Call  string
	Param string // "" for the call as a whole
	Got   any
}

func (p Problem) String() string {
	if p.Param == "" {
		return fmt.Sprintf("%s: %s", p.Kind, p.Call)
	}
	return fmt.Sprintf("%s: %s.%s = %v", p.Kind, p.Call, p.Param, p.Got)
}

// Check returns what is wrong with the calls, nil if they are as wished. Their order does
// not matter. Without wishes the only right answer is no call.
func Check(got []Frame, wanted []Wish) []Problem {
	if len(got) != len(wanted) {
		return []Problem{{Kind: WrongCount, Call: fmt.Sprintf("%d calls, want %d", len(got), len(wanted))}}
	}
	of := match(got, wanted)
	var problems []Problem
	free := unmatched(of, len(wanted))
	for i, g := range got {
		if of[i] < 0 { // the wishes that nobody meets go to the calls that meet none, in order
			problems = append(problems, g.compare(wanted[free[0]])...)
			free = free[1:]
		}
	}
	return problems
}

// match returns a wish for as many calls as can have one, -1 for the others: a maximum
// bipartite matching by augmenting paths (Kuhn).
func match(got []Frame, wanted []Wish) []int {
	of, by := make([]int, len(got)), make([]int, len(wanted))
	for i := range of {
		of[i] = -1
	}
	for i := range by {
		by[i] = -1
	}
	var place func(i int, tried []bool) bool
	place = func(i int, tried []bool) bool {
		for w := range wanted {
			if tried[w] || len(got[i].compare(wanted[w])) > 0 {
				continue
			}
			tried[w] = true
			if by[w] < 0 || place(by[w], tried) {
				of[i], by[w] = w, i
				return true
			}
		}
		return false
	}
	for i := range got {
		place(i, make([]bool, len(wanted)))
	}
	return of
}

func unmatched(of []int, n int) []int {
	var free []int
	for w := range n {
		if !slices.Contains(of, w) {
			free = append(free, w)
		}
	}
	return free
}

// compare returns what is wrong with one call.
func (f Frame) compare(w Wish) []Problem {
	if f.Name != w.Name {
		return []Problem{{Kind: WrongName, Call: f.Name}}
	}
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(w.Params)) {
		v, there := f.Params[name]
		switch {
		case !there && !w.Params[name].optional():
			problems = append(problems, Problem{Missing, f.Name, name, nil})
		case there:
			if kind := w.Params[name].verdict(v); kind != "" {
				problems = append(problems, Problem{kind, f.Name, name, v})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Params)) {
		if _, wished := w.Params[name]; !wished {
			problems = append(problems, Problem{Unexpected, f.Name, name, f.Params[name]})
		}
	}
	return problems
}

// verdict returns what is wrong with a value, or "".
func (a Allowed) verdict(v any) Kind {
	typed := false
	for _, want := range a {
		if want == any("") {
			continue
		}
		if shape(want) == shape(v) {
			typed = true
			if plain(want) == plain(v) {
				return ""
			}
		}
	}
	if typed {
		return WrongValue
	}
	return WrongType
}

// shape is the type of a value as far as it matters: an integer will do for a number.
func shape(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case int, float64:
		return "number"
	case []string, []any:
		return "list"
	}
	return "other"
}

// plain is the form in which equal values are equal.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return strings.Map(significant, strings.ToLower(v))
	case int:
		return fmt.Sprint(float64(v))
	case float64:
		return fmt.Sprint(v)
	case []string:
		return plainSet(v)
	case []any:
		list := make([]string, len(v))
		for i, e := range v {
			list[i] = fmt.Sprint(e)
		}
		return plainSet(list)
	}
	return fmt.Sprint(v)
}

// significant drops the characters that do not matter in a string.
func significant(r rune) rune {
	if strings.ContainsRune(" ,./-_*^", r) {
		return -1
	}
	return r
}

func plainSet(list []string) string {
	set := make([]string, len(list))
	for i, e := range list {
		set[i] = plain(e)
	}
	slices.Sort(set)
	return strings.Join(slices.Compact(set), "\x00")
}

// Tally counts one parameter over many calls.
type Tally struct {
	TruePositive  int `json:"true_positive"`
	FalsePositive int `json:"false_positive"` // there and wrong, or not wished
	FalseNegative int `json:"false_negative"` // wished, and absent or wrong
}

// F1 returns the harmonic mean of precision and recall, 1 where there was nothing to find
// and nothing was found.
func (t Tally) F1() float64 {
	if t == (Tally{}) {
		return 1
	}
	return 2 * float64(t.TruePositive) / float64(2*t.TruePositive+t.FalsePositive+t.FalseNegative)
}

// Count adds one call and its wish to the tallies, by parameter.
func Count(tallies map[string]Tally, f Frame, w Wish) {
	for name, v := range f.Params {
		t := tallies[name]
		if allowed, wished := w.Params[name]; wished && allowed.verdict(v) == "" {
			t.TruePositive++
		} else {
			t.FalsePositive++
			if wished && !allowed.optional() {
				t.FalseNegative++
			}
		}
		tallies[name] = t
	}
	for name, allowed := range w.Params {
		if _, there := f.Params[name]; !there && !allowed.optional() {
			t := tallies[name]
			t.FalseNegative++
			tallies[name] = t
		}
	}
}
