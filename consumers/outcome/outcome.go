package outcome

import (
	"io"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Outcome is a search and what came of it. It belongs to the Join and is valid during the
// call that hands it over; Shape stays valid, as it never changes.
type Outcome struct {
	ID     ID
	At     time.Time // of the query, to the millisecond
	Client Subject   // whom arms are assigned to; 0 for nobody
	User   Subject

	*Shape
	Status      schemas.SERPStatus
	Asked       bool // a language model was asked for the decision
	Invalid     bool // and what it said was no valid decision
	CostNanoUSD int64
	Timings     [Stages]Bin
	Sections    []Section // those on the page in its order, then those left out

	Events  int   // that count for the search; 0 when it is flooded
	Clicks  int   //
	Streams int   // of at least schemas.MinStreamMS
	Viewed  bool  // something came into view, or was clicked or played
	First   First // success

	Reformulated bool // the client worded it otherwise soon after
	Typed        bool // a text on the way to the next one: not to be counted as a search
	Flooded      bool // more than 64 distinct events: none of them counts
}

// Shape is what many searches have in common. It is shared and never changes.
type Shape struct {
	Route    string
	Tier     schemas.Source
	Market   string // Other if it is none, or there are too many
	Platform string // "" if unknown; Other if there are too many
	Arm      string // experiment/arm; "" without an experiment
	Exposed  bool   // the arms of the experiment differ for the query
	Slots    []Slot

	serial uint32 // in snapshots
	refs   int    // searches that have it
	key    string
}

// Slot is a section that was asked for.
type Slot struct {
	ID        string
	Tool      string
	Component string
	Omitted   bool // found nothing and is not on the page
	// Comparison is that of two tools whose answers the section mixes; "" for none.
	Comparison string

	hash uint32 // of ID
}

// Section is a section and what came of it.
type Section struct {
	*Slot
	Status  schemas.SectionStatus
	Items   int // 255 for more
	Clicks  int
	Streams int
	Viewed  bool
	Credit  Credit // of a section with a comparison
}

// Credit counts the items that were clicked or played, by the team that they are of. An item
// counts once.
type Credit struct {
	A, B int
}

// First is the first success of a search: the earliest event that is a success, and of
// several at one millisecond the one that stands highest on the page, with those first that
// name no section, or no position in it. Nothing depends on their ids.
type First struct {
	OK      bool
	Section int           // index of the section; -1 if the event names none
	Ordinal int           // position in the section from 1; 0 if the event names none
	After   time.Duration // since the query; 0 for the minute before it
}

// Success reports whether the listener found something: a click, or a stream of at least
// schemas.MinStreamMS.
func (o *Outcome) Success() bool { return o.First.OK }

// Rescued reports whether the first success lies outside the first section: what fusion
// adds to the best single answer.
func (o *Outcome) Rescued() bool { return o.First.OK && o.First.Section > 0 }

// Abandoned reports whether the listener went away without a click, a counted stream or
// another wording. A flooded search is not abandoned: it had events, whatever they were.
func (o *Outcome) Abandoned() bool {
	return !o.Success() && !o.Reformulated && !o.Flooded
}

// BadAbandoned reports whether the search was abandoned and there was no answer on its
// page, which would have needed no click.
func (o *Outcome) BadAbandoned() bool {
	if !o.Abandoned() {
		return false
	}
	for _, s := range o.Sections {
		if s.Component == componentAnswer && s.Status == schemas.SectionOK && !s.Omitted {
			return false
		}
	}
	return true
}

// componentAnswer is the component of sections that answer by text.
const componentAnswer = "answer"

// ZeroResults reports whether nothing is on the page.
func (o *Outcome) ZeroResults() bool {
	for _, s := range o.Sections {
		if s.Status == schemas.SectionOK && !s.Omitted {
			return false
		}
	}
	return true
}

// Change is a change of an outcome: Before is nil when the search is new, After is never
// nil. ID and At are the same in both. Both are valid during the call only.
//
// Erased says that the join forgot who asked, and nothing else: Client and User of Before
// are those that were known, and those of After are 0. What was counted stays counted, so
// who counts by client neither subtracts Before nor adds After. Later changes of the search
// have a client of 0 on both sides and no Erased. A search is erased once.
type Change struct {
	Before, After *Outcome
	Erased        bool
}

// Subscriber is told of changes, one after the other. It must not call the Join.
type Subscriber interface {
	Changed(c Change)
	// Settled says that searches before this time do not change any more, and that none
	// come.
	Settled(before time.Time)
}

// Beginner is a [Subscriber] that wants to know what it was not told of.
type Beginner interface {
	// Begins says that pages or events of searches before a time are missing, because the
	// topics do not hold them any more and the state was made without them. The latest time
	// of several calls is the one that holds. It must not call the Join.
	Begins(at time.Time)
}

// Part is state that is saved with the Join's. A [Subscriber] that is a Part has its
// aggregates in the same snapshot.
type Part interface {
	Name() string // in snapshots; it must not change
	Save(w io.Writer) error
	// Load replaces the state by a saved one. No input at all stands for the empty state,
	// which is also what an error leaves.
	Load(r io.Reader) error
}

// Freezer is a [Part] whose state takes long to encode. Freeze is called instead of Save
// while the join stands still, and must be quick. The function that it returns writes the
// state as it was at the call of Freeze. It is called at most once, before the next Freeze,
// and while changes come; Load reads what it wrote.
type Freezer interface {
	Freeze() (save func(w io.Writer) error)
}
