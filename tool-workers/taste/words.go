package taste

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// Words returns the folded words of a text that can tell entries apart: no articles, no
// "play me some", no names of kinds of entries.
func Words(text string) []string {
	return slices.DeleteFunc(strings.Fields(catalog.Fold(text)), Filler)
}

// Filler reports whether a folded word says nothing about what is wanted.
func Filler(word string) bool {
	switch word {
	case "a", "about", "album", "albums", "an", "and", "any", "artist", "artists", "band", "bands", "best", "by", "can", "episode", "episodes",
		"favorite", "favourite", "find", "for", "from", "ft", "feat", "give", "good", "hear", "i", "in", "is", "it", "latest", "like",
		"list", "listen", "listening", "me", "mix", "music", "my", "need", "new", "newest", "of", "on", "ones", "or", "play", "playing",
		"playlist", "playlists", "podcast", "podcasts", "please", "recommend", "releases", "search", "show", "shows", "single", "singles",
		"some", "something", "song", "songs", "that", "the", "this", "to", "top", "track", "tracks", "want", "with", "you", "your",
		"what", "when", "does", "will", "are", "there", "out", "called", "named", "official", "video", "lyrics", "full":
		return true
	}
	return false
}

// textFit is the share of words that are in the title, or at half weight in the rest.
func textFit(words []string, title, rest string) float64 {
	if len(words) == 0 {
		return 0
	}
	inTitle, inRest := strings.Fields(catalog.Fold(title)), strings.Fields(catalog.Fold(rest))
	sum := 0.0
	for _, w := range words {
		switch {
		case slices.Contains(inTitle, w):
			sum++
		case slices.Contains(inRest, w):
			sum += 0.5
		}
	}
	return sum / float64(len(words))
}

// decade reads "80s", "1980s" and "2010s", and returns the first year, 0 for other words.
func decade(word string) int {
	digits, ok := strings.CutSuffix(word, "s")
	n, err := strconv.Atoi(digits)
	switch {
	case !ok || err != nil || n%10 != 0:
		return 0
	case len(digits) == 2 && n >= 20:
		return 1900 + n
	case len(digits) == 2:
		return 2000 + n
	case n >= 1900 && n < 2100:
		return n
	default:
		return 0
	}
}

// LanguageName returns the English name of an ISO 639-1 code, "" for what is none.
func LanguageName(code string) string {
	base, err := language.ParseBase(code)
	if err != nil {
		return ""
	}
	return display.English.Languages().Name(base)
}

// Language returns the ISO 639-1 code of a locale such as "en-US", "" for none.
func Language(locale string) string {
	code, _, _ := strings.Cut(strings.ToLower(locale), "-")
	return code
}

// languageCode reads a code or the English name of a language, "" when it is neither.
func languageCode(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) == 2 && LanguageName(s) != "" {
		return s
	}
	for _, code := range []string{
		"ar", "ca", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko", "nl", "no", "pl", "pt", "ro",
		"ru", "sv", "ta", "te", "th", "tr", "uk", "ur", "vi", "yo", "zh",
	} {
		if strings.EqualFold(LanguageName(code), s) {
			return code
		}
	}
	return ""
}
