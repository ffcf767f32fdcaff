package fusion

import (
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// schedule says until when a page waits for each of its calls. It is no clock: whoever
// gathers tells it the time.
//
// A call's own deadline is for queries of [schemas.StandardDeadline]. A query that gives
// more time gives its calls more in proportion; none goes past the end of the page.
// Sections that are still open may be filled until the last one is due.
type schedule struct {
	start, end time.Time // of the page; the end is the query's deadline less the reserve
	scale      float64
	calls      []schemas.Call
	limits     []time.Time
	closed     []bool
	mandatory  int // calls without an answer
	filled     int // sections that have something to show
	quorum     *schemas.Quorum
	room       time.Time // optional calls end here once every mandatory one was answered; zero: with the others
	enough     time.Time // what is open ends here, once the page has a quorum; zero: it has none
}

// schedule returns the schedule of a page that starts now.
func (a *Aggregator) schedule(d *schemas.RouteDecision, start time.Time) *schedule {
	calls := d.Decision.Calls
	s := &schedule{
		start: start, end: d.Query.Deadline.Add(-a.cfg.Reserve), scale: scale(d.Query), calls: calls,
		limits: make([]time.Time, len(calls)), closed: make([]bool, len(calls)), quorum: d.Decision.Quorum,
	}
	for i, c := range calls {
		s.limits[i] = earlier(start.Add(s.times(c.DeadlineMS)), s.end)
		s.mandatory += count(c.Mandatory)
	}
	if d.Decision.Refine != nil && a.ports.Refiner != nil {
		s.leaveRoom(d.Decision.Refine.BudgetMS)
	}
	return s
}

// leaveRoom keeps time for refinement. It never takes more than half of the page's: a page
// in a hurry is filled, not refined.
func (s *schedule) leaveRoom(budgetMS int) {
	if room := s.end.Add(-millisecondsOf(budgetMS)); room.Sub(s.start) >= s.end.Sub(s.start)/2 {
		s.room = room
	}
}

// scale is how much longer the calls of a query have than those of a standard one.
func scale(q schemas.PublicQuery) float64 {
	return max(1, float64(q.Deadline.Sub(q.SubmittedAt))/float64(schemas.StandardDeadline))
}

// times returns milliseconds of a standard query as time of this one.
func (s *schedule) times(ms int) time.Duration {
	return time.Duration(s.scale * float64(millisecondsOf(ms)))
}

func millisecondsOf(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// land takes the status of a call that ended at now.
func (s *schedule) land(i int, status schemas.SectionStatus, now time.Time) {
	s.closed[i] = true
	if s.calls[i].Mandatory && status.Answered() {
		s.mandatory--
	}
	s.filled += count(status == schemas.SectionOK)
	if s.quorum != nil && s.enough.IsZero() && s.mandatory == 0 && s.filled >= s.quorum.Sections {
		s.enough = now.Add(s.times(s.quorum.PatienceMS))
	}
}

// due returns until when the page waits for call i, as things stand.
func (s *schedule) due(i int) time.Time {
	limit := s.limits[i]
	if s.mandatory > 0 || s.calls[i].Mandatory {
		return limit
	}
	if !s.room.IsZero() {
		limit = earlier(limit, s.room)
	}
	if !s.enough.IsZero() {
		limit = earlier(limit, s.enough)
	}
	return limit
}

// last returns the time at which the page waits no longer.
func (s *schedule) last() time.Time {
	var last time.Time
	for i := range s.calls {
		if due := s.due(i); !s.closed[i] && due.After(last) {
			last = due
		}
	}
	return last
}

// missed says for a person why a section has no answer at now.
func (s *schedule) missed(i int, now time.Time) string {
	waited := now.Sub(s.start).Round(time.Millisecond).Milliseconds()
	if s.due(i).Before(s.limits[i]) {
		return fmt.Sprintf("the rest of the page was ready, and this had not answered after %d ms", waited)
	}
	return fmt.Sprintf("no answer within %d ms", waited)
}
