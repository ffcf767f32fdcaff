package taxonomy_test

import (
	"slices"
	"testing"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taxonomy"
)

func load(tb testing.TB) *taxonomy.Taxonomy {
	tb.Helper()
	t, err := taxonomy.Load()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestGenreNames(t *testing.T) {
	genres := load(t).Genres
	for in, want := range map[string]string{
		"Hip-Hop": "hip hop", "hiphop": "hip hop", "rap": "rap", "rap music": "hip hop", "rnb": "r&b", "R&B": "r&b", "EDM": "edm", "lofi": "lo-fi",
		"indie rock songs": "indie rock", "drum & bass": "drum and bass", "dnb": "drum and bass", "kpop": "k-pop", "indie": "indie",
		"synthpop": "synth-pop", "movie music": "film score", "zydeco": "", "": "", "music": "", "punk rock": "punk",
	} {
		if got := genres.Term(in); got != want {
			t.Errorf("Term(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestGenresHoldTheirSubGenres(t *testing.T) {
	genres := load(t).Genres
	for _, c := range []struct {
		wanted, term string
		steps        int
		ok           bool
	}{
		{"rock", "indie rock", 1, true},
		{"rock", "rock", 0, true},
		{"rock", "pop punk", 2, true},
		{"electronic", "deep house", 2, true},
		{"hip hop", "drill", 1, true},
		{"indie rock", "rock", 0, false},
		{"jazz", "metal", 0, false},
		{"zydeco", "zydeco", 0, true},
		{"latin", "reggaeton", 1, true},
		{"world", "afrobeats", 2, true},
		{"", "rock", 0, false},
	} {
		steps, ok := genres.Distance(c.wanted, c.term)
		if ok != c.ok || ok && steps != c.steps {
			t.Errorf("%s holds %s: %d steps, %v; want %d, %v", c.wanted, c.term, steps, ok, c.steps, c.ok)
		}
	}
}

func TestTopicsInAText(t *testing.T) {
	topics := load(t).Topics
	for in, want := range map[string][]string{
		"true crime podcasts": {"true crime"}, "machine learning and ai": {"artificial intelligence"}, "learn english": {"english learning"},
		"something about roman history": {"history"}, "nothing of the kind": nil, "": nil,
	} {
		if got := topics.In(in); !slices.Equal(got, want) {
			t.Errorf("topics in %q: %q, want %q", in, got, want)
		}
	}
}

func TestMoodsAndActivities(t *testing.T) {
	tax := load(t)
	for in, want := range map[string]string{"Upbeat": "energetic", "sad": "sad", "love songs": "romantic", "purple": ""} {
		if got := tax.Mood(in); got != want {
			t.Errorf("mood %q = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"gym": "workout", "Road Trip": "road trip", "coding": "focus", "skydiving": ""} {
		got := ""
		if a, ok := tax.Activity(in); ok {
			got = a.Name
		}
		if got != want {
			t.Errorf("activity %q = %q, want %q", in, got, want)
		}
	}
}

// Every word that the sample and the files themselves use must be one that wishes can name.
func TestWordsInUseAreKnown(t *testing.T) {
	tax := load(t)
	c, err := catalog.Sample()
	if err != nil {
		t.Fatal(err)
	}
	unknown := map[string]bool{}
	check := func(kind string, words []string, known func(string) bool) {
		for _, w := range words {
			if !known(w) {
				unknown[kind+" "+w] = true
			}
		}
	}
	genre := func(s string) bool { return tax.Genres.Term(s) != "" }
	mood := func(s string) bool { return tax.Mood(s) == s }
	activity := func(s string) bool { _, ok := tax.Activity(s); return ok }
	for a := range c.Artists() {
		check("genre", a.Genres(), genre)
		check("mood", a.Moods(), mood)
		for _, m := range a.Moods() {
			check("close mood", tax.Close(m), mood)
		}
	}
	for p := range c.Playlists() {
		check("genre", p.Genres(), genre)
		check("mood", p.Moods(), mood)
		check("activity", p.Activities(), activity)
		for _, name := range p.Activities() {
			if a, ok := tax.Activity(name); ok {
				check("mood of "+name, a.Moods, mood)
				check("genre of "+name, slices.Concat(a.Genres, a.Avoid), genre)
			}
		}
	}
	for s := range c.Shows() {
		check("topic", s.Topics(), func(s string) bool { return tax.Topics.Term(s) != "" })
	}
	for w := range unknown {
		t.Errorf("not known: %s", w)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		load(b)
	}
}
