package judge

import "time"

// PassingError is an error of a judge that may pass: the same question may be answered
// later.
type PassingError struct {
	After time.Duration // the judge wants to be left alone so long; 0: it does not say
	Err   error
}

func (e *PassingError) Error() string { return e.Err.Error() }

// Unwrap returns what went wrong.
func (e *PassingError) Unwrap() error { return e.Err }
