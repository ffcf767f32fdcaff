package outcome

import (
	"fmt"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

func pageOf(platform, market string) *schemas.SERP {
	return &schemas.SERP{Market: market, Route: schemas.RouteSummary{Name: "search"}, Asked: &schemas.Asked{Platform: platform}}
}

func TestClientsCannotMakeAnyNumberOfShapes(t *testing.T) {
	table := newShapes()
	web := table.of(pageOf("web", "SE"))
	for i := range 10_000 {
		table.of(pageOf(fmt.Sprint("p", i), "SE"))
		table.of(pageOf("web", fmt.Sprint("m", i)))
	}
	if n := len(table.byKey); n > maxPlatforms+2 { // and the other platform, and the other market
		t.Errorf("%d shapes", n)
	}
	for i := range 26 * 26 {
		for k := range maxPlatforms {
			table.of(pageOf(fmt.Sprint("p", k), string([]byte{'A' + byte(i/26), 'A' + byte(i%26)})))
		}
	}
	if n := len(table.byKey); n > maxOutsiders+1 {
		t.Errorf("%d shapes of markets and platforms", n)
	}
	if s := table.of(pageOf("web", "SE")); s != web {
		t.Errorf("a shape that is held is another one: %+v", s)
	}
	for name, c := range map[string]struct{ platform, market, wantPlatform, wantMarket string }{
		"new":         {"tv", "SE", Other, "SE"},
		"not said":    {"", "", "", ""},
		"no market":   {"web", "se", "web", Other},
		"too long":    {fmt.Sprintf("%065d", 0), "SE", Other, "SE"},
		"there still": {"p7", "SE", "p7", "SE"},
	} {
		if got := table.heard(pageOf(c.platform, c.market)); got != (said{c.wantPlatform, c.wantMarket}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestPlatformsMakeRoomWhenTheirSearchesLeave(t *testing.T) {
	table := newShapes()
	var junk []*Shape
	for i := range maxPlatforms {
		junk = append(junk, table.of(pageOf(fmt.Sprint("p", i), "SE")))
	}
	also := table.of(pageOf("p0", "NO"))
	if s := table.of(pageOf("tv", "SE")); s.Platform != Other {
		t.Fatalf("%q has a place", s.Platform)
	}
	table.leave(junk[0])
	if s := table.of(pageOf("tv", "SE")); s.Platform != Other {
		t.Fatal("p0 has left a market, not all of them")
	}
	table.leave(also)
	if s := table.of(pageOf("tv", "SE")); s.Platform != "tv" {
		t.Errorf("tv is %q, though there is room", s.Platform)
	}
	restored := newShapes()
	for key := range table.byKey {
		s, err := readShape(key)
		if err != nil {
			t.Fatal(err)
		}
		restored.add(s)
	}
	if len(restored.platforms) != len(table.platforms) {
		t.Errorf("%d platforms after a restart, want %d", len(restored.platforms), len(table.platforms))
	}
}
