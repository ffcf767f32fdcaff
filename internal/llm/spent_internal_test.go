package llm

import (
	"errors"
	"testing"
	"time"
)

// What is booked in advance keeps questions that are under way from overshooting, and a
// question that was not asked leaves nothing behind.
func TestBooking(t *testing.T) {
	budget := DefaultAgentConfig().Budget
	budget.TokensPerMinute, budget.CallsPerMinute = 250, 3
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var s spent
	book := func() booking {
		t.Helper()
		b, err := s.book(budget, now)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	s.settle(book(), 100)
	under := book()
	if _, err := s.book(budget, now); !errors.Is(err, skipToken) {
		t.Errorf("three questions of 100 tokens with 250: %v", err)
	}
	s.cancel(under)
	s.settle(book(), 10)
	s.settle(book(), 10)
	if _, err := s.book(budget, now); !errors.Is(err, skipCalls) {
		t.Errorf("a fourth question: %v", err)
	}
	late := booking{now, 90}
	now = now.Add(time.Minute)
	fresh := book()
	s.settle(late, 1000) // of the minute before
	if s.calls != 1 || s.tokens != fresh.tokens {
		t.Errorf("the new minute has %d calls and %d tokens", s.calls, s.tokens)
	}
}
