package student

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/router-worker/student/nlu"
)

// frame is what a wish looks like around its names: text with alternatives and slots.
type frame struct{ route, text string }

// readFrames reads lines of a route and a frame, separated by a tab.
func readFrames(data string) ([]frame, error) {
	var out []frame
	for n, line := range strings.Split(data, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		route, text, ok := strings.Cut(line, "\t")
		if !ok || text == "" || strings.Count(text, "(") != strings.Count(text, ")") || strings.Count(text, "{") != strings.Count(text, "}") {
			return nil, fmt.Errorf("frames line %d: want route, frame: %q", n+1, line)
		}
		out = append(out, frame{route, text})
	}
	return out, nil
}

// readWords reads lines of a slot and its values.
func readWords(data string) (map[string][]string, error) {
	out := map[string][]string{}
	for n, line := range strings.Split(data, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		slot, values, ok := strings.Cut(line, " | ")
		if !ok {
			return nil, fmt.Errorf("words line %d: want slot | values: %q", n+1, line)
		}
		out[slot] = append(out[slot], strings.Split(values, "; ")...)
	}
	return out, nil
}

// writer turns frames into examples.
type writer struct {
	rng    *rand.Rand
	values map[string][]string
	names  Gazetteer
	parts  []string // words that names are made of
	upper  bool     // the names of the example at hand are in upper case
}

func newWriter(seed uint64, names Gazetteer, values map[string][]string) *writer {
	w := &writer{rng: rand.New(rand.NewPCG(seed, 0)), names: names, values: values}
	seen := map[string]bool{}
	for _, list := range [][]Name{names.Artists, names.Albums, names.Tracks} {
		for _, n := range list {
			for part := range strings.FieldsSeq(n.Text) {
				if !seen[part] && strings.Trim(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyzéáíóúñüöäçèê") == "" {
					seen[part] = true
					w.parts = append(w.parts, strings.ToLower(part))
				}
			}
		}
	}
	return w
}

// chance reports true with a probability.
func (w *writer) chance(p float64) bool { return w.rng.Float64() < p }

func pick[T any](w *writer, list []T) T { return list[w.rng.IntN(len(list))] }

// example fills a frame.
func (w *writer) example(f frame) nlu.Example {
	w.upper = w.chance(0.45)
	text := w.choose(w.expand(f.text))
	if open := strings.Count(text, "(") - strings.Count(text, ")"); open > 0 {
		text += ")"
	}
	if w.chance(0.12) {
		text = pick(w, w.values["lead"]) + pick(w, []string{" ", " ", ", ", ". "}) + text
	}
	if w.chance(0.12) {
		text += pick(w, []string{" ", " ", ", ", ". "}) + pick(w, w.values["tail"])
	}
	e := nlu.Example{Intent: f.route}
	for {
		before, rest, ok := strings.Cut(text, "{")
		e.Text += before
		if !ok {
			break
		}
		slot, after, _ := strings.Cut(rest, "}")
		value, label := w.value(slot)
		if label != "" {
			e.Spans = append(e.Spans, nlu.Span{From: len(e.Text), To: len(e.Text) + len(value), Slot: label})
		}
		e.Text += value
		text = after
	}
	if w.upper && w.chance(0.4) && e.Text[0] >= 'a' && e.Text[0] <= 'z' {
		e.Text = strings.ToUpper(e.Text[:1]) + e.Text[1:]
	}
	return e
}

