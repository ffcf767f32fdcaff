package nlu

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A stored model is a magic line, a header in JSON on one line, and then in little endian:
// the words, the phrases, the classifier, and for each intent its moves and its weights.

const (
	modelMagic  = "pfr nlu\n"
	modelFormat = 1
)

// ErrModel says that bytes are not a model that this code can use.
var ErrModel = errors.New("not a language understanding model")

// header is the readable part of a stored model.
type header struct {
	Provenance
	Words   int         `json:"words"`
	Phrases int         `json:"phrases"`
	Rows    int         `json:"rows"` // of the classifier
	Taggers []tagHeader `json:"taggers"`
}

type tagHeader struct {
	Slots []int `json:"slots"`
	Rows  int   `json:"rows"`
}

// Bits of a stored word.
const (
	isSeen = 1 << iota
	isCue
)

// MarshalBinary writes the model. Equal models give equal bytes.
func (m *Model) MarshalBinary() ([]byte, error) {
	h := header{Provenance: m.Provenance, Words: len(m.lexicon.words), Phrases: len(m.lexicon.phrases), Rows: len(m.intent.keys)}
	for _, t := range m.taggers {
		th := tagHeader{Rows: len(t.keys)}
		for _, s := range t.slots {
			th.Slots = append(th.Slots, int(s))
		}
		h.Taggers = append(h.Taggers, th)
	}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("model header: %w", err)
	}
	out := append([]byte(modelMagic), head...)
	out = m.lexicon.append(append(out, '\n'))
	out = m.intent.append(out)
	for _, t := range m.taggers {
		for _, moves := range [][]int32{t.first, t.moves, t.last} {
			for _, w := range moves {
				out = binary.LittleEndian.AppendUint32(out, uint32(w))
			}
		}
		out = t.append(out)
	}
	return out, nil
}

func (l *lexicon) append(out []byte) []byte {
	for _, hash := range slices.Sorted(maps.Keys(l.words)) {
		e := l.words[hash]
		var flags byte
		if e.seen {
			flags |= isSeen
		}
		if e.cue {
			flags |= isCue
		}
		out = append(binary.LittleEndian.AppendUint64(out, hash), flags)
		out = binary.AppendUvarint(binary.AppendUvarint(out, e.alone), e.within)
	}
	for _, hash := range slices.Sorted(maps.Keys(l.phrases)) {
		out = binary.AppendUvarint(binary.LittleEndian.AppendUint64(out, hash), l.phrases[hash])
	}
	return out
}

func (t *table) append(out []byte) []byte {
	for _, key := range t.keys {
		out = binary.LittleEndian.AppendUint64(out, key)
	}
	for _, w := range t.rows {
		out = append(out, byte(w))
	}
	return out
}

// Read reads what [Model.MarshalBinary] wrote. Its errors wrap [ErrModel].
func Read(data []byte) (*Model, error) {
	rest, ok := bytes.CutPrefix(data, []byte(modelMagic))
	head, rest, found := bytes.Cut(rest, []byte("\n"))
	var h header
	if !ok || !found || json.Unmarshal(head, &h) != nil {
		return nil, fmt.Errorf("%w: header", ErrModel)
	}
	if err := h.check(len(rest)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	d := decoder{rest: rest}
	m := &Model{Provenance: h.Provenance, lexicon: d.lexicon(h.Words, h.Phrases), intent: d.table(len(h.Intents), h.Rows)}
	for _, th := range h.Taggers {
		m.taggers = append(m.taggers, d.tagger(th))
	}
	if d.bad || len(d.rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes of weights", ErrModel, len(rest))
	}
	m.init()
	return m, nil
}

// check reports what in a header can not be, for a model with so many bytes of weights.
func (h *header) check(size int) error {
	switch {
	case h.Format != modelFormat:
		return fmt.Errorf("format %d", h.Format)
	case len(h.Intents) == 0 || len(h.Intents) > maxIntents || len(h.Slots) > maxSlots:
		return fmt.Errorf("%d intents, %d slots", len(h.Intents), len(h.Slots))
	case !(h.Temperature > 0): // NaN too
		return fmt.Errorf("temperature %v", h.Temperature)
	case len(h.Taggers) != len(h.Intents):
		return fmt.Errorf("%d taggers for %d intents", len(h.Taggers), len(h.Intents))
	case !plausible(size, h.Words, h.Phrases, h.Rows):
		return fmt.Errorf("%d words, %d phrases, %d rows", h.Words, h.Phrases, h.Rows)
	}
	for i, t := range h.Taggers {
		if !plausible(size, t.Rows) || len(t.Slots) > maxSlots || slices.ContainsFunc(t.Slots, func(s int) bool { return s < 0 || s >= len(h.Slots) }) {
			return fmt.Errorf("tagger of %s", h.Intents[i])
		}
	}
	return nil
}

// plausible reports whether so many things can be stored in so many bytes.
func plausible(size int, counts ...int) bool {
	for _, n := range counts {
		if n < 0 || n > size {
			return false
		}
	}
	return true
}

// decoder takes values off the front of bytes. Once it has run out it is bad, and all
// further values are zero.
type decoder struct {
	rest []byte
	bad  bool
}

// take returns the next n bytes, or nil.
func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.rest) {
		d.bad = true
		return nil
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.take(n)
	return v
}

func (d *decoder) lexicon(words, phrases int) *lexicon {
	l := &lexicon{words: make(map[uint64]entry, words), phrases: make(map[uint64]uint64, phrases)}
	for range words {
		hash, flags := d.uint64(), d.take(1)
		if d.bad {
			break
		}
		l.words[hash] = entry{seen: flags[0]&isSeen != 0, cue: flags[0]&isCue != 0, alone: d.uvarint(), within: d.uvarint()}
	}
	for range phrases {
		hash := d.uint64()
		l.phrases[hash] = d.uvarint()
	}
	return l
}

// table reads n rows.
func (d *decoder) table(width, n int) *table {
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = d.uint64()
		if i > 0 && keys[i] <= keys[i-1] {
			d.bad = true
		}
	}
	weights := d.take(width * n)
	if d.bad {
		return &table{}
	}
	rows := make([]int8, len(weights))
	for i, w := range weights {
		rows[i] = int8(w)
	}
	return newTable(width, keys, rows)
}

func (d *decoder) tagger(h tagHeader) tagger {
	var t tagger
	for _, s := range h.Slots {
		t.slots = append(t.slots, uint8(s))
	}
	k := t.tags()
	t.first, t.moves, t.last = d.moves(k), d.moves(k*k), d.moves(k)
	t.table = d.table(k, h.Rows)
	return t
}

// maxMove bounds a stored move, so that no sum of them overflows.
const maxMove = 1 << 20

func (d *decoder) moves(n int) []int32 {
	b := d.take(4 * n)
	out := make([]int32, len(b)/4)
	for i := range out {
		out[i] = max(-maxMove, min(maxMove, int32(binary.LittleEndian.Uint32(b[4*i:]))))
	}
	return out
}
