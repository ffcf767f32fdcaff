package nlu

// How many slots there may be, one bit each, and how many intents.
const (
	maxSlots   = 64
	maxIntents = 128
)

// lexicon is the dictionary of a trained model. It is immutable.
type lexicon struct {
	words   map[uint64]entry
	phrases map[uint64]uint64
}

func (l *lexicon) word(hash uint64) entry    { return l.words[hash] }
func (l *lexicon) phrase(hash uint64) uint64 { return l.phrases[hash] }

// tally counts the words and the slot values of the training data.
type tally struct {
	words   map[uint64]*count
	phrases map[uint64]slotCounts
	cues    map[uint64]bool // once all is counted
	values  bool            // are counted too
}

// count is how often a word occurs, and where.
type count struct {
	all, outside  int32
	alone, within slotCounts
}

// slotCounts counts by slot; most words and phrases belong to few.
type slotCounts []slotCount

type slotCount struct {
	slot uint8
	n    int32
}

func (c *slotCounts) add(slot uint8, n int32) {
	for i := range *c {
		if (*c)[i].slot == slot {
			(*c)[i].n += n
			return
		}
	}
	*c = append(*c, slotCount{slot, n})
}

// bits returns the slots that are counted.
func (c slotCounts) bits() (set uint64) {
	for _, s := range c {
		if s.n > 0 {
			set |= 1 << s.slot
		}
	}
	return set
}

func newTally(values bool) *tally {
	return &tally{words: map[uint64]*count{}, phrases: map[uint64]slotCounts{}, values: values}
}

// add counts a sentence n times.
func (t *tally) add(toks []token, spans []run, n int32) {
	covered := 0
	outside := func(toks []token) {
		for _, tok := range toks {
			c := t.at(tok.word)
			c.all += n
			c.outside += n
		}
	}
	for _, s := range spans {
		outside(toks[covered:s.from])
		t.value(toks[s.from:s.to], s.slot, n)
		covered = s.to
	}
	outside(toks[covered:])
}

// value counts a value of a slot n times.
func (t *tally) value(toks []token, slot uint8, n int32) {
	if !t.values {
		for _, tok := range toks {
			t.at(tok.word).all += n
		}
		return
	}
	h := toks[0].word
	for i, tok := range toks {
		c := t.at(tok.word)
		c.all += n
		c.within.add(slot, n)
		if i > 0 {
			h = mix(0, h, tok.word)
		}
	}
	switch {
	case len(toks) == 1:
		t.at(h).alone.add(slot, n)
	case len(toks) <= maxPhrase:
		c := t.phrases[h]
		c.add(slot, n)
		t.phrases[h] = c
	}
}

func (t *tally) at(word uint64) *count {
	c := t.words[word]
	if c == nil {
		c = &count{}
		t.words[word] = c
	}
	return c
}

// word says what is known of a word.
func (t *tally) word(hash uint64) entry {
	c := t.words[hash]
	if c == nil || c.all <= 0 || c.outside <= 0 && !t.values {
		return entry{}
	}
	return entry{alone: c.alone.bits(), within: c.within.bits(), seen: true, cue: t.cues[hash]}
}

// close settles which words are cues. Unlike the rest this does not change while a sentence
// is left out: where a word is as often a cue as not, the change would give it away.
func (t *tally) close() {
	t.cues = map[uint64]bool{}
	for h, c := range t.words {
		if c.outside >= leastCue && 2*c.outside >= c.all {
			t.cues[h] = true
		}
	}
}

// leastCue is how often a cue must stand outside slots.
const leastCue = 4

func (t *tally) phrase(hash uint64) uint64 { return t.phrases[hash].bits() }

// lexicon freezes what was counted.
func (t *tally) lexicon() *lexicon {
	l := &lexicon{words: make(map[uint64]entry, len(t.words)), phrases: make(map[uint64]uint64, len(t.phrases))}
	for h := range t.words {
		if e := t.word(h); e.seen {
			l.words[h] = e
		}
	}
	for h := range t.phrases {
		if set := t.phrase(h); set != 0 {
			l.phrases[h] = set
		}
	}
	return l
}

// run is a span in tokens.
type run struct {
	from, to int
	slot     uint8
}

// runs returns spans in tokens. A span that cuts a token takes all of it; of two spans
// that meet in a token the first keeps it.
func runs(toks []token, spans []Span, slots map[string]uint8) []run {
	var out []run
	at := 0
	for _, s := range spans {
		for at < len(toks) && toks[at].to <= s.From {
			at++
		}
		from := at
		for at < len(toks) && toks[at].from < s.To {
			at++
		}
		if at > from {
			out = append(out, run{from, at, slots[s.Slot]})
		}
	}
	return out
}
