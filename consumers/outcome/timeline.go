package outcome

import (
	"slices"
	"sort"
	"time"
)

// timeline holds the searches by the minute of their time, and within a minute by client.
// It finds what a client asked shortly before and after, and what is oldest.
type timeline struct {
	minutes map[int64][]*search
}

func newTimeline() timeline { return timeline{minutes: map[int64][]*search{}} }

// minuteOf returns the minute of a time in Unix milliseconds.
func minuteOf(ms int64) int64 {
	const perMinute = int64(time.Minute / time.Millisecond)
	m := ms / perMinute
	if ms%perMinute < 0 {
		m--
	}
	return m
}

// place returns where s is in its minute, or would be.
func place(list []*search, s *search) int {
	return sort.Search(len(list), func(i int) bool { return !list[i].before(s) })
}

func (t *timeline) insert(s *search) {
	m := minuteOf(s.at)
	list := t.minutes[m]
	t.minutes[m] = slices.Insert(list, place(list, s), s)
}

func (t *timeline) remove(s *search) {
	m := minuteOf(s.at)
	list := t.minutes[m]
	if i := place(list, s); i < len(list) && list[i] == s {
		t.minutes[m] = slices.Delete(list, i, i+1)
	}
}

// oldest returns the first minute that holds a search.
func (t *timeline) oldest() (minute int64, ok bool) {
	for m := range t.minutes {
		if !ok || m < minute {
			minute, ok = m, true
		}
	}
	return minute, ok
}

// take removes a minute and returns its searches.
func (t *timeline) take(minute int64) []*search {
	list := t.minutes[minute]
	delete(t.minutes, minute)
	return list
}

// later calls f with the searches of the same client that follow s within a time, nearest
// first, until f returns false.
func (t *timeline) later(s *search, within time.Duration, f func(*search) bool) {
	limit, left := s.at+within.Milliseconds(), maxNeighbours
	for m := minuteOf(s.at); m <= minuteOf(limit); m++ {
		list := t.minutes[m]
		for i := place(list, s); i < len(list) && list[i].client == s.client && list[i].at <= limit; i++ {
			if list[i] == s {
				continue
			}
			if left--; left < 0 || !f(list[i]) {
				return
			}
		}
	}
}

// earlier calls f with the searches of the same client that come before s within a time,
// nearest first.
func (t *timeline) earlier(s *search, within time.Duration, f func(*search)) {
	limit, left := s.at-within.Milliseconds(), maxNeighbours
	for m := minuteOf(s.at); m >= minuteOf(limit); m-- {
		list := t.minutes[m]
		for i := place(list, s) - 1; i >= 0 && list[i].client == s.client && list[i].at >= limit; i-- {
			if left--; left < 0 {
				return
			}
			f(list[i])
		}
	}
}

// judgeNeighbours says whether s was typed on the way to the next text, and whether its
// client worded it otherwise soon after.
func (t *timeline) judgeNeighbours(s *search) flags {
	if s.client == 0 || s.text() == "" {
		return s.flags & (flagTyped | flagReformulated) // of a search whose client was erased
	}
	var f flags
	next := true
	t.later(s, reformulatedIn, func(o *search) bool {
		if next && o.at-s.at <= typedIn.Milliseconds() && onTheWay(s.text(), o.text()) {
			f = flagTyped
			return false
		}
		next = false
		if similar(s.text(), o.text()) {
			f = flagReformulated
			return false
		}
		return true
	})
	return f
}
