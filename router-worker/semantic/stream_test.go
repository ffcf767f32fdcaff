package semantic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/router-worker/semantic"
	"github.com/parallel-fusion/pfr/schemas"
)

// invented returns n names that nobody bears, some of them close to each other.
func invented(n int) []string {
	rng := rand.New(rand.NewPCG(1, 2))
	syllables := strings.Fields("ka lo mi ra tu ven dor shi bel nor fa gri pol zu ta wen")
	names := make([]string, 0, n)
	seen := map[string]bool{}
	for len(names) < n {
		var b strings.Builder
		for range 2 + rng.IntN(2) {
			b.WriteString(syllables[rng.IntN(len(syllables))])
		}
		if rng.IntN(3) == 0 {
			b.WriteString(" " + syllables[rng.IntN(len(syllables))] + syllables[rng.IntN(len(syllables))])
		}
		if !seen[b.String()] {
			seen[b.String()] = true
			names = append(names, b.String())
		}
	}
	return names
}

// gazetteer finds the names of a list, as whole words, in a text.
func gazetteer(names []string) semantic.Entities {
	known := map[string]bool{}
	for _, n := range names {
		known[n] = true
	}
	return func(text string) []string {
		var found []string
		words := strings.Fields(text)
		for i := 0; i < len(words); i++ {
			if i+1 < len(words) && known[words[i]+" "+words[i+1]] {
				found = append(found, words[i]+" "+words[i+1])
				i++
			} else if known[words[i]] {
				found = append(found, words[i])
			}
		}
		return found
	}
}

// intent is a meaning and the ways to put it.
type intent struct {
	route  string
	params schemas.Params
	ways   []string
}

var (
	moods  = []string{"sad", "happy", "calm", "angry", "dreamy", "romantic"}
	genres = []string{"jazz", "rock", "techno", "folk", "hip hop", "indie rock", "ambient", "salsa"}
	topics = []string{"history", "true crime", "science", "football", "politics", "cooking"}
)

// intents draws meanings at random. What decides is known, since the words come after it.
func intents(rng *rand.Rand, names []string) intent {
	name := names[rng.IntN(len(names))]
	mood, genre, topic := pick(rng, moods...), pick(rng, genres...), pick(rng, topics...)
	decade := 1960 + 10*rng.IntN(6)
	weeks := pick(rng, "4", "8", "12")
	put := func(route string, params schemas.Params, ways ...string) intent { return intent{route, params, ways} }
	switch rng.IntN(8) {
	case 0:
		return put("similar_artists", schemas.Params{"artist": name}, "artists like "+name, "artists similar to "+name, "more artists like "+name, "music like "+name+" please")
	case 1:
		return put("new_releases", schemas.Params{"artist": name}, "latest albums by "+name, "newest albums by "+name, "latest album by "+name, "the latest albums from "+name)
	case 2:
		return put("search", schemas.Params{"artist": name}, "songs by "+name, "the songs by "+name, "songs of "+name, "all songs by "+name)
	case 3:
		return put("personalized_recs", schemas.Params{"genre": genre, "mood": mood}, mood+" "+genre, mood+" "+genre+" music", "some "+mood+" "+genre+" music", "play "+mood+" "+genre)
	case 4:
		return put("personalized_recs", schemas.Params{"genre": genre, "mood_not": mood}, genre+" that is not "+mood, genre+" music that is not "+mood, "play "+genre+" that is not "+mood)
	case 5:
		return put("personalized_recs", schemas.Params{"genre": genre, "era_from": decade}, fmt.Sprintf("%ds %s", decade, genre), fmt.Sprintf("%s from the %ds", genre, decade), fmt.Sprintf("%ds %s music", decade, genre))
	case 6:
		return put("podcast_recs", schemas.Params{"topic": topic}, "podcasts about "+topic, "a podcast about "+topic, "good podcasts about "+topic)
	default:
		return put("new_releases", schemas.Params{"genre": genre, "weeks": weeks}, "new "+genre+" of the last "+weeks+" weeks", "new "+genre+" music of the last "+weeks+" weeks")
	}
}

func pick(rng *rand.Rand, list ...string) string { return list[rng.IntN(len(list))] }

const streamLength = 6000

func replay(t *testing.T, threshold float64, entities semantic.Entities) semantic.Report {
	t.Helper()
	s := newShadow(t, semantic.Config{Entries: 10_000, Threshold: threshold}, entities)
	rng, names := rand.New(rand.NewPCG(3, 4)), invented(400)
	for range streamLength {
		in := intents(rng, names)
		s.Observe(pick(rng, in.ways...), "US", decision(in.route, in.params))
	}
	return s.Report()
}

