package testset

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"

	"github.com/parallel-fusion/pfr/evaluation/likeness"
)

// nearDuplicate is the share of words that two masked texts have in common, Jaccard's
// index, from which on they count as one wording.
const nearDuplicate = 0.75

// Shares of the clusters, in percent, that are to test on and to develop with; the others
// are to train on. Most are to test on: the intervals of a report want cases, and there are
// other queries to learn from.
const (
	testShare        = 66
	developmentShare = 12
)

// splitOf returns the split of a cluster: by a hash, never by hand.
func splitOf(cluster string) Split {
	sum := sha256.Sum256([]byte(cluster))
	switch n := binary.BigEndian.Uint64(sum[:8]) % 100; {
	case n < testShare:
		return Test
	case n < testShare+developmentShare:
		return Development
	default:
		return Train
	}
}

// Clusters returns for each masked text the name of the group of near-duplicates that it is
// in: texts that are linked by likeness, directly or through others. A text that is nothing
// but names has no wording to share: keys says what it is then.
func Clusters(masked, keys []string) []string {
	sets := make([][]string, len(masked))
	for i, text := range masked {
		if sets[i] = wordSet(text); wordless(sets[i]) {
			sets[i] = []string{keys[i]}
		}
	}
	return likeness.Clusters(sets, nearDuplicate)
}

// wordSet returns the words of a masked text, sorted, each once; numbers count as one.
func wordSet(masked string) []string {
	var out []string
	for w := range strings.FieldsSeq(maskedForm(masked)) {
		if strings.IndexFunc(w, func(r rune) bool { return !unicode.IsDigit(r) }) < 0 {
			w = maskNumber
		}
		out = append(out, w)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maskedForm normalises a masked text and keeps what stands for names.
func maskedForm(masked string) string {
	var out []string
	for masked != "" {
		before, rest, found := strings.Cut(masked, "<")
		out = append(out, wordsOf(before)...)
		if !found {
			break
		}
		inner, after, closed := strings.Cut(rest, ">")
		if !closed {
			out = append(out, wordsOf(rest)...)
			break
		}
		out = append(out, "<"+inner+">")
		masked = after
	}
	return strings.Join(out, " ")
}

// wordsOf returns the words of a part of a text, none if it is punctuation alone.
func wordsOf(part string) []string {
	if strings.IndexFunc(part, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0 {
		return nil
	}
	return strings.Fields(Normalise(part))
}

// wordless reports whether a masked text says nothing but names.
func wordless(words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.HasPrefix(w, "<") })
}
