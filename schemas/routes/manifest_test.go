package routes_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

func music(t testing.TB) *routes.Manifest {
	t.Helper()
	m, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMusicRoutes(t *testing.T) {
	want := "search similar_artists new_releases personalized_recs podcast_recs podcast_episodes out_of_scope"
	if got := strings.Join(music(t).Names(), " "); got != want {
		t.Errorf("routes: %s", got)
	}
}

// The two worked examples of the design, from parameters to calls.
func TestDecideWorkedExamples(t *testing.T) {
	m := music(t)
	recs, _ := m.Route("personalized_recs")
	d := m.Decide(recs, schemas.Params{
		"genre": "indie rock", "entity_types": []string{"album", "track", "album"}, "max_weeks_from_release": 4, "colour": "blue",
	}, "new indie rock releases")
	checkParams(t, d.Params, `{"entity_types":["track","album"],"genre":"indie rock","max_weeks_from_release":4}`)

	releases, _ := m.Route("new_releases")
	d = m.Decide(releases, schemas.Params{"artist": "Lady Gaga"}, "latest albums by lady gaga")
	var sections []string
	calls, resorts := d.SetAside()
	for _, c := range calls {
		sections = append(sections, c.Section+" ("+c.Tool+")")
	}
	if len(resorts) != 1 || resorts[0].Tool != "search" || resorts[0].Section != "results" {
		t.Errorf("last resorts: %+v", resorts)
	}
	want := "latest_releases (new_releases), release_date (release_info), recent_tracks (search)"
	if got := strings.Join(sections, ", "); got != want {
		t.Errorf("sections: %s", got)
	}
	checkParams(t, d.Calls[2].Params, `{"entity_types":["track"],"text":"Lady Gaga"}`)
}

// Every route comes to a plain search for what was typed, if as its last resort.
func TestEveryRouteSearchesAtLast(t *testing.T) {
	m := music(t)
	for _, r := range m.Routes {
		const query = "anything at all"
		d := m.Decide(r, nil, query)
		if !slices.ContainsFunc(d.Calls, func(c schemas.Call) bool {
			return c.Tool == "search" && len(c.Params) == 1 && c.Params["text"] == query
		}) {
			t.Errorf("route %s: a page without anything stays empty", r.Name)
		}
	}
}

// A template falls back to the text of the query when the parameter is not known.
func TestDecideFallsBackToQuery(t *testing.T) {
	m := music(t)
	similar, _ := m.Route("similar_artists")
	d := m.Decide(similar, nil, "bands like xyzzy")
	checkParams(t, d.Calls[0].Params, `{"artist":"bands like xyzzy"}`)
}

func checkParams(t *testing.T, p schemas.Params, want string) {
	t.Helper()
	if got := marshal(t, p); got != want {
		t.Errorf("params:\n got %s\nwant %s", got, want)
	}
}

func TestCanonicalIsIdempotent(t *testing.T) {
	m := music(t)
	values := rapid.OneOf(
		rapid.Map(rapid.StringMatching(`[ a-zé]{0,12}`), func(s string) any { return s }),
		rapid.Map(rapid.IntRange(-10, 3000), func(n int) any { return n }),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"track", "album", "show", "car"}), 0, 5), func(l []string) any { return l }),
	)
	rapid.Check(t, func(rt *rapid.T) {
		route := rapid.SampledFrom(m.Routes).Draw(rt, "route")
		raw := schemas.Params{}
		for _, name := range route.Parameters {
			raw[name] = values.Draw(rt, name)
		}
		once := m.Canonical(route, raw)
		if err := once.Validate(); err != nil {
			rt.Fatal(err)
		}
		if a, b := marshal(t, once), marshal(t, m.Canonical(route, once)); a != b {
			rt.Fatalf("once %s, twice %s", a, b)
		}
	})
}

func TestVersionIsContentHash(t *testing.T) {
	data := readFile(t, "testdata/shop.yaml")
	a, err := routes.Parse("shop.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	b, err := routes.Parse("shop.yaml", append(data, "# one more line\n"...))
	if err != nil {
		t.Fatal(err)
	}
	if a.Version == b.Version || len(a.Version) != 12 {
		t.Errorf("versions %q and %q", a.Version, b.Version)
	}
}

// Every testdata/bad/*.yaml comes with the whole list of problems that it must cause.
func TestParseReportsEveryProblem(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			_, err := routes.Parse(filepath.Base(f), readFile(t, f))
			if err == nil {
				t.Fatal("accepted")
			}
			golden := strings.TrimSuffix(f, ".yaml") + ".txt"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(readFile(t, golden)); err.Error()+"\n" != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
}
