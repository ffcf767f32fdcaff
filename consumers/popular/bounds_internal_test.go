package popular

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/schemas"
)

// Whatever is asked, wherever and for however long, no more texts are tracked than the
// settings say.
func TestTextsAreBounded(t *testing.T) {
	cfg := Config{Capacity: 10, Markets: 3, MinClients: 1, Window: 4 * time.Hour, Step: time.Hour, Searches: 10}
	c, err := New(cfg, strings.ToLower, nil)
	if err != nil {
		t.Fatal(err)
	}
	begin, most := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 0
	for i := range 20_000 {
		c.Query(schemas.PublicQuery{
			CorrelationID: fmt.Sprint(i), Text: fmt.Sprint("text ", i), Market: fmt.Sprint("M", i%7), ClientID: "c",
		}, begin.Add(time.Duration(i)*2*time.Second))
		texts, markets := 0, 0
		for _, s := range c.steps {
			texts += len(s.rest.byText)
			markets = max(markets, len(s.markets))
			for _, m := range s.placed {
				texts += len(m.own.byText)
			}
		}
		if texts > cfg.MaxTexts() || markets > maxNames || len(c.steps) > 5 || c.recent.Len() > cfg.Searches {
			t.Fatalf("%d texts of %d markets in %d steps", texts, markets, len(c.steps))
		}
		most = max(most, texts)
	}
	if most < cfg.MaxTexts()*9/10 {
		t.Errorf("%d texts of %d: nothing was tested", most, cfg.MaxTexts())
	}
}

// A summary that others were folded into keeps the bounds of a single one.
func TestFoldKeepsTheBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		capacity := rapid.IntRange(1, 6).Draw(rt, "capacity")
		truth, total := map[string]int{}, 0
		all := newSummary(capacity)
		for _, texts := range rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 9), 0, 60), 1, 4).Draw(rt, "summaries") {
			one := newSummary(capacity)
			for _, n := range texts {
				text := fmt.Sprint(n * n / 9) // some more often than others
				one.add(text, 1).searches++
				one.searches++
				truth[text]++
				total++
			}
			all.fold(one, 1)
		}
		if all.searches != total || all.bound()*capacity > total {
			rt.Fatalf("%d searches of %d, bound %d", all.searches, total, all.bound())
		}
		for text, n := range truth {
			e, ok := all.byText[text]
			if !ok && n > all.bound() || ok && (e.searches > n || e.count+all.slack < n || e.count-all.least() > e.searches) {
				rt.Fatalf("%s was asked %d times: %+v, bound %d", text, n, e, all.bound())
			}
		}
	})
}

// Names without end take no memory: the searches of those that are not told apart count in
// the rest.
func TestNamesAreBounded(t *testing.T) {
	s := newStep(10)
	cfg := Config{Capacity: 10, Markets: 2, MinClients: 1}
	for i := range maxNames + 50 {
		s.of(fmt.Sprint("M", i), cfg)
	}
	if len(s.markets) != maxNames || s.unnamed != 50 {
		t.Errorf("%d markets, %d searches of others", len(s.markets), s.unnamed)
	}
}

// Two markets that take turns do not take each other's place each time.
func TestPlacesAreSticky(t *testing.T) {
	s, changes := newStep(10), 0
	cfg := Config{Capacity: 10, Markets: 1, MinClients: 1}
	var last *market
	for i := range 10_000 {
		s.of(fmt.Sprint("M", i/10%2), cfg).searches++
		if s.placed[0] != last {
			changes++
			last = s.placed[0]
		}
	}
	if changes > 10 {
		t.Errorf("%d changes", changes)
	}
}
