package student

import (
	_ "embed" // the tagger and what it learns from
	"fmt"
	"strings"

	"github.com/parallel-fusion/pfr/router-worker/student/nlu"
)

// Slots that the tagger finds: names and topics that no list has, by the words around them.
const (
	slotArtist   = "artist"
	slotShow     = "show"
	slotTopic    = "topic"
	slotAudience = "audience"
	slotGenre    = "genre"
)

//go:embed frames/frames.txt
var frames string

//go:embed frames/words.txt
var frameWords string

//go:embed tagger.bin
var tagger []byte

// Kinds of hints beyond the symbols.
const (
	hintWeakArtist = uint8(symbols) + iota
	hintWeakShow
)

// hint appends what v sees in a text, as a tagger reads it.
func (a *annotation) hint(out []nlu.Hint) []nlu.Hint {
	for _, s := range a.spans {
		if s.sym != symNone {
			out = append(out, nlu.Hint{From: a.toks[s.from].start, To: a.toks[s.to-1].end, Kind: uint8(s.sym)})
		}
	}
	for _, s := range a.weak {
		kind := hintWeakArtist
		if s.phrase.kinds&kindArtist == 0 {
			kind = hintWeakShow
		}
		out = append(out, nlu.Hint{From: a.toks[s.from].start, To: a.toks[s.to-1].end, Kind: kind})
	}
	return out
}

// examplesPerFrame is how often the tagger sees each frame.
const examplesPerFrame = 120

// TrainTagger learns a tagger from the embedded frames, from the queries with slots in data,
// and from names, known and made up. Equal data gives equal taggers.
func TrainTagger(seed uint64, data TrainingData) (*nlu.Model, error) {
	list, err := tagExamples(seed, data)
	if err != nil {
		return nil, fmt.Errorf("train tagger: %w", err)
	}
	cfg := nlu.DefaultConfig()
	cfg.Seed, cfg.Values, cfg.MinCount, cfg.Epochs = seed, false, 7, 5
	cfg.Source = tagSource(data)
	m, err := nlu.Train(cfg, list)
	if err != nil {
		return nil, fmt.Errorf("train tagger: %w", err)
	}
	return m, nil
}

// tagSource identifies what a tagger learns from.
func tagSource(data TrainingData) string {
	return shortHash([]byte(data.Hash + frames + frameWords))
}

// tagExamples writes the examples of a tagger: each route's frames, and for two of them a
// query with slots, if the route has some.
func tagExamples(seed uint64, data TrainingData) ([]nlu.Example, error) {
	list, err := readFrames(frames)
	if err != nil {
		return nil, err
	}
	values, err := readWords(frameWords)
	if err != nil {
		return nil, err
	}
	values[slotTopic] = append(values[slotTopic], lexiconValues(kindTopic)...)
	values[slotAudience] = append(values[slotAudience], lexiconValues(kindAudience)...)
	x := newIndex()
	if err := x.addLexicon(lexicon); err != nil {
		return nil, err
	}
	x.addGazetteer(data.Gazetteer)
	v := view{index: x, everyday: everyday(data.Examples)}
	own, queries := byRoute(list), byRoute(slotted(data.Examples))
	w := newWriter(seed, data.Gazetteer, values)
	var out []nlu.Example
	for _, route := range data.Routes {
		var from []frame
		for i := range len(own[route]) * examplesPerFrame {
			from = append(from, own[route][i%len(own[route])])
		}
		for i := range min(len(queries[route])*examplesPerFrame, len(from)/2) {
			from = append(from, queries[route][i%len(queries[route])])
		}
		for _, f := range from {
			out = append(out, v.hinted(w.example(f), w.chance(0.5)))
		}
	}
	return out, nil
}

// hinted adds to an example what is known of its words, without names if blind.
func (v view) hinted(e nlu.Example, blind bool) nlu.Example {
	v.blind = blind
	var a annotation
	v.annotate(&a, e.Text)
	e.Hints = a.hint(nil)
	return e
}

func byRoute(list []frame) map[string][]frame {
	out := map[string][]frame{}
	for _, f := range list {
		out[f.route] = append(out[f.route], f)
	}
	return out
}

// slotted returns the queries about artists whose names are all slots.
func slotted(examples []Example) []frame {
	slots := strings.NewReplacer("{artist}", "", "{track}", "", "{album}", "", "{genre}", "")
	works := strings.NewReplacer("{track}", "{title}", "{album}", "{title}")
	var out []frame
	for _, e := range examples {
		route := e.Routes[0]
		if route != "similar_artists" && route != "new_releases" || !strings.Contains(e.Query, "{artist}") {
			continue
		}
		if !strings.ContainsAny(slots.Replace(e.Query), "(){}<>|") {
			out = append(out, frame{route, works.Replace(e.Query)})
		}
	}
	return out
}

// tag is a run of words that the tagger found.
type tag struct {
	from, to int // words
	slot     string
	typed    string
}

// tagMemory is the memory of reading tags.
type tagMemory struct {
	hints []nlu.Hint
	spans []nlu.Span
	tags  []tag
}

// tags returns what the tagger finds, given the route.
func (r *reader) tags(route string) []tag {
	if r.tagger == nil {
		return nil
	}
	m := &r.a.memory
	m.hints = r.a.hint(m.hints[:0])
	m.spans = r.tagger.Tag(route, r.a.text, m.hints, m.spans[:0])
	out := m.tags[:0]
	at := 0
	for _, s := range m.spans {
		for at < len(r.a.toks) && r.a.toks[at].end <= s.From {
			at++
		}
		end := at
		for end < len(r.a.toks) && r.a.toks[end].start < s.To {
			end++
		}
		if end > at {
			out = append(out, tag{at, end, s.Slot, r.a.text[s.From:s.To]})
		}
	}
	m.tags = out
	return out
}

// first returns the first run of a slot, or a zero tag.
func first(tags []tag, slot string) tag {
	for _, t := range tags {
		if t.slot == slot {
			return t
		}
	}
	return tag{}
}

// named returns the name that a tag stands for, as the catalogue spells it, with typos
// allowed; a name that the catalogue lacks is returned as typed.
func (r *reader) named(t tag, k kind, names *fuzzy) string {
	toks := r.a.toks[t.from:t.to]
	if p := r.index.lookup(toks); p != nil && p.kinds&k != 0 {
		return p.value(k)
	}
	if toks[0].text == "the" {
		if p := r.index.lookup(toks[1:]); p != nil && p.kinds&k != 0 {
			return p.value(k)
		}
	}
	if name := names.nearest(joinTokens(toks)); name != "" {
		return name
	}
	return strings.TrimRight(strings.TrimLeft(t.typed, "\"'“‘([:"), "\"'”’)]?.,:;")
}
