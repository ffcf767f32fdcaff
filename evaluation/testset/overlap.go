package testset

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Masker takes the names out of a text, so that only its wording is left: what stands for a
// name is in angle brackets, as <name>.
type Masker interface {
	Mask(text string) string
}

// Text is a query to learn from or to test on.
type Text struct {
	ID   string // to find it by; may be empty
	Text string
}

// Likeness says how two texts are the same.
type Likeness string

// Likenesses.
const (
	SameWords   Likeness = "same words"   // once normalised
	SameWording Likeness = "same wording" // once names are masked
)

// Pair is a text to test on that overlaps one to learn from.
type Pair struct {
	Learnt, Tested Text
	How            Likeness
}

func (p Pair) String() string {
	return `"` + p.Tested.Text + `" to test on and "` + p.Learnt.Text + `" to learn from: ` + string(p.How)
}

// Texts returns the queries of cases.
func Texts(cs []Case) []Text {
	out := make([]Text, len(cs))
	for i, c := range cs {
		out[i] = Text{ID: c.ID, Text: c.Query}
	}
	return out
}

// In returns the cases of a split.
func In(cs []Case, s Split) []Case {
	var out []Case
	for _, c := range cs {
		if c.Split == s {
			out = append(out, c)
		}
	}
	return out
}

// Overlap returns the texts to test on that are the same as one to learn from once both are
// normalised, or once their names are masked, each with the first that it is the same as.
// A text that is nothing but names has no wording: it is compared by its words alone.
// Without a masker all are.
func Overlap(learn, test []Text, m Masker) []Pair {
	words, wordings := map[string]Text{}, map[string]Text{}
	for _, t := range learn {
		remember(words, Normalise(t.Text), t)
		remember(wordings, maskedWords(t.Text, m), t)
	}
	var out []Pair
	for _, t := range test {
		if was, ok := words[Normalise(t.Text)]; ok {
			out = append(out, Pair{was, t, SameWords})
		} else if was, ok := wordings[maskedWords(t.Text, m)]; ok {
			out = append(out, Pair{was, t, SameWording})
		}
	}
	return out
}

// remember notes the first text of a form; "" is none.
func remember(in map[string]Text, form string, t Text) {
	if _, known := in[form]; !known && form != "" {
		in[form] = t
	}
}

// maskedWords returns a text with its names masked, "" if nothing else is left of it.
func maskedWords(text string, m Masker) string {
	if m == nil {
		return ""
	}
	form := maskedForm(m.Mask(text))
	if wordless(strings.Fields(form)) {
		return ""
	}
	return form
}

// ReadTexts reads queries to compare with: a file of cases, lines of JSON objects with a
// member "query", or lines that are a query up to the first tab. Blank lines are left out,
// and so are lines that begin with # where they are not JSON. The id of a text is the
// number of its line, or that of its case.
func ReadTexts(r io.Reader) ([]Text, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var out []Text
	var errs []error
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		t, err := readText(line, strconv.Itoa(n))
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
		}
		if t.Text != "" {
			out = append(out, t)
		}
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, fmt.Errorf("read texts: %w", err))
	}
	return out, errors.Join(errs...)
}

// readText reads a line. That of a header has no text.
func readText(line, id string) (Text, error) {
	if !strings.HasPrefix(line, `{"`) {
		query, _, _ := strings.Cut(line, "\t")
		return Text{ID: id, Text: strings.TrimSpace(query)}, nil
	}
	var row struct {
		ID     any    `json:"id"`
		Query  string `json:"query"`
		Format string `json:"format"`
	}
	if err := json.Unmarshal([]byte(line), &row); err != nil {
		return Text{}, err
	}
	if s, ok := row.ID.(string); ok {
		id = s
	}
	if row.Query == "" && row.Format == "" {
		return Text{}, errors.New(`want a member "query"`)
	}
	return Text{ID: id, Text: row.Query}, nil
}
