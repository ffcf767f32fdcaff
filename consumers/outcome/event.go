package outcome

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// kind is what an event means for the metrics.
type kind uint8

// Kinds of events.
const (
	kindOther kind = iota
	kindView
	kindPlay   // a stream that is too short
	kindStream // a stream of at least schemas.MinStreamMS
	kindClick
)

// event is what is kept of an interaction.
type event struct {
	id      uint64 // hash of the event id
	at      int64  // corrected time, in Unix milliseconds
	section uint32 // hash of the section's id; 0 if none is named
	kind    kind
	ordinal uint8 // position in the section, 255 for more
}

func (e event) success() bool { return e.kind == kindStream || e.kind == kindClick }

// newEvent returns what is kept of an interaction, and how long after it happened the edge
// had it.
func newEvent(i *schemas.Interaction, at Record) (e event, age time.Duration) {
	received := i.ReceivedAt
	if received.IsZero() {
		received = at.Time
	}
	happened := i.At(at.Time)
	return event{
		id: hash(i.EventID), at: happened.UnixMilli(), section: sectionHash(i.SectionID),
		kind: kindOf(i), ordinal: uint8(min(max(i.EventAttributes.Position.Ordinal, 0), 255)),
	}, received.Sub(happened)
}

func kindOf(i *schemas.Interaction) kind {
	switch i.ActionName {
	case schemas.ActionClick:
		return kindClick
	case schemas.ActionStream:
		if i.Streamed() {
			return kindStream
		}
		return kindPlay
	case schemas.ActionImpression, schemas.ActionView:
		return kindView
	default:
		return kindOther
	}
}

// sectionHash folds a hash to 32 bits; 0 is kept for no section.
func sectionHash(id string) uint32 {
	if id == "" {
		return 0
	}
	h := hash(id)
	return max(uint32(h)^uint32(h>>32), 1)
}

// The events of a search are packed in the order of less, so that they cost no more than
// their 20 bytes: hash, time, section, kind and ordinal.
const (
	packedSize = 20
	timeBytes  = 6
	timeMask   = 1<<(8*timeBytes) - 1
)

// packed holds the events of a search. It is never changed in place.
type packed string

func (p packed) len() int { return len(p) / packedSize }

func (p packed) at(i int) event {
	b := p[i*packedSize : (i+1)*packedSize]
	num := func(from, n int) (v uint64) {
		for _, c := range []byte(b[from : from+n]) {
			v = v<<8 | uint64(c)
		}
		return v
	}
	return event{
		id: num(0, 8), at: int64(num(8, timeBytes)), section: uint32(num(14, 4)),
		kind: kind(b[18]), ordinal: b[19],
	}
}

func (e event) pack(b []byte) {
	binary.BigEndian.PutUint64(b, e.id)
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(max(e.at, 0))&timeMask)
	copy(b[8:14], at[8-timeBytes:])
	binary.BigEndian.PutUint32(b[14:], e.section)
	b[18], b[19] = byte(e.kind), e.ordinal
}

// less orders events by time, then by id; two forms of one event by their content.
func (e event) less(o event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	if e.id != o.id {
		return e.id < o.id
	}
	if e.kind != o.kind {
		return e.kind < o.kind
	}
	if e.section != o.section {
		return e.section < o.section
	}
	return e.ordinal < o.ordinal
}

// added says what adding an event did.
type added int

const (
	addedNew    added = iota
	addedAgain        // the same event id was there
	addedFlood        // it is one too many: nothing is kept
	addedBefore       // the same event id was there, but later: this form of it replaces it
)

// add returns the events with e. Of two forms of one event the smaller one is kept, so
// that the result does not depend on the order in which they come.
func (p packed) add(e event) (packed, added) {
	place, known := 0, -1
	for i := range p.len() {
		o := p.at(i)
		if o.id == e.id {
			known = i
		}
		if o.less(e) {
			place = i + 1
		}
	}
	var one [packedSize]byte
	e.pack(one[:])
	cut := place * packedSize
	switch {
	case known >= 0 && known < place || known == place && p.at(known) == e:
		return p, addedAgain
	case known >= 0:
		end := known * packedSize
		return packed(strings.Join([]string{string(p[:cut]), string(one[:]), string(p[cut:end]), string(p[end+packedSize:])}, "")), addedBefore
	case p.len() == maxEvents:
		return "", addedFlood
	default:
		return p[:cut] + packed(one[:]) + p[cut:], addedNew
	}
}
