package fusion

import (
	"context"
	"errors"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// section returns the section of a call with its answer, all items of it.
func section(c schemas.Call, ans answer) schemas.Section {
	s := schemas.Section{
		ID: c.Section, Title: c.Title, Component: c.Component, Tool: c.Tool, Display: c.Display, Mandatory: c.Mandatory,
		Items: []schemas.Item{}, TookMS: millis(ans.took),
	}
	s.Status, s.Reason = status(ans)
	if s.Status.Answered() {
		s.Text, s.ServiceMS, s.Cached, s.Repeated = ans.resp.Text, ans.resp.TookMS, ans.resp.Cached, ans.repeated
	}
	if s.Status == schemas.SectionOK {
		s.Items = ans.resp.Items // with the spare ones
		if compared(s.Items) {
			s.Rival = c.Rival
		}
	}
	return s
}

// status says what an answer means for its section, and why, for a person.
func status(ans answer) (schemas.SectionStatus, string) {
	switch err := ans.err; {
	case err == nil && len(ans.resp.Items) == 0 && ans.resp.Text == "":
		return schemas.SectionEmpty, "nothing was found"
	case err == nil:
		return schemas.SectionOK, ""
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return schemas.SectionTimeout, "no answer by the deadline"
	case errors.Is(err, ErrNoResponder):
		return schemas.SectionNoResponder, ErrNoResponder.Error()
	case errors.Is(err, ErrShed):
		return schemas.SectionShed, ErrShed.Error()
	case errors.Is(err, ErrInvalid):
		return schemas.SectionInvalid, ErrInvalid.Error()
	default:
		return schemas.SectionError, "the tool failed"
	}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
