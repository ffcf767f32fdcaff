package student

import "strings"

// Masker takes the names out of texts, so that their wordings can be compared: those of a
// gazetteer, those that everybody knows, and the slots of training queries.
type Masker struct{ v *view }

// NewMasker returns a masker that knows the names of gaz.
func NewMasker(gaz Gazetteer) (*Masker, error) {
	v, err := plainView(gaz)
	if err != nil {
		return nil, err
	}
	return &Masker{v}, nil
}

// Mask returns the words of a text, folded, with <name> for each name, <genre> for each
// genre and <number> for each number. It is safe for concurrent use.
func (m *Masker) Mask(text string) string {
	var out []string
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		out = append(out, m.words(before)...)
		slot, after, closed := strings.Cut(rest, "}")
		switch {
		case !found:
		case slot == "genre":
			out = append(out, "<genre>")
		case closed:
			out = append(out, "<name>")
		}
		text = after
	}
	return strings.Join(out, " ")
}

func (m *Masker) words(text string) []string {
	var a annotation
	m.v.annotate(&a, text)
	var out []string
	for _, s := range a.spans {
		switch s.sym {
		case symArtist, symShow, symTitle, symWork:
			out = append(out, "<name>")
		case symGenre:
			out = append(out, "<genre>")
		case symNumber, symYear, symDecade:
			out = append(out, "<number>")
		default:
			out = append(out, joinTokens(a.toks[s.from:s.to]))
		}
	}
	return out
}
