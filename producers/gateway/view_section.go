package gateway

import (
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/parallel-fusion/pfr/schemas"
)

// sectionView is a section as its display says. Class holds the display: the style sheet
// knows no component by name.
type sectionView struct {
	ID, Title, Component, Class, State, Tool, Marks, Took, Reason, Hint, Note, Text string

	Position int // from 1
	Retry    bool
	Items    []itemView
	Proto    bool
}

type itemView struct {
	ID, Type, Class, Title, Sub, Why, Kind, Date, Genres, Also, Art, Mono, Href, PlayLabel string

	Ordinal                    int // from 1
	Playable, Synthetic, Proto bool
}

// hintView says of a status what a listener can do.
type hintView struct{ Status, Text string }

// hints are for sections that show nothing. The script reads them from the document.
func hints() []hintView {
	return []hintView{
		{string(schemas.SectionEmpty), "Other words, or fewer of them, may find more."},
		{string(schemas.SectionTimeout), "The rest of the page is complete. This part may be quicker the next time."},
		{string(schemas.SectionError), "The rest of the page is complete. This part may work the next time."},
		{string(schemas.SectionInvalid), "What came cannot be shown. The rest of the page is complete."},
		{string(schemas.SectionShed), "Too many searches want this part just now. Wait a moment before the next try."},
		{string(schemas.SectionNoResponder), "Nothing serves this part just now. The rest of the page is complete."},
	}
}

func hint(s schemas.SectionStatus) string {
	all := hints()
	if i := slices.IndexFunc(all, func(h hintView) bool { return h.Status == string(s) }); i >= 0 {
		return all[i].Text
	}
	return ""
}

// displayOf returns how a section is drawn. One of a page that says nothing is a plain
// list.
func displayOf(d schemas.Display) schemas.Display {
	if d == (schemas.Display{}) {
		return schemas.Display{Flow: schemas.FlowStack, Form: schemas.FormRow, Width: schemas.FullWidth, Room: 5}
	}
	return d
}

// spread widens sections so that no line of the page has a hole at its end: the last one
// of a line takes what is left of its columns. The script does the same.
func spread(widths []int) {
	used := 0
	for i, w := range widths {
		if used+w > schemas.FullWidth && i > 0 {
			widths[i-1] += schemas.FullWidth - used
			used = 0
		}
		used += w
	}
	if n := len(widths); n > 0 {
		widths[n-1] += schemas.FullWidth - used
	}
}

func viewSection(s schemas.Section, position, width int) sectionView {
	d := displayOf(s.Display)
	out := sectionView{
		ID: s.ID, Title: s.Title, Component: s.Component, Class: sectionClass(s.Status, d, width),
		State: stateWord(s.Status), Tool: s.Tool, Marks: marks(s), Took: millis(s.TookMS),
		Reason: s.Reason, Hint: hint(s.Status), Position: position, Retry: !s.Status.Answered(),
	}
	if d.Text == schemas.TextNote {
		out.Note = s.Text
	} else {
		out.Text = s.Text
	}
	if out.Reason == "" && s.Status == schemas.SectionEmpty {
		out.Reason = "Nothing was found."
	}
	for i, it := range s.Items {
		out.Items = append(out.Items, viewItem(it, i+1, d))
	}
	return out
}

func sectionClass(status schemas.SectionStatus, d schemas.Display, width int) string {
	text := string(d.Text)
	if d.Text == schemas.TextNote {
		text = "note"
	}
	class := "section f-" + string(d.Flow) + " m-" + string(d.Form) + " t-" + text + " w-" + strconv.Itoa(width) + " s-" + string(status)
	if d.Numbered {
		class += " numbered"
	}
	return class
}

// stateWord is how a status is shown. That all is well need not be said.
func stateWord(s schemas.SectionStatus) string {
	if s == schemas.SectionOK {
		return ""
	}
	return strings.ReplaceAll(string(s), "_", " ")
}

// marks say where an answer came from, if not from a first run of the tool.
func marks(s schemas.Section) string {
	var out []string
	if s.Cached {
		out = append(out, "cached")
	}
	if s.Repeated {
		out = append(out, "second try")
	}
	return strings.Join(out, ", ")
}

func viewItem(it schemas.Item, ordinal int, d schemas.Display) itemView {
	v := itemView{
		ID: it.ID, Type: string(it.Type), Class: itemClass(ordinal, d), Title: it.Title, Sub: it.Subtitle, Why: it.Why,
		Date: it.ReleaseDate, Art: artClass(it.ID),
		Mono: monogram(it.Title), Href: "/?q=" + url.QueryEscape(followUp(it)), PlayLabel: "Play " + it.Title + " (simulated)",
		Ordinal: ordinal, Playable: it.Type == "track" || it.Type == "episode", Synthetic: it.Synthetic,
	}
	if v.Sub == "" {
		v.Sub = strings.Join(it.Artists, ", ")
	}
	switch {
	case it.Kind != "" && !begins(v.Sub, it.Kind): // or the subtitle says it
		v.Kind = kindWord(it.Kind)
	case it.Kind == "" && (v.Sub == "" || v.Playable && !begins(v.Sub, v.Type)):
		v.Kind = v.Type
	}
	if len(it.Genres) > 0 && !strings.Contains(v.Sub, it.Genres[0]) {
		v.Genres = strings.Join(it.Genres[:min(len(it.Genres), 2)], ", ")
	}
	if len(it.Versions) > 0 {
		v.Also = "also: " + strings.Join(it.Versions, ", ")
	}
	return v
}

// begins reports whether a text begins with a word, however it is written.
func begins(text, word string) bool {
	return strings.HasPrefix(strings.ToLower(text), strings.ToLower(word))
}

// kindWord is how the kind of a release is shown: as a word, or as an abbreviation.
func kindWord(kind string) string {
	if len(kind) <= 2 {
		return strings.ToUpper(kind)
	}
	return kind
}

// itemClass says whether an item is drawn large, or only when all are asked for. A shelf
// scrolls to the others.
func itemClass(ordinal int, d schemas.Display) string {
	switch {
	case ordinal <= d.Lead:
		return "item lead"
	case ordinal > d.Room && d.Flow != schemas.FlowShelf:
		return "item more"
	}
	return "item"
}

// followUp is the search that an item leads to.
func followUp(it schemas.Item) string {
	text := it.Title
	switch {
	case it.Type == "artist":
		text = "artists similar to " + it.Title
	case it.Type == "show":
		text = "latest episodes of " + it.Title
	case len(it.Artists) > 0:
		text += " " + it.Artists[0]
	}
	if runes := []rune(text); len(runes) > schemas.MaxQueryRunes {
		text = string(runes[:schemas.MaxQueryRunes])
	}
	return text
}

// Covers are drawn by the style sheet from one of so many hues and patterns.
const (
	artHues     = 24
	artPatterns = 10
)

// artClass names the generated cover of an item. It depends on the id alone. The script
// computes the same.
func artClass(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	n := h.Sum32()
	n = (n ^ n>>15) * 0x2c1b3c6d // FNV alone gives similar ids similar covers
	n ^= n >> 13
	return "h" + strconv.Itoa(int(n%artHues)) + " p" + strconv.Itoa(int(n/artHues%artPatterns))
}

// monogram is the first letter or digit of a title, for its cover.
func monogram(title string) string {
	for _, r := range title {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "♪"
}
