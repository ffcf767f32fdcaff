package generate

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// tongue is the words of a language.
type tongue struct {
	first, last, adj, noun, verb, place []string

	after  bool // an adjective follows its noun
	joined bool // words are written without spaces
}

func (t *tongue) add(kind string, words []string) error {
	switch kind {
	case "first":
		t.first = words
	case "last":
		t.last = words
	case "adj":
		t.adj = words
	case "noun":
		t.noun = words
	case "verb":
		t.verb = words
	case "place":
		t.place = words
	case "after":
		t.after = true
	case "join":
		t.joined = true
	default:
		return fmt.Errorf("kind %q: want first, last, adj, noun, verb, place, after or join", kind)
	}
	return nil
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// phrase joins words as the language does.
func (t *tongue) phrase(words ...string) string {
	if t.joined {
		return strings.Join(words, "")
	}
	return strings.Join(words, " ")
}

// described returns an adjective and a noun in their order.
func (t *tongue) described(rng *rand.Rand) string {
	adj, noun := pick(rng, t.adj), pick(rng, t.noun)
	if t.after {
		return t.phrase(noun, adj)
	}
	return t.phrase(adj, noun)
}

// person returns the name of a person.
func (t *tongue) person(rng *rand.Rand) string {
	first, last := pick(rng, t.first), pick(rng, t.last)
	if t.joined || isHangul(last) {
		return last + first
	}
	if rng.IntN(4) == 0 {
		return first + " " + pick(rng, t.first) + " " + last
	}
	return first + " " + last
}

func isHangul(s string) bool { return s >= "가" && s <= "힣" }

// artist returns the name of a person or band.
func (t *tongue) artist(rng *rand.Rand) string {
	switch rng.IntN(12) {
	case 0, 1, 2, 3:
		return t.person(rng)
	case 4:
		return pick(rng, t.first)
	case 5:
		if t.joined {
			return t.described(rng)
		}
		return pick(rng, t.first) + " & " + pick(rng, t.noun)
	case 6:
		return t.phrase(pick(rng, t.noun), pick(rng, t.noun))
	case 7:
		return t.phrase(t.described(rng), pick(rng, t.noun))
	case 8:
		return strings.ToUpper(pick(rng, t.noun)) + fmt.Sprint(1+rng.IntN(99))
	default:
		return t.described(rng)
	}
}

// title returns the title of an album or track.
func (t *tongue) title(rng *rand.Rand) string {
	switch rng.IntN(10) {
	case 0:
		return pick(rng, t.noun)
	case 1, 2:
		return t.described(rng)
	case 3, 4:
		return t.phrase(pick(rng, t.verb), pick(rng, t.place))
	case 5:
		return t.phrase(pick(rng, t.noun), pick(rng, t.place))
	case 6:
		return t.phrase(pick(rng, t.verb), t.described(rng))
	case 7:
		return t.phrase(t.described(rng), pick(rng, t.place))
	case 8:
		return t.phrase(pick(rng, t.noun), pick(rng, t.noun))
	default:
		return t.phrase(pick(rng, t.verb), pick(rng, t.noun), pick(rng, t.place))
	}
}