// expand writes out the slots that stand for several.
func (w *writer) expand(text string) string {
	if w.chance(0.08) {
		text = strings.Replace(text, " {artist}", " "+pick(w, w.values["role"])+" {artist}", 1)
	}
	text = strings.ReplaceAll(text, "{artists}", pick(w, []string{
		"{artist}", "{artist}", "{artist} and {artist}", "{artist} or {artist}", "{artist}, {artist}", "{artist}, {artist} and {artist}",
		"{artist}, {artist}, {artist}", "{artist} & {artist}", "{artist} / {artist}", "{artist}/{artist}", "{artist}, {artist}, etc",
	}))
	return strings.ReplaceAll(text, "{work}", pick(w, []string{
		"{title} by {artist}", "{title} by {artist}", `"{title}" by {artist}`, "{artist} - {title}", "{artist} - {title}", "{artist}'s {title}",
		`{artist}'s "{title}"`, "{artist}'s '{title}'", "{artist}: {title}", "{title} - {artist}", `"{title}" - {artist}`, "{title} from {artist}",
		"{title} by {artist} ft. {artist}", "{title} by {artist} <feat. {artist}>", "{artist} ft {artist} - {title}", "{title} <{artist}>",
		"{artist} - {title} <live>", "{artist} - {title} <{artist} remix>", "{artist} {title}", `"{title}" <{artist}>`, "{artist}-{title}", "{artist} - {title} or {artist} - {title}", "{title} by {artist} or {title} by {artist}",
	}))
}

// choose takes one of each group of alternatives.
func (w *writer) choose(text string) string {
	for {
		from := strings.LastIndexByte(text, '(')
		if from < 0 {
			return strings.NewReplacer("<", "(", ">", ")").Replace(strings.Join(strings.Fields(text), " "))
		}
		to := from + strings.IndexByte(text[from:], ')')
		if to < from {
			return text
		}
		text = text[:from] + pick(w, strings.Split(text[from+1:to], "|")) + text[to+1:]
	}
}

// value returns a value for a slot, and what it is labelled; "" is not labelled.
func (w *writer) value(slot string) (value, label string) {
	switch slot {
	case "artist", "other":
		return w.named(w.names.Artists, 0.35), slot
	case "title":
		return w.named(pick(w, [][]Name{w.names.Tracks, w.names.Albums}), 0.5), slot
	case "show":
		return w.show(), slot
	case "subject":
		return w.topic(pick(w, []string{"topic", "guest"})), slotTopic
	case "topic", "guest":
		return w.topic(slot), slotTopic
	case "genre":
		if w.chance(0.6) {
			return strings.ToLower(pick(w, w.names.Genres).Text), slot
		}
		return pick(w, w.values[slot]), slot
	case "audience":
		return w.audience(), slot
	case "number":
		return strconv.Itoa(1 + w.rng.IntN(300)), ""
	}
	return pick(w, w.values[slot]), "" // a word like any other
}

// named returns a name of list with a probability, and else one that nobody has heard of.
func (w *writer) named(list []Name, known float64) string {
	name := w.invent()
	if w.chance(known) {
		name = pick(w, list).Text
	}
	return w.cased(name)
}

