package fusion_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// duel is a page with one section, for which two tools are asked.
func duel(t *testing.T, callers tools) (schemas.Section, time.Duration) {
	t.Helper()
	p, took := page(t, callers, func() schemas.RouteDecision {
		d := decision(300*time.Millisecond, "search")
		d.Decision.Calls[0].Limit = 6
		d.Decision.Calls[0].Rival = &schemas.Rival{Tool: "next", Comparison: "search-next"}
		return d
	})
	return p.Sections[0], took
}

func TestDuelShowsBothTeams(t *testing.T) {
	s, took := duel(t, tools{"search": after(10*time.Millisecond, "a", "b", "c", "x"), "next": after(30*time.Millisecond, "x", "d", "e", "f")})
	if took > 100*time.Millisecond || s.Status != schemas.SectionOK || s.Tool != "search" || s.Rival == nil || s.Rival.Comparison != "search-next" {
		t.Fatalf("after %v: %+v", took, s)
	}
	team := map[string]schemas.Team{"track:a": schemas.TeamA, "track:b": schemas.TeamA, "track:c": schemas.TeamA, "track:d": schemas.TeamB, "track:e": schemas.TeamB}
	n := map[schemas.Team]int{}
	for i, it := range s.Items {
		n[it.Team]++
		if want, ok := team[it.ID]; ok && it.Team != want {
			t.Errorf("%d %s is of team %q", i, it.ID, it.Team)
		}
	}
	if len(s.Items) != 6 || n[schemas.TeamA] != 3 || n[schemas.TeamB] != 3 {
		t.Errorf("items %+v", s.Items)
	}
}

// A rival that is away, slow or empty costs nothing but the comparison, and neither does the
// tool itself.
func TestDuelNeverHarms(t *testing.T) {
	good := after(10*time.Millisecond, "a", "b")
	for name, c := range map[string]struct {
		callers tools
		want    string
	}{
		"the rival is away":     {tools{"search": good}, "ok track:a track:b"},
		"the rival fails":       {tools{"search": good, "next": fails(errors.New("broken"))}, "ok track:a track:b"},
		"the rival hangs":       {tools{"search": good, "next": after(time.Hour)}, "ok track:a track:b"},
		"the rival is empty":    {tools{"search": good, "next": after(time.Millisecond)}, "ok track:a track:b"},
		"the tool is away":      {tools{"next": good}, "ok track:a track:b"},
		"neither is there":      {tools{}, "no_responder"},
		"neither finds a thing": {tools{"search": after(time.Millisecond), "next": after(time.Millisecond)}, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			s, took := duel(t, c.callers)
			got := []string{string(s.Status)}
			for _, it := range s.Items {
				got = append(got, it.ID)
				if it.Team != "" {
					t.Errorf("%s is of team %s, of one", it.ID, it.Team)
				}
			}
			if strings.Join(got, " ") != c.want || s.Rival != nil || took > 310*time.Millisecond {
				t.Errorf("%s after %v, rival %v; want %s", strings.Join(got, " "), took, s.Rival, c.want)
			}
		})
	}
}