// The table shows what similarity is worth with the guards of numbers, negation and
// relations alone, and what the guard of entities makes of it, depending on what it knows.
func TestFalseHitRateOfAStream(t *testing.T) {
	names := invented(400)
	all := slices.Concat(names, moods, genres, topics)
	levels := []struct {
		name  string
		known []string
	}{{"nothing", nil}, {"half the names", names[:200]}, {"all names", names}, {"names and vocabulary", all}}
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-10s%-22s%9s%11s%8s%12s%10s%15s\n", "threshold", "known entities", "lookups", "would hit", "false", "false rate", "at most", "guarded false")
	for _, threshold := range []float64{0.7, 0.8, 0.9} {
		before := 1.0
		for _, level := range levels {
			r := replay(t, threshold, gazetteer(level.known))
			rate, upper := r.FalseHitRate()
			fmt.Fprintf(&table, "%-10.2f%-22s%9d%11d%8d%11.2f%%%9.2f%%%15d\n", threshold, level.name,
				r.Lookups, r.WouldHits, r.FalseHits, 100*rate, 100*upper, r.GuardedFalse)
			if r.Lookups+r.Repeats != streamLength || rate > before {
				t.Errorf("%s at %v: %+v, false %.4f after %.4f", level.name, threshold, r, rate, before)
			}
			before = rate
			if level.name == "names and vocabulary" && (upper > 0.01 || r.GuardedFalse == 0) {
				t.Errorf("%s at %v: %+v, at most %.4f false", level.name, threshold, r, upper)
			}
		}
	}
	t.Log(table.String())
}

// Pairs that differ in one thing, made to hit each other (as CacheAttack does): a semantic
// cache that answers one with the other has been hijacked.
func TestGuardsHoldAgainstCollisions(t *testing.T) {
	known := gazetteer(strings.Fields("adele drake sia u2 abba bts"))
	for _, c := range []struct {
		guard semantic.Guard
		a, b  string
	}{
		{semantic.GuardNumbers, "best songs of the 80s for a long drive", "best songs of the 90s for a long drive"},
		{semantic.GuardNumbers, "songs from 1999 to sing along", "songs from 1989 to sing along"},
		{semantic.GuardNumbers, "led zeppelin iv full album", "led zeppelin iii full album"},
		{semantic.GuardNumbers, "greatest hits vol. 1", "greatest hits vol. 2"},
		{semantic.GuardNumbers, "two hours of piano music", "three hours of piano music"},
		{semantic.GuardNumbers, "running music at 120 bpm", "running music at 140 bpm"},
		{semantic.GuardNumbers, "music of the sixties", "music of the seventies"},
		{semantic.GuardNumbers, "the 1975 new album", "the new album"},
		{semantic.GuardNumbers, "run at ١٢٠ bpm", "run at ١٤٠ bpm"},
		{semantic.GuardNegation, "sad songs for tonight", "not sad songs for tonight"},
		{semantic.GuardNegation, "piano music without vocals", "piano music vocals"},
		{semantic.GuardNegation, "jazz but not smooth and lively", "jazz but smooth and not lively"},
		{semantic.GuardNegation, "songs that aren't slow", "songs that are slow"},
		{semantic.GuardNegation, "songs that aren’t slow", "songs that are slow"},
		{semantic.GuardNegation, "musik ohne gesang zum lernen", "musik gesang zum lernen"},
		{semantic.GuardNegation, "musica sin letra para estudiar", "musica letra para estudiar"},
		{semantic.GuardNegation, "anything except country", "anything country"},
		{semantic.GuardRelation, "songs like adele", "songs by adele"},
		{semantic.GuardRelation, "music from before the war", "music from after the war"},
		{semantic.GuardRelation, "songs under an hour", "songs over an hour"},
		{semantic.GuardRelation, "newest rock albums", "oldest rock albums"},
		{semantic.GuardRelation, "adele live", "adele karaoke"},
		{semantic.GuardRelation, "adele with drake", "adele or drake"},
		{semantic.GuardEntities, "songs like adele for the evening", "songs like drake for the evening"},
		{semantic.GuardEntities, "artists similar to abba", "artists similar to bts"},
		{semantic.GuardEntities, "latest albums by sia", "latest albums by adele"},
		{semantic.GuardEntities, "adele like drake", "drake like adele"},
	} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			s := newShadow(t, near(), known)
			s.Observe(pair[0], "US", decision("search", schemas.Params{"text": pair[0]}))
			s.Observe(pair[1], "US", decision("search", schemas.Params{"text": pair[1]}))
			if r := s.Report(); r.WouldHits != 0 || r.Guarded[c.guard] != 1 || r.GuardedFalse != 1 {
				t.Errorf("%q, then %q: %+v; want it stopped by %s", pair[0], pair[1], r, c.guard)
			}
		}
	}
}

// The memory is full and the text is not short.
func BenchmarkObserve(b *testing.B) {
	s := newShadow(b, semantic.DefaultConfig(), nil)
	rng, names := rand.New(rand.NewPCG(5, 6)), invented(2000)
	next := func(i int) string {
		return fmt.Sprintf("some calm evening music like %s and %s %d", names[rng.IntN(len(names))], names[rng.IntN(len(names))], i)
	}
	d := decision("similar_artists", schemas.Params{})
	for i := range 12_000 {
		s.Observe(next(i), "US", d)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		s.Observe(next(-i), "US", d)
	}
}
