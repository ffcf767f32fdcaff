package judge_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/judge"
)

func TestCard(t *testing.T) {
	for _, tc := range []struct {
		b    judge.Behaviour
		want string
	}{
		{judge.Behaviour{}, ""},
		{judge.Behaviour{Shown: 19, Clicked: 19}, ""},
		{judge.Behaviour{Shown: 20}, "shown over 20 times: 0 % clicked, 0 % streamed"},
		{judge.Behaviour{Shown: 1999, Clicked: 280, Streamed: 101}, "shown over 1000 times: 15 % clicked, 5 % streamed"},
		{judge.Behaviour{Shown: 100, Clicked: 10, Streamed: 11}, "shown over 100 times: 10 % clicked, 10 % streamed"},
		{judge.Behaviour{Shown: 50, Clicked: 70, Streamed: -1}, "shown over 50 times: 100 % clicked, 0 % streamed"},
	} {
		if got := tc.b.Card(); got != tc.want {
			t.Errorf("%+v: %q", tc.b, got)
		}
	}
	// One more click does not judge a page anew.
	if a, b := (judge.Behaviour{Shown: 5200, Clicked: 700}), (judge.Behaviour{Shown: 5210, Clicked: 701}); a.Card() != b.Card() {
		t.Errorf("%q, %q", a.Card(), b.Card())
	}
}

func TestWithCards(t *testing.T) {
	plain := subject(1).Page
	before := asJSON(t, plain)
	got := judge.WithCards(plain, map[string]judge.Behaviour{"album:2": {Shown: 40, Clicked: 20}})
	items := got.Sections[0].Items
	if items[0].Card != "" || items[1].Card == "" || asJSON(t, plain) != before {
		t.Errorf("%+v, the page before is %s", items, asJSON(t, plain))
	}
}
