package student

import (
	"crypto/sha256"
	"io/fs"
	"slices"
	"strings"
)

// nearDuplicate is the share of words that two masked texts have in common from which on
// they count as one.
const nearDuplicate = 0.75

// Split sets Train of every label, whose queries are in the folder of public sets: about
// half are to learn from. Queries that resemble each other, or do so once names are masked,
// are on the same side. The side is decided by a hash, never by hand.
func Split(dir fs.FS, labels []Label, gaz Gazetteer) error {
	texts, err := readLabelled(dir, labels)
	if err != nil {
		return err
	}
	v, err := plainView(gaz)
	if err != nil {
		return err
	}
	for i, key := range v.clusters(texts) {
		sum := sha256.Sum256([]byte(key))
		labels[i].Train = sum[0]&1 == 1
	}
	return nil
}

// plainView returns a view with the embedded words and the names of gaz.
func plainView(gaz Gazetteer) (*view, error) {
	x := newIndex()
	if err := x.addLexicon(lexicon); err != nil {
		return nil, err
	}
	x.addGazetteer(gaz)
	words := map[uint64]struct{}{}
	for w := range x.words {
		words[w] = struct{}{}
	}
	return &view{index: x, everyday: words}, nil
}

// clusters returns for every text the name of the group of near-duplicates that it is in:
// texts that are linked by likeness, directly or through others.
func (v *view) clusters(texts []Example) []string {
	masked := make([][]string, len(texts))
	parent := make([]int, len(texts))
	withWord := map[string][]int{}
	for i, e := range texts {
		masked[i] = wordSet(v.mask(e.Query))
		parent[i] = i
		for _, j := range candidates(masked[i], withWord) {
			if overlap(masked[i], masked[j]) >= nearDuplicate {
				parent[root(parent, j)] = root(parent, i)
			}
		}
		for _, w := range masked[i] {
			withWord[w] = append(withWord[w], i)
		}
	}
	least := map[int]string{}
	for i := range texts {
		r, key := root(parent, i), strings.Join(masked[i], " ")
		if was, ok := least[r]; !ok || key < was {
			least[r] = key
		}
	}
	out := make([]string, len(texts))
	for i := range texts {
		out[i] = least[root(parent, i)]
	}
	return out
}

func root(parent []int, i int) int {
	for parent[i] != i {
		i = parent[i]
	}
	return i
}

// candidates lists the texts that share a word with words.
func candidates(words []string, withWord map[string][]int) []int {
	var out []int
	for _, w := range words {
		out = append(out, withWord[w]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mask returns a text with its names and numbers left out.
func (v *view) mask(text string) string {
	var a annotation
	v.annotate(&a, text)
	var out []string
	for _, s := range a.spans {
		switch s.sym {
		case symArtist, symShow, symTitle, symWork:
			out = append(out, "<name>")
		case symNumber, symYear, symDecade:
			out = append(out, "<number>")
		default:
			out = append(out, joinTokens(a.toks[s.from:s.to]))
		}
	}
	return strings.Join(out, " ")
}

func wordSet(text string) []string {
	words := strings.Fields(text)
	slices.Sort(words)
	return slices.Compact(words)
}

// overlap is Jaccard's index of two sorted sets.
func overlap(a, b []string) float64 {
	both := 0
	for _, w := range a {
		if _, ok := slices.BinarySearch(b, w); ok {
			both++
		}
	}
	return float64(both) / float64(max(len(a)+len(b)-both, 1))
}
