package app

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// crowd asks queries, each under a correlation id of its own.
type crowd struct {
	t *testing.T
	s *suggester
	n int
}

func newCrowd(t *testing.T, examples ...string) *crowd {
	t.Helper()
	s, err := newSuggester(examples)
	if err != nil {
		t.Fatal(err)
	}
	return &crowd{t: t, s: s}
}

func (c *crowd) ask(market, text string, clients ...string) {
	c.t.Helper()
	for _, client := range clients {
		c.n++
		q := schemas.PublicQuery{CorrelationID: fmt.Sprint("q", c.n), Text: text, Market: market, ClientID: client}
		c.s.counter.Query(q, time.Now())
	}
}

// suggested is what is suggested for a prefix, popular queries with a star.
func (c *crowd) suggested(market, prefix string, n int) string {
	var out []string
	for _, s := range c.s.Suggest(prefix, market, n) {
		mark := map[gateway.SuggestionSource]string{gateway.SuggestPopular: "*"}[s.Source]
		out = append(out, s.Query+mark)
	}
	return strings.Join(out, ", ")
}

func TestSuggestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, "Blue in Green", "jazz for a rainy day", "jazz piano")
		c.ask("US", "JAZZ  Piano", "a", "b", "c", "d")
		c.ask("US", "jazz guitar", "a", "b", "c")
		c.ask("US", "modern jazz", "a", "b", "c")
		c.ask("US", "jazz for two", "a", "b", "a", "b", "a") // two people, often
		c.ask("US", "jazz for one")
		c.ask("DE", "jazz in berlin", "a", "b", "c")
		for _, q := range []struct {
			market, prefix string
			n              int
			want           string
		}{
			{"US", "jazz", 9, "jazz piano*, jazz guitar*, jazz for a rainy day, modern jazz*"},
			{"US", "  JAZZ G", 9, "jazz guitar*"},
			{"US", "jazz", 1, "jazz piano*"},
			{"US", "jazz guitar", 9, ""},
			{"US", "", 2, "jazz piano*, jazz guitar*"},
			{"US", "gre", 9, "Blue in Green"},
			{"US", "azz", 9, ""},
			{"DE", "jazz", 9, "jazz in berlin*, jazz for a rainy day, jazz piano"},
			{"GB", "jazz", 9, "jazz for a rainy day, jazz piano"},
		} {
			if got := c.suggested(q.market, q.prefix, q.n); got != q.want {
				t.Errorf("%q in %s: %s; want %s", q.prefix, q.market, got, q.want)
			}
		}
		c.ask("US", "jazz for two", "c")
		time.Sleep(suggestEvery)
		if got := c.suggested("US", "jazz for t", 9); got != "jazz for two*" {
			t.Errorf("once a third has asked: %q", got)
		}
	})
}

// Invented markets take no memory and no market's place once there are enough of them.
func TestSuggestionsAreBounded(t *testing.T) {
	c := newCrowd(t)
	c.ask("US", "jazz", "a", "b", "c")
	for i := range 26 * 26 {
		c.ask(string([]byte{'A' + byte(i/26), 'A' + byte(i%26)}), "noise", "a", "b", "c")
	}
	if n := len(c.s.counter.Markets(time.Now(), suggestWindow)); n != suggestMarkets {
		t.Errorf("%d markets", n)
	}
	if got := c.suggested("US", "ja", 9); got != "jazz*" {
		t.Errorf("suggested %q", got)
	}
	c.ask("ZZ", "zydeco", "a", "b", "c")
	if got := c.suggested("ZY", "zy", 9); got != "zydeco*" {
		t.Errorf("in the markets that are counted together: %q", got)
	}
}

// Queries come while suggestions are made.
func TestSuggestionsAreSafeToUseAtOnce(t *testing.T) {
	c := newCrowd(t, "jazz piano")
	var all sync.WaitGroup
	defer all.Wait()
	for i := range 4 {
		all.Go(func() {
			for n := range 200 {
				q := schemas.PublicQuery{CorrelationID: fmt.Sprint(i, n), Text: fmt.Sprint("jazz ", n), Market: "US", ClientID: fmt.Sprint(i)}
				c.s.counter.Query(q, time.Now())
				_ = c.s.Suggest("jazz", "US", 5)
			}
		})
	}
}
