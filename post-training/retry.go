package posttraining

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Retry is how often a teacher or judge that could not be asked is asked again: Times at most,
// after First, twice that, and so on.
type Retry struct {
	Times int
	First time.Duration
}

// DefaultRetry returns settings for a server that is restarted now and then.
func DefaultRetry() Retry { return Retry{Times: 3, First: time.Second} }

// Validate reports every problem at once.
func (r Retry) Validate() error {
	var errs []error
	if r.Times < 0 {
		errs = append(errs, fmt.Errorf("retries %d: must not be negative", r.Times))
	}
	if r.First <= 0 {
		errs = append(errs, fmt.Errorf("first pause %v: must be positive", r.First))
	}
	return errors.Join(errs...)
}

// do calls ask until it has no error, at most Times times more, and again before each of
// these. When ctx ends or hurry is closed nobody is asked again; hurry and again may be nil.
func (r Retry) do(ctx context.Context, hurry <-chan struct{}, ask func() error, again func()) error {
	for n := 0; ; n++ {
		err := ask()
		if err == nil || n >= r.Times {
			return err
		}
		pause := time.NewTimer(r.First * time.Duration(math.Exp2(float64(n))))
		select {
		case <-pause.C:
		case <-hurry:
			pause.Stop()
			return err
		case <-ctx.Done():
			pause.Stop()
			return err
		}
		if again != nil {
			again()
		}
	}
}
