package rules_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/rules"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

var (
	_ judge.Absolute = (*rules.Judge)(nil)
	_ judge.Pairwise = (*rules.Judge)(nil)
)

// tree is a small world of genres: what each is part of.
type tree map[string]string

func (t tree) Within(genre, ancestor string) bool {
	for ; genre != ""; genre = t[genre] {
		if genre == ancestor {
			return true
		}
	}
	return false
}

var genres = tree{"shoegaze": "rock", "post-punk": "rock", "doom": "metal", "bebop": "jazz"}

const today = "2025-06-28"

func newJudge(t testing.TB) *rules.Judge {
	t.Helper()
	j, err := rules.New(rules.DefaultConfig(), genres)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// item reads type|title|artist|genre|date; the id is the type and the title.
func item(text string) judge.Item {
	f := append(strings.Split(text, "|"), "", "", "", "")
	it := judge.Item{ID: f[0] + ":" + f[1] + f[2], Type: f[0], Title: f[1], ReleaseDate: f[4]}
	if f[2] != "" {
		it.Artists = []string{f[2]}
	}
	if f[3] != "" {
		it.Genres = []string{f[3]}
	}
	return it
}

// page makes a page of sections of items.
func page(sections ...[]string) judge.Page {
	var p judge.Page
	for i, s := range sections {
		section := judge.Section{Title: "section " + strconv.Itoa(i)}
		for _, text := range s {
			section.Items = append(section.Items, item(text))
		}
		p.Sections = append(p.Sections, section)
	}
	return p
}

func judged(t testing.TB, n testset.Needs, p judge.Page) judge.Judgment {
	t.Helper()
	got, err := newJudge(t).Judge(t.Context(), judge.Subject{Case: testset.Case{ID: "c", Needs: &n}, Today: today, Page: p})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// bands is a section of n artists of a genre.
func bands(n int, genre string) []string {
	var out []string
	for i := range n {
		name := genre + " band " + strconv.Itoa(i)
		out = append(out, "artist|"+name+"|"+name+"|"+genre)
	}
	return out
}

// by is a section of n tracks by an artist.
func by(n int, artist, genre, date string) []string {
	var out []string
	for i := range n {
		out = append(out, "track|song "+strconv.Itoa(i)+"|"+artist+"|"+genre+"|"+date)
	}
	return out
}

func TestVerdicts(t *testing.T) {
	like := testset.Needs{Seed: "The Slow Dives", Genres: []string{"rock"}}
	fresh := testset.Needs{Artist: "Ada", Types: []string{"album"}, WithinWeeks: 8}
	kind := testset.Needs{Genres: []string{"jazz"}, Types: []string{"track", "album", "artist", "playlist"}}
	newKind := testset.Needs{Genres: []string{"rock"}, Types: []string{"album"}, WithinWeeks: 8}
	era := testset.Needs{Genres: []string{"rock"}, FromYear: 1980, ToYear: 1989, Words: []string{"80s"}}
	mood := testset.Needs{Genres: []string{"jazz"}, Avoid: []string{"metal"}, Words: []string{"calm"}}
	for name, c := range map[string]struct {
		needs testset.Needs
		page  judge.Page
		fails judge.Dimension // "" if it passes
	}{
		"similar: others of the genre":      {like, page(bands(6, "shoegaze"), bands(4, "post-punk")), ""},
		"similar: a plain list of them":     {like, page(bands(10, "shoegaze")), ""},
		"similar: the artist itself":        {like, page(by(10, "slow dives", "shoegaze", "")), judge.Relevance},
		"similar: of another kind":          {like, page(bands(10, "bebop")), judge.Relevance},
		"similar: all by one other":         {like, page(by(10, "Ride", "shoegaze", "")), judge.Diversity},
		"similar: one fills most":           {like, page(append(by(6, "Ride", "shoegaze", ""), bands(4, "shoegaze")...)), judge.Diversity},
		"similar: too few":                  {like, page(bands(3, "shoegaze")), judge.Diversity},
		"similar: few are enough if said":   {testset.Needs{Seed: "X", MinArtists: 3}, page(bands(3, "shoegaze")), ""},
		"new: the album leads":              {fresh, page([]string{"album|Now|Ada||2025-06-01", "album|Then|Ada||2019"}, by(5, "Ada", "", "2019")), ""},
		"new: a plain list with it":         {fresh, page(append(by(5, "Ada", "", "2019"), "album|Now|Ada||2025-05-30")), ""},
		"new: nothing is new":               {fresh, page([]string{"album|Then|Ada||2019"}, by(5, "Ada", "", "2019")), judge.Freshness},
		"new: a song is no album":           {fresh, page([]string{"album|Then|Ada||2019"}, by(5, "Ada", "", "2025-06-01")), judge.Freshness},
		"new: no album at all":              {fresh, page(by(5, "Ada", "", "2025-06-01")), judge.Relevance},
		"new: by somebody else":             {fresh, page([]string{"album|Now|Ada||2025-06-01"}, by(5, "Bob", "", "2025-06-01")), judge.Relevance},
		"new: not out yet":                  {fresh, page([]string{"album|Soon|Ada||2025-07-01"}, by(5, "Ada", "", "2019")), judge.Freshness},
		"new: a month may hold the day":     {fresh, page([]string{"album|Now|Ada||2025-05"}), ""},
		"new: a month before":               {fresh, page([]string{"album|Then|Ada||2025-04"}), judge.Freshness},
		"new: the same title again":         {fresh, page([]string{"album|Now|Ada||2025-06-01", "album|now!|Ada||2025-06-01"}), judge.Diversity},
		"kind: of it":                       {kind, page(bands(6, "bebop"), bands(6, "jazz")), ""},
		"kind: half of it":                  {kind, page(bands(5, "bebop"), bands(5, "rock")), ""},
		"kind: less than half":              {kind, page(bands(4, "bebop"), bands(6, "rock")), judge.Relevance},
		"kind: of another type":             {kind, page([]string{"show|a||jazz", "show|b||jazz", "show|c||jazz", "show|d||jazz"}), judge.Relevance},
		"kind: nothing":                     {kind, page(), judge.Relevance},
		"kind: what comes late":             {kind, page(append(bands(10, "rock"), bands(10, "jazz")...)), judge.Relevance},
		"kind: a shelf does not hide":       {kind, page(bands(20, "jazz"), bands(20, "rock")), ""},
		"new: one of several is":            {testset.Needs{Artist: "Ada", WithinWeeks: 8}, page(append(by(5, "Ada", "", "2019"), "track|Now|Ada||2025-06-01")), ""},
		"kind: on the second shelf":         {kind, page(bands(10, "rock"), bands(10, "jazz")), ""},
		"new of a kind: new":                {newKind, page([]string{"album|a|A|shoegaze|2025-06-01", "album|b|B|rock|2025-06-10", "album|c|C|rock|2025-06", "album|d|D|rock|2025"}), ""},
		"new of a kind: old":                {newKind, page([]string{"album|a|A|rock|2025-06-01", "album|b|B|rock|2020", "album|c|C|rock|2020", "album|d|D|rock|2020"}), judge.Freshness},
		"era: of it":                        {era, page([]string{"track|a|A|rock|1980", "track|b|B|rock|1989-12-31", "track|c|C|post-punk|1985-03", "playlist|Best of the 80s"}), ""},
		"era: of another":                   {era, page([]string{"track|a|A|rock|1979", "track|b|B|rock|1990", "artist|C|C|rock", "playlist|80s kids"}), judge.Relevance},
		"mood: of what suits":               {mood, page(bands(4, "jazz")), ""},
		"mood: a playlist that says it":     {mood, page(append(bands(2, "jazz"), "playlist|Calm hours", "playlist|so calm")), ""},
		"mood: a song that says it":         {mood, page([]string{"track|Calm|A|rock", "track|calm|B|rock", "track|Calm!|C|rock", "track|calm|D|rock"}), judge.Relevance},
		"mood: of what does not suit":       {mood, page([]string{"playlist|calm||doom", "playlist|calm b||doom", "playlist|calm c||doom", "artist|D|D|jazz"}), judge.Relevance},
		"named: it leads":                   {testset.Needs{Entity: "Kid A", Artist: "Radiohead"}, page([]string{"album|Kid A|Radiohead"}, by(9, "Bob", "rock", "")), ""},
		"named: third":                      {testset.Needs{Entity: "kid a"}, page([]string{"track|x", "track|y", "album|KID A (Live)|Radiohead"}), ""},
		"named: fourth":                     {testset.Needs{Entity: "Kid A"}, page([]string{"track|x", "track|y", "track|z", "album|Kid A|Radiohead"}), judge.Relevance},
		"named: by somebody else":           {testset.Needs{Entity: "Kid A", Artist: "Radiohead"}, page([]string{"album|Kid A|Cover Band"}), judge.Relevance},
		"named: part of a word":             {testset.Needs{Entity: "Air"}, page([]string{"artist|Airbag|Airbag"}), judge.Relevance},
		"several: something for each":       {testset.Needs{Artist: "Ada", Also: []testset.Needs{{Genres: []string{"jazz"}}}}, page(by(3, "Ada", "", ""), bands(1, "jazz")), ""},
		"several: nothing for one":          {testset.Needs{Artist: "Ada", Also: []testset.Needs{{Genres: []string{"jazz"}}}}, page(by(3, "Ada", "", "")), judge.Relevance},
		"several: one of them is not fresh": {testset.Needs{Genres: []string{"jazz"}, Also: []testset.Needs{{Artist: "Ada", WithinWeeks: 4}}}, page(by(3, "Ada", "", "2019"), bands(1, "jazz")), judge.Freshness},
		"nothing: results without a word":   {testset.Needs{Nothing: true}, page(bands(1, "rock")), judge.Relevance},
		"nothing: nothing":                  {testset.Needs{Nothing: true}, page(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := judged(t, c.needs, c.page)
			for _, d := range judge.Dimensions() {
				fails := c.fails != "" && (d == c.fails || d == judge.Overall)
				if also := c.fails == judge.Relevance && d != judge.Relevance && d != judge.Overall; !also && got.Verdicts[d].Pass == fails {
					t.Errorf("%s: %+v", d, got.Verdicts[d])
				}
			}
		})
	}
}

func TestAWordThatItIsNothingToPlayIsEnough(t *testing.T) {
	p := page(bands(3, "rock"))
	p.Notice = "This does not look like something to listen to."
	if got := judged(t, testset.Needs{Nothing: true}, p); !got.Verdicts[judge.Overall].Pass {
		t.Errorf("%+v", got)
	}
}

func TestEvidenceNamesItems(t *testing.T) {
	got := judged(t, testset.Needs{Genres: []string{"jazz"}}, page([]string{"artist|A|A|jazz", "artist|B|B|jazz", "artist|C|C|rock", "artist|D|D|jazz"}))
	if v := got.Verdicts[judge.Relevance]; !slices.Equal(v.Evidence, []string{"artist:AA", "artist:BB", "artist:DD"}) || v.Reason != "3 of 4 items suit" {
		t.Errorf("pass: %+v", v)
	}
	got = judged(t, testset.Needs{Genres: []string{"rock"}}, page([]string{"artist|A|A|jazz", "artist|B|B|jazz", "artist|C|C|rock", "artist|D|D|jazz"}))
	if v := got.Verdicts[judge.Overall]; !slices.Equal(v.Evidence, []string{"artist:AA", "artist:BB", "artist:DD"}) || v.Reason != "relevance: 1 of 4 items suit" {
		t.Errorf("no pass: %+v", v)
	}
}

func TestPrefer(t *testing.T) {
	n := testset.Needs{Genres: []string{"jazz"}}
	good, half, bad := page(bands(10, "jazz")), page(bands(5, "jazz"), bands(5, "rock")), page(bands(10, "rock"))
	for name, c := range map[string]struct {
		first, second judge.Page
		want          judge.Choice
	}{
		"better":            {good, bad, judge.First},
		"worse":             {bad, good, judge.Second},
		"both pass":         {good, half, judge.First},
		"equal":             {good, page(bands(5, "bebop"), bands(5, "jazz")), judge.Tie},
		"both good for nil": {bad, page(bands(9, "rock")), judge.Tie},
		"nothing at all":    {page(), page(), judge.Tie},
	} {
		subject := func(p judge.Page) judge.Subject {
			return judge.Subject{Case: testset.Case{Needs: &n}, Today: today, Page: p}
		}
		got, err := newJudge(t).Prefer(t.Context(), subject(c.first), subject(c.second))
		if err != nil || got.Choice != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestErrors(t *testing.T) {
	j := newJudge(t)
	if _, err := j.Judge(t.Context(), judge.Subject{Today: today}); !errors.Is(err, rules.ErrNoNeeds) {
		t.Error(err)
	}
	if _, err := j.Judge(t.Context(), judge.Subject{Case: testset.Case{Needs: &testset.Needs{}}, Today: "now"}); err == nil || !strings.Contains(err.Error(), "today") {
		t.Error(err)
	}
	if _, err := j.Prefer(t.Context(), judge.Subject{}, judge.Subject{}); !errors.Is(err, rules.ErrNoNeeds) {
		t.Error(err)
	}
	_, err := rules.New(rules.Config{MinFit: 2, Margin: -1}, genres)
	for _, want := range []string{"shown 0", "per_section 0", "lead 0", "each 0", "min_makers 0", "min_fit 2", "min_new 0", "max_share 0", "margin -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// The id changes with every threshold.
func TestIDNamesTheThresholds(t *testing.T) {
	ids := map[string]bool{newJudge(t).ID(): true}
	for _, change := range []func(*rules.Config){
		func(c *rules.Config) { c.Shown++ }, func(c *rules.Config) { c.PerSection++ }, func(c *rules.Config) { c.Lead++ },
		func(c *rules.Config) { c.Each++ }, func(c *rules.Config) { c.MinFit /= 2 }, func(c *rules.Config) { c.MinNew /= 2 },
		func(c *rules.Config) { c.MinMakers++ }, func(c *rules.Config) { c.MaxShare /= 2 }, func(c *rules.Config) { c.Margin /= 2 },
	} {
		cfg := rules.DefaultConfig()
		change(&cfg)
		j, err := rules.New(cfg, genres)
		if err != nil || ids[j.ID()] || !strings.HasPrefix(j.ID(), "rules/1-") {
			t.Errorf("%v, %v", j, err)
		}
		ids[j.ID()] = true
	}
	if one, other := newJudge(t).ID(), newJudge(t).ID(); one != other {
		t.Errorf("equal judges are %s and %s", one, other)
	}
}

// A page that serves the wish is better than one that comes nearer on a single dimension.
func TestAPageThatPassesIsBetter(t *testing.T) {
	n := testset.Needs{Genres: []string{"rock"}, WithinWeeks: 8}
	var passes, stale []string
	for i := range 10 {
		who := "|band " + strconv.Itoa(i)
		passes = append(passes, "album|a"+who+[]string{"|rock|2025-06-01", "|jazz|2025-06-01"}[i%2])
		stale = append(stale, "album|a"+who+"|rock|"+[]string{"2019", "2025-06-01"}[min(1, i/6)])
	}
	subject := func(items []string) judge.Subject {
		return judge.Subject{Case: testset.Case{Needs: &n}, Today: today, Page: page(items)}
	}
	if got, err := newJudge(t).Prefer(t.Context(), subject(passes), subject(stale)); err != nil || got.Choice != judge.First || got.Reason != "scores 1.75 and 0.95" {
		t.Errorf("%+v, %v", got, err)
	}
}

// What is not shown, what sections are called, texts, and the order of the two pages change
// nothing that they should not.
func TestWhatDoesNotMatter(t *testing.T) {
	j := newJudge(t)
	kinds := rapid.SampledFrom([]string{"jazz", "bebop", "rock", "doom"})
	anItem := rapid.Custom(func(t *rapid.T) string {
		n := strconv.Itoa(rapid.IntRange(0, 30).Draw(t, "n"))
		return "track|" + n + "|artist " + n + "|" + kinds.Draw(t, "genre") + "|" + rapid.SampledFrom([]string{"", "2025-06-20", "1999"}).Draw(t, "date")
	})
	somePage := rapid.Map(rapid.SliceOfN(rapid.SliceOfN(anItem, 0, 8), 0, 4), func(s [][]string) judge.Page { return page(s...) })
	someNeeds := rapid.SampledFrom([]testset.Needs{
		{Genres: []string{"jazz"}}, {Genres: []string{"rock"}, WithinWeeks: 4}, {Seed: "artist 3"}, {Artist: "artist 4"}, {Entity: "5"}, {Genres: []string{"jazz"}, Also: []testset.Needs{{Genres: []string{"doom"}}}},
	})
	rapid.Check(t, func(t *rapid.T) {
		n, p, other := someNeeds.Draw(t, "needs"), somePage.Draw(t, "page"), somePage.Draw(t, "other")
		subject := func(p judge.Page) judge.Subject {
			return judge.Subject{Case: testset.Case{Needs: &n}, Today: today, Page: p}
		}
		there, err := j.Prefer(t.Context(), subject(p), subject(other))
		back, err2 := j.Prefer(t.Context(), subject(other), subject(p))
		if err != nil || err2 != nil || judge.Agreed(there.Choice, back.Choice) != there.Choice {
			t.Fatalf("%+v and %+v", there, back)
		}
		dressed := judge.Page{Sections: slices.Clone(p.Sections)}
		for i := range dressed.Sections {
			dressed.Sections[i].Title, dressed.Sections[i].Text = "Made for you", "by the best system"
		}
		if len(p.Sections) > 0 { // a section without items in between
			dressed.Sections = slices.Insert(dressed.Sections, rapid.IntRange(0, len(p.Sections)).Draw(t, "at"), judge.Section{Title: "An answer", Text: "No."})
		}
		if got, err := j.Prefer(t.Context(), subject(p), subject(dressed)); err != nil || got.Choice != judge.Tie {
			t.Fatalf("dressed: %+v, %v", got, err)
		}
		if len(p.Sections) < 3 || len(p.Sections[0].Items) < 5 || len(p.Sections[1].Items) < 5 || repeated(p) {
			return
		}
		late := judge.Page{Sections: slices.Clone(p.Sections)}
		slices.Reverse(late.Sections[2:])
		if got, err := j.Prefer(t.Context(), subject(p), subject(late)); err != nil || got.Choice != judge.Tie {
			t.Fatalf("below the fold: %+v, %v", got, err)
		}
	})
}

// repeated reports whether an item is on a page twice.
func repeated(p judge.Page) bool {
	seen := map[string]bool{}
	for _, s := range p.Sections {
		for _, it := range s.Items {
			if seen[it.ID] {
				return true
			}
			seen[it.ID] = true
		}
	}
	return false
}
