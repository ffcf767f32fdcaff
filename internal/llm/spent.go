package llm

import (
	"sync"
	"time"
)

// spent counts what was used in this minute, in fixed windows.
type spent struct {
	mu     sync.Mutex
	minute time.Time
	calls  int
	tokens int
	// dearest is what questions have lately come to at most. It is booked in advance, so
	// that those under way cannot overshoot.
	dearest int
}

// booking is what was booked for a question.
type booking struct {
	minute time.Time
	tokens int
}

// book takes the share of a question in advance, or says what is used up. The first
// question of a minute is always asked: what is dearer than a whole minute would never be
// asked again otherwise, and the next one pays.
func (s *spent) book(b Budget, now time.Time) (booking, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(s.minute) {
		s.minute, s.calls, s.tokens = minute, 0, 0
	}
	switch {
	case s.calls >= b.CallsPerMinute:
		return booking{}, skipCalls
	case s.calls > 0 && s.tokens+s.dearest > b.TokensPerMinute:
		return booking{}, skipToken
	}
	s.calls++
	s.tokens += s.dearest
	return booking{s.minute, s.dearest}, nil
}

// cancel gives back all that was booked for a question that was not asked.
func (s *spent) cancel(b booking) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.minute.Equal(s.minute) {
		s.calls--
		s.tokens = max(0, s.tokens-b.tokens)
	}
}

// settle replaces what was booked by what it came to. A window that has passed since is
// left alone.
func (s *spent) settle(b booking, tokens int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const fade = 0.9 // one odd question is forgotten in time
	s.dearest = max(tokens, int(fade*float64(s.dearest)))
	if b.minute.Equal(s.minute) {
		s.tokens = max(0, s.tokens-b.tokens+tokens)
	}
}
