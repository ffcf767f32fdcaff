package testset_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/evaluation/frames"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// example is a case that nothing is wrong with.
func example() testset.Case {
	return testset.Case{
		ID: "a-1", Query: "acts near Interpol", UseCase: testset.SimilarArtists, Market: "GB", AsOf: "2025-06-28",
		Profile: &testset.Profile{ID: "ada", Features: map[string]string{"languages": "en"}, Likes: []string{"Pulp"}},
		Split:   testset.Test, Cluster: "acts near <name>", Origin: testset.Written,
		Gold:  []testset.Gold{{Route: "similar_artists", Params: map[string]frames.Allowed{"artist": {"Interpol"}, "genre": {"post-punk", ""}}}, {Route: "search"}},
		Needs: &testset.Needs{Seed: "Interpol", Genres: []string{"post-punk"}, Also: []testset.Needs{{Artist: "Pulp", WithinWeeks: 4}}},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	want := []testset.Case{example(), {ID: "b", Query: "<AC/DC> & co", UseCase: testset.Unlabelled, Market: "US", Split: testset.Train, Cluster: "b", Origin: testset.FromLogs, Stratum: testset.Tail}}
	var file bytes.Buffer
	if err := testset.Write(&file, want); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(file.String(), `{"format":"pfr-testset","version":1}`+"\n") || !strings.Contains(file.String(), "<AC/DC> & co") {
		t.Errorf("got %s", file.String())
	}
	got, err := testset.Read(&file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

const head = `{"format":"pfr-testset","version":1}` + "\n"

func TestReadNamesEveryBadLine(t *testing.T) {
	good := `{"id":"x","query":"q","use_case":"navigational","market":"US","split":"test","cluster":"c","origin":"written","of a later day":1}`
	apart := strings.NewReplacer(`"x"`, `"y"`, `"test"`, `"train"`).Replace(good)
	cs, err := testset.Read(strings.NewReader(head + good + "\n\n{\n" + strings.Replace(good, "navigational", "dancing", 1) + "\n" + good + "\n" + apart))
	if len(cs) != 3 {
		t.Errorf("%d cases are good by themselves, want 3", len(cs))
	}
	for _, want := range []string{"line 4: ", "line 5: case x: use_case \"dancing\"", "case x: its id is there twice", `case y: cluster "c" is in test and in train`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestReadRefusesWhatIsNoTestSet(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"no header":     `{"id":"x"}`,
		"another":       `{"format":"csv","version":1}`,
		"a later one":   `{"format":"pfr-testset","version":2}`,
		"no version":    `{"format":"pfr-testset"}`,
		"not even JSON": "query\troute",
	} {
		if _, err := testset.Read(strings.NewReader(text)); !errors.Is(err, testset.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateSaysEverythingThatIsWrong(t *testing.T) {
	for want, spoil := range map[string]func(*testset.Case){
		"id: is empty":           func(c *testset.Case) { c.ID = "" },
		"query: is empty":        func(c *testset.Case) { c.Query = " " },
		`use_case "x"`:           func(c *testset.Case) { c.UseCase = "x" },
		`market "usa"`:           func(c *testset.Case) { c.Market = "usa" },
		`as_of "today"`:          func(c *testset.Case) { c.AsOf = "today" },
		`split "half"`:           func(c *testset.Case) { c.Split = "half" },
		"cluster: is empty":      func(c *testset.Case) { c.Cluster = "" },
		`origin "thin air"`:      func(c *testset.Case) { c.Origin = "thin air" },
		"profile: its id":        func(c *testset.Case) { c.Profile.ID = "" },
		"gold 2: route is empty": func(c *testset.Case) { c.Gold[1].Route = "" },
		"needs: say nothing":     func(c *testset.Case) { c.Needs = &testset.Needs{MinArtists: 2} },
		"from_year 1990 is after": func(c *testset.Case) {
			c.Needs.FromYear, c.Needs.ToYear = 1990, 1980
		},
		"within_weeks -1":         func(c *testset.Case) { c.Needs.WithinWeeks = -1 },
		"needs.also 1: say":       func(c *testset.Case) { c.Needs.Also[0] = testset.Needs{} },
		"also 1: wishes do not n": func(c *testset.Case) { c.Needs.Also[0].Also = []testset.Needs{{Artist: "x"}} },
	} {
		c := example()
		spoil(&c)
		c2 := c
		c2.Market = ""
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
		if err := c2.Validate(); err == nil || !strings.Contains(err.Error(), "market") || !strings.Contains(err.Error(), want) && want != `market "usa"` {
			t.Errorf("%v does not say both", err)
		}
	}
	if err := example().Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateLooksAtCasesTogether(t *testing.T) {
	a, b, c := example(), example(), example()
	c.ID, c.Split = "c", testset.Train
	err := testset.Validate([]testset.Case{a, b, c})
	for _, want := range []string{"case a-1: its id is there twice", `case c: cluster "acts near <name>" is in test and in train`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		route  string
		params map[string]any
		reason string // "" if it is accepted
	}{
		"as wished":               {"similar_artists", map[string]any{"artist": "interpol"}, ""},
		"with what may be":        {"similar_artists", map[string]any{"artist": "Interpol", "genre": "Post Punk"}, ""},
		"the second best":         {"search", map[string]any{"text": "whatever"}, ""},
		"another route":           {"out_of_scope", nil, "route out_of_scope does not suit"},
		"another artist":          {"similar_artists", map[string]any{"artist": "Blur"}, "value_error: similar_artists.artist = Blur"},
		"one parameter too many":  {"similar_artists", map[string]any{"artist": "Interpol", "mood": "sad"}, "unexpected_param: similar_artists.mood = sad"},
		"without what is wanted":  {"similar_artists", map[string]any{}, "missing_required: similar_artists.artist = <nil>"},
		"of another type besides": {"similar_artists", map[string]any{"artist": 5}, "type_error: similar_artists.artist = 5"},
	} {
		ok, reason := example().Accepts(c.route, c.params)
		if ok != (c.reason == "") || reason != c.reason {
			t.Errorf("%s: %v, %q", name, ok, reason)
		}
	}
	if ok, reason := (testset.Case{}).Accepts("search", nil); ok || reason != "the case has no gold" {
		t.Errorf("without gold: %v, %q", ok, reason)
	}
}

func TestNormalise(t *testing.T) {
	for text, want := range map[string]string{
		"  Sigur Rós,\tLIVE! ": "sigur ros live",
		"don't":                "dont",
		"AC/DC":                "ac dc",
		"Straße":               "strasse",
		"ＦＵＬＬ　width":           "full width",
		"!!!":                  "!!!",
		"¥$ ":                  "¥$",
		"日本語 ラジオ":              "日本語 ラシオ",
		"":                     "",
	} {
		if got := testset.Normalise(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		once := testset.Normalise(rapid.String().Draw(t, "text"))
		if twice := testset.Normalise(once); twice != once {
			t.Fatalf("%q becomes %q", once, twice)
		}
	})
}
