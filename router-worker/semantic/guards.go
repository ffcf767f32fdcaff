package semantic

import (
	"slices"
	"strings"
	"unicode"
)

// Guard names what must be equal in two texts before one may stand in for the other.
type Guard string

// The guards, in the order in which they are asked.
const (
	GuardNumbers  Guard = "numbers"  // digits, number words, Roman numerals
	GuardNegation Guard = "negation" // "not sad", "without lyrics", "ohne"
	GuardRelation Guard = "relation" // "like X" or "by X", before or after, live or not
	GuardEntities Guard = "entities" // what the caller finds in the text
)

// traits are what the guards compare, each in the order of the text.
type traits struct{ numbers, negations, relations, entities []string }

// differs returns the first guard under which two texts are different, or "".
func (t traits) differs(u traits) Guard {
	switch {
	case !slices.Equal(t.numbers, u.numbers):
		return GuardNumbers
	case !slices.Equal(t.negations, u.negations):
		return GuardNegation
	case !slices.Equal(t.relations, u.relations):
		return GuardRelation
	case !slices.Equal(t.entities, u.entities):
		return GuardEntities
	}
	return ""
}

func traitsOf(text string, entities Entities) traits {
	t := traits{entities: slices.Clone(entities(text))}
	list := words(text)
	for i, w := range list {
		switch {
		case isNumber(w):
			t.numbers = append(t.numbers, w)
		case isNegation(w):
			t.negations = append(t.negations, strings.Join(list[i+1:min(i+2, len(list))], "")) // what is negated
		case relation(w) != "":
			t.relations = append(t.relations, relation(w))
		}
	}
	return t
}

// words splits a text where neither letters, digits nor apostrophes are.
func words(text string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(text, "’", "'"), func(r rune) bool {
		return r != '\'' && !unicode.In(r, unicode.L, unicode.N, unicode.M)
	})
}

// isNumber reports whether a word has a digit in it, as "80s" and "u2", or spells a number.
func isNumber(w string) bool {
	if strings.ContainsFunc(w, func(r rune) bool { return unicode.Is(unicode.N, r) }) {
		return true
	}
	switch w {
	case "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
		"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand",
		"twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties", "noughties",
		"first", "second", "third", "fourth", "fifth", "half", "double",
		"ii", "iii", "iv", "vi", "vii", "viii", "ix", "xi", "xii", "xiii", "xiv", "xv", "xvi", "xx":
		return true
	}
	return false
}

func isNegation(w string) bool {
	switch w {
	case "not", "no", "non", "never", "none", "nothing", "without", "except", "excluding", "minus", "nor", "neither", "but", "cannot", "dont", "isnt",
		"sin", "nada", "sem", "não", "sans", "pas", "senza", "nicht", "kein", "keine", "ohne", "niet", "geen", "zonder", "utan", "uden", "uten", "inte", "ikke", "без", "не":
		return true
	}
	return strings.HasSuffix(w, "n't")
}

// relation returns what a word says about how the things of a query hang together, in one
// word for all that say the same, or "".
func relation(w string) string {
	switch w {
	case "like", "similar", "resembling", "como", "wie", "comme", "come":
		return "like"
	case "by", "from", "of", "von", "de", "di", "par", "por":
		return "by"
	case "feat", "ft", "featuring", "with", "con", "mit", "avec":
		return "with"
	case "before", "until", "till", "pre":
		return "before"
	case "after", "since", "post":
		return "after"
	case "under", "less", "shorter", "fewer", "slower", "below":
		return "less"
	case "over", "more", "longer", "faster", "above":
		return "more"
	case "new", "newest", "latest", "recent", "upcoming":
		return "new"
	case "old", "oldest", "older", "classic", "vintage":
		return "old"
	case "or", "and", "vs", "versus", "about", "for", "live", "remix", "cover", "acoustic", "instrumental", "karaoke", "demo":
		return w
	}
	return ""
}