// cased writes a name as the example at hand does.
func (w *writer) cased(name string) string {
	if !w.upper {
		return strings.ToLower(name)
	}
	words := strings.Fields(name)
	for i, word := range words {
		if small := is(word, "of the and in a"); word[0] >= 'a' && word[0] <= 'z' && (!small || i == 0) {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, " ")
}

// invent makes a name up from the words that names are made of.
func (w *writer) invent() string {
	n := pick(w, []int{1, 1, 2, 2, 2, 2, 2, 3, 3, 4})
	words := make([]string, 0, n+2)
	if w.chance(0.15) {
		words = append(words, "the")
	}
	for i := range n {
		if i > 0 && w.chance(0.15) {
			words = append(words, pick(w, []string{"and", "&", "of", "of the", "in the", "and the"}))
		}
		if w.chance(0.35) {
			words = append(words, w.syllables())
		} else {
			words = append(words, pick(w, w.parts))
		}
	}
	if n == 2 && w.chance(0.1) {
		return strings.Join(words, "-")
	}
	return strings.Join(words, " ")
}

// syllables makes a word up.
func (w *writer) syllables() string {
	var b strings.Builder
	for range 1 + w.rng.IntN(3) {
		b.WriteString(pick(w, []string{"b", "br", "d", "dr", "f", "g", "h", "j", "k", "kl", "l", "m", "n", "p", "qu", "r", "s", "st", "t", "th", "v", "w", "x", "z", ""}))
		b.WriteString(pick(w, []string{"a", "e", "i", "o", "u", "ai", "ee", "oo", "y"}))
		b.WriteString(pick(w, []string{"", "", "l", "n", "r", "s", "t", "m", "ck", "nd"}))
	}
	return b.String()
}

// show returns the name of a podcast.
func (w *writer) show() string {
	switch {
	case w.chance(0.35):
		return w.cased(pick(w, w.names.Shows).Text)
	case w.chance(0.3):
		return w.cased(w.invent() + " " + pick(w, []string{"show", "hour", "report", "radio", "diaries", "files", "daily", "weekly", "club", "stories", "review", "times"}))
	case w.chance(0.3):
		return w.cased(pick(w, w.parts) + " " + pick(w, []string{"and", "&", "with", "in", "on", "for", "to", "at the"}) + " " + pick(w, w.parts))
	case w.chance(0.2):
		return w.cased(pick(w, w.values["topic"]) + " " + pick(w, []string{"unplugged", "explained", "talk", "with " + pick(w, w.parts), "today", "matters", "in brief"}))
	}
	return w.cased(w.invent())
}

// audience returns whom shows are for.
func (w *writer) audience() string {
	who := pick(w, w.values[slotAudience])
	switch {
	case w.chance(0.12):
		return who + pick(w, []string{" in ", " from ", " with ", " working in ", " living in ", " into "}) + w.cased(pick(w, w.parts))
	case w.chance(0.06):
		return pick(w, []string{"people", "folks", "anyone", "those", "someone", "my friend", "a person"}) +
			pick(w, []string{" learning to ", " learning ", " who like ", " who love ", " trying to ", " interested in ", " into ", " new to ", " struggling with "}) + pick(w, w.values[slotTopic])
	case w.chance(0.08):
		return pick(w, []string{"my ", "our ", "tired ", "busy ", "young ", "old ", "new ", "hobby ", "serious "}) + who
	}
	return who
}

// topic returns what shows are about.
func (w *writer) topic(slot string) string {
	topic := pick(w, w.values[slot])
	if slot == "guest" {
		if w.chance(0.4) {
			topic = w.syllables() + " " + pick(w, w.parts)
		}
		return w.cased(topic)
	}
	if w.chance(0.08) {
		topic = "the " + topic
	}
	switch {
	case w.chance(0.25):
		return pick(w, []string{"the history of ", "how to understand ", "the science of ", "the art of ", "life without ", "the future of ", "the psychology of ", "women in ", "the business of ", "ancient "}) + topic
	case w.chance(0.12):
		return topic + pick(w, []string{" in ", " and ", " of ", " in the age of "}) + pick(w, w.values[slot])
	case w.chance(0.12):
		return topic + pick(w, []string{" in ", " from ", " on "}) + w.cased(pick(w, w.parts))
	case w.chance(0.1):
		return pick(w, []string{"how ", "why ", "whether "}) + topic + pick(w, []string{" work", " matter", " began", " changed", " are made"})
	case w.chance(0.12):
		return w.syllables() + pick(w, []string{"ing", "ology", " making", " culture", ""})
	}
	return topic
}

// lexiconValues returns what the lexicon lists of a kind.
func lexiconValues(k kind) []string {
	var out []string
	for line := range strings.SplitSeq(lexicon, "\n") {
		fields := strings.Split(line, " | ")
		if found, ok := lexiconKind(fields[0]); !ok || found != k {
			continue
		}
		out = append(out, fields[1])
		if len(fields) == 3 {
			out = append(out, strings.Split(fields[2], "; ")...)
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return strings.HasSuffix(s, "podcast") })
}
