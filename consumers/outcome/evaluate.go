package outcome

import (
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// verdict says whether an event counts for its search.
type verdict int

const (
	counts verdict = iota
	outOfWindow
	unknownSection
)

// judge says whether an event counts for the search of o, which was asked at a time, and
// for which of its sections: -1 if it names none.
func judge(o *Shape, asked int64, e event, attribution time.Duration) (section int, v verdict) {
	after := e.at - asked
	if after < -maxEarly.Milliseconds() || after > attribution.Milliseconds() {
		return -1, outOfWindow
	}
	if e.section == 0 {
		return -1, counts
	}
	for i := range o.Slots {
		if o.Slots[i].hash == e.section && !o.Slots[i].Omitted {
			return i, counts
		}
	}
	return -1, unknownSection
}

// evaluate sums up the events that count for the search of o, which holds no event yet. It
// is a function of its arguments.
func evaluate(o *Outcome, asked int64, events packed, attribution time.Duration) {
	var first int64 // time of the first success
	for i := range events.len() {
		e := events.at(i) // in the order of time
		section, v := judge(o.Shape, asked, e, attribution)
		if v != counts {
			continue
		}
		o.count(e, section)
		if !e.success() || o.First.OK && e.at > first {
			continue
		}
		after := time.Duration(max(e.at-asked, 0)) * time.Millisecond
		if one := (First{OK: true, Section: section, Ordinal: int(e.ordinal), After: after}); !o.First.OK || one.above(o.First) {
			o.First, first = one, e.at
		}
	}
}

// above reports whether a success stands higher on the page than another one.
func (f First) above(o First) bool {
	return f.Section < o.Section || f.Section == o.Section && f.Ordinal < o.Ordinal
}

// count adds an event to the sums of the page, and of its section if it names one.
func (o *Outcome) count(e event, section int) {
	o.Events++
	var none Section
	s := &none
	if section >= 0 {
		s = &o.Sections[section]
	}
	switch e.kind {
	case kindClick:
		o.Clicks++
		s.Clicks++
	case kindStream:
		o.Streams++
		s.Streams++
	case kindOther:
		return
	}
	o.Viewed, s.Viewed = true, true
}

// compared is a section whose items are of teams.
type compared struct {
	section     int
	teams       string // of each item, in the order of the section
	attribution time.Duration
}

// credit counts the items that the events that count are a success of, by team.
func credit(o *Shape, asked int64, events packed, c compared) (sum Credit) {
	var seen [256]bool // by position from 1
	for i := range events.len() {
		e := events.at(i)
		section, v := judge(o, asked, e, c.attribution)
		if v != counts || section != c.section || !e.success() || e.ordinal == 0 || seen[e.ordinal] {
			continue
		}
		seen[e.ordinal] = true
		if int(e.ordinal) > len(c.teams) {
			continue
		}
		switch schemas.Team(c.teams[e.ordinal-1 : e.ordinal]) {
		case schemas.TeamA:
			sum.A++
		case schemas.TeamB:
			sum.B++
		}
	}
	return sum
}
