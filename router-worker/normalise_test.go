package router_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	router "github.com/parallel-fusion/pfr/router-worker"
)

// textPair is a line of a corpus: what it is about and two texts, which are the inside of
// a Go string literal, so that what is invisible can be seen.
type textPair struct{ about, a, b string }

func readPairs(t *testing.T, file string) []textPair {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []textPair
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 {
			t.Fatalf("%s: %d fields in %q", file, len(fields), line)
		}
		for i, f := range fields[1:] {
			text, err := strconv.Unquote(`"` + f + `"`)
			if err != nil {
				t.Fatalf("%s: %q: %v", file, f, err)
			}
			fields[1+i] = text
		}
		if fields[1] == fields[2] {
			t.Errorf("%s: %q with itself", file, fields[1])
		}
		pairs = append(pairs, textPair{fields[0], fields[1], fields[2]})
	}
	if len(pairs) < 60 {
		t.Errorf("%s: only %d pairs", file, len(pairs))
	}
	return pairs
}

// Names and wishes that a careless normaliser makes equal: they would get each other's
// decisions.
func TestDistinctSearchesStayApart(t *testing.T) {
	for _, p := range readPairs(t, "testdata/distinct.tsv") {
		if got := router.Normalise(p.a); got == router.Normalise(p.b) {
			t.Errorf("%s: %q and %q became %q", p.about, p.a, p.b, got)
		}
		if router.RouteKey(p.a, "v1") == router.RouteKey(p.b, "v1") {
			t.Errorf("%s: %q and %q share a key", p.about, p.a, p.b)
		}
	}
}

// Ways to type the same thing, which must not be paid for twice.
func TestSameSearchesMeet(t *testing.T) {
	for _, p := range readPairs(t, "testdata/same.tsv") {
		if a, b := router.Normalise(p.a), router.Normalise(p.b); a != b {
			t.Errorf("%s: %q became %q, %q became %q", p.about, p.a, a, p.b, b)
		}
		if router.RouteKey(p.a, "v1") != router.RouteKey(p.b, "v1") {
			t.Errorf("%s: %q and %q have different keys", p.about, p.a, p.b)
		}
	}
}

func TestNormaliseOfItsResultChangesNothing(t *testing.T) {
	odd := rapid.RuneFrom(nil, unicode.Cherokee, unicode.Greek, unicode.Hangul, unicode.Mn, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.White_Space)
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(rapid.Rune(), odd)).Draw(rt, "s")
		once := router.Normalise(s)
		if twice := router.Normalise(once); twice != once {
			rt.Fatalf("%q, then %q", once, twice)
		}
		if router.RouteKey(s, "v1") != router.RouteKey(once, "v1") {
			rt.Fatalf("%q and its normal form have different keys", s)
		}
		if router.RouteKey(s, "v1") == router.RouteKey(s, "v2") {
			rt.Fatalf("%q has the same key in two versions", s)
		}
	})
}

// Plain text takes a shortcut, which must lead to the same place.
func TestPlainTextIsNormalisedLikeAnyOther(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom(nil, &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0, Hi: unicode.MaxASCII, Stride: 1}}})).Draw(rt, "s")
		if got, want := strings.TrimSpace("é "+router.Normalise(s)), router.Normalise("é "+s); got != want {
			rt.Fatalf("%q: %q, beside other text %q", s, got, want)
		}
	})
}

// However it is typed, it is the same search.
func TestDisguisesDoNotMatter(t *testing.T) {
	disguises := []func(r rune) string{
		func(r rune) string { return string(r) },
		func(r rune) string { return string(unicode.ToUpper(r)) },
		func(r rune) string { return string(r + '！' - '!') }, // full width
		func(r rune) string { return "\u200b" + string(r) + "\u00ad" },
	}
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[!-~]{1,8}`), 1, 5).Draw(rt, "words")
		var b strings.Builder
		for _, w := range words {
			for _, r := range w {
				b.WriteString(rapid.SampledFrom(disguises).Draw(rt, "disguise")(r))
			}
			b.WriteString(rapid.SampledFrom([]string{" ", "  ", "\t", "\u00a0", "\u3000\u200b"}).Draw(rt, "space"))
		}
		if got, want := router.Normalise(b.String()), router.Normalise(strings.Join(words, " ")); got != want {
			rt.Fatalf("%q became %q, want %q", b.String(), got, want)
		}
	})
}

func BenchmarkNormalise(b *testing.B) {
	for name, text := range map[string]string{"ascii": "Latest Albums by Lady Gaga", "accents": "Chansons de Rosalía  et Björk"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				router.Normalise(text)
			}
		})
	}
}
