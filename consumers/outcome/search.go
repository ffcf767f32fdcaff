package outcome

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// search is what is held of a page and its events. Each field is there a million times.
type search struct {
	id      ID
	at      int64 // of the query, in Unix milliseconds
	shape   *Shape
	client  Subject
	user    Subject
	facts   string // two bytes a section, status and items; then teams; then the normalised text
	events  packed
	cost    int64
	timings [Stages]Bin
	status  uint8
	flags   flags
}

// flags are what is known of a search beside numbers.
type flags uint8

const (
	flagAsked flags = 1 << iota
	flagInvalid
	flagTyped
	flagReformulated
	flagFlooded
)

func (s *search) is(f flags) bool { return s.flags&f != 0 }

// text returns the normalised text, "" if nobody is known to have asked.
func (s *search) text() string { return s.facts[s.numbers():] }

// numbers returns where the text begins, and the facts must be that long.
func (s *search) numbers() int {
	at := 2 * len(s.shape.Slots)
	for i := range s.shape.Slots {
		if s.shape.Slots[i].Comparison != "" {
			at += s.items(i)
		}
	}
	return at
}

func (s *search) items(slot int) int { return int(s.facts[2*slot+1]) }

// teams returns the team of each item of a section, a letter each, "" without a comparison.
func (s *search) teams(slot int) string {
	if s.shape.Slots[slot].Comparison == "" {
		return ""
	}
	at := 2 * len(s.shape.Slots)
	for i := range slot {
		if s.shape.Slots[i].Comparison != "" {
			at += s.items(i)
		}
	}
	return s.facts[at : at+s.items(slot)]
}

// before orders the searches of one minute: by client, time and id.
func (s *search) before(o *search) bool {
	switch {
	case s.client != o.client:
		return s.client < o.client
	case s.at != o.at:
		return s.at < o.at
	default:
		return string(s.id[:]) < string(o.id[:])
	}
}

// newSearch returns what is held of a page that was asked for at a time.
func newSearch(page *schemas.SERP, id ID, at int64, shape *Shape) *search {
	t := page.Timings
	s := &search{
		id: id, at: at, shape: shape, cost: int64(math.Round(page.Cost * 1e9)),
		timings: [Stages]Bin{BinOf(t.TotalMS), BinOf(t.QueuedMS), BinOf(t.RouterMS), BinOf(t.ToolsMS), BinOf(t.RefineMS)},
		status:  uint8(max(slices.Index(statuses(), page.Status), 0)),
		flags:   askedFlags(&page.Route),
	}
	facts := make([]byte, 0, 2*len(shape.Slots)+len(page.Query))
	for _, list := range [...][]schemas.Section{page.Sections, page.Omitted} {
		for i := range list {
			facts = append(facts, sectionStatus(list[i].Status), byte(min(len(list[i].Items), 255)))
		}
	}
	for _, list := range [...][]schemas.Section{page.Sections, page.Omitted} {
		for i := range list {
			facts = appendTeams(facts, &list[i])
		}
	}
	if page.Asked != nil {
		s.client, s.user = SubjectOf(page.Asked.Client), SubjectOf(page.Asked.User)
	}
	if s.client != 0 {
		facts = append(facts, normalise(page.Query)...)
	}
	s.facts = string(facts)
	return s
}

// noTeam stands for items that only one tool had left to say.
const noTeam = '-'

func appendTeams(facts []byte, s *schemas.Section) []byte {
	if comparison(s) == "" {
		return facts
	}
	for i := range min(len(s.Items), 255) {
		team := byte(noTeam)
		if t := s.Items[i].Team; t != "" {
			team = t[0]
		}
		facts = append(facts, team)
	}
	return facts
}

// askedFlags says whether a language model was asked for the decision. Pages of older
// versions do not tell which tiers were asked.
func askedFlags(r *schemas.RouteSummary) (f flags) {
	if r.Source == schemas.SourceLLM {
		f = flagAsked
	}
	for _, t := range r.Tiers {
		if t.Source != schemas.SourceLLM {
			continue
		}
		switch t.Outcome {
		case schemas.OutcomeInvalid:
			f |= flagAsked | flagInvalid
		case schemas.OutcomeAnswered, schemas.OutcomeUnsure, schemas.OutcomeTimeout, schemas.OutcomeError:
			f |= flagAsked
		}
	}
	return f
}

// statuses and sectionStatuses list what is held as a number. New ones go at the end.
func statuses() []schemas.SERPStatus {
	return []schemas.SERPStatus{schemas.SERPComplete, schemas.SERPPartial, schemas.SERPDegraded, schemas.SERPExpired}
}

func sectionStatuses() []schemas.SectionStatus {
	return []schemas.SectionStatus{
		schemas.SectionOK, schemas.SectionEmpty, schemas.SectionTimeout, schemas.SectionError,
		schemas.SectionInvalid, schemas.SectionShed, schemas.SectionNoResponder,
	}
}

func sectionStatus(s schemas.SectionStatus) byte {
	return byte(max(slices.Index(sectionStatuses(), s), 0))
}

// describe fills o with the facts of a search and what came of it. It reuses the room of
// o.Sections.
func (s *search) describe(o *Outcome, attribution time.Duration) {
	all := statuses()
	*o = Outcome{
		ID: s.id, At: time.UnixMilli(s.at).UTC(), Client: s.client, User: s.user, Shape: s.shape,
		Status: all[min(int(s.status), len(all)-1)], Asked: s.is(flagAsked), Invalid: s.is(flagInvalid),
		CostNanoUSD: s.cost, Timings: s.timings, Sections: o.Sections[:0],
		Typed: s.is(flagTyped), Reformulated: s.is(flagReformulated), Flooded: s.is(flagFlooded),
	}
	known := sectionStatuses()
	for i := range s.shape.Slots {
		o.Sections = append(o.Sections, Section{
			Slot: &s.shape.Slots[i], Status: known[min(int(s.facts[2*i]), len(known)-1)], Items: int(s.facts[2*i+1]),
		})
	}
	evaluate(o, s.at, s.events, attribution)
	for i := range o.Sections {
		if teams := s.teams(i); teams != "" {
			o.Sections[i].Credit = credit(o.Shape, s.at, s.events, compared{i, teams, attribution})
		}
	}
}

// forget removes who asked, and in which words.
func (s *search) forget() {
	s.client, s.user = 0, 0
	s.facts = strings.Clone(s.facts[:s.numbers()])
}
