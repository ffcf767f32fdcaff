package student

import (
	"crypto/sha256"
	"io/fs"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/likeness"
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
	for i, e := range texts {
		masked[i] = wordSet(v.mask(e.Query))
	}
	return likeness.Clusters(masked, nearDuplicate)
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
