package httpclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// brokenError marks a connection that failed or broke. What was sent over it may have
// arrived.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// passing reports whether err may pass if the request is sent again.
func passing(err error) bool {
	if _, broken := errors.AsType[*brokenError](err); broken {
		return true
	}
	p, ok := errors.AsType[*Problem](err)
	return ok && slices.Contains([]int{
		http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
	}, p.Status)
}

// persist tries until it succeeds, the error is one that stays, the attempts are used up,
// or the next one would come too late. It returns the error of the last attempt.
func (c *Client) persist(ctx context.Context, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil || ctx.Err() != nil || !passing(err) || n >= c.cfg.Attempts || !c.pause(ctx, n, err) {
			return err
		}
	}
}

// pause waits before the attempt after the n-th, which ended with err. It returns false,
// mostly at once, if that is not worth it.
func (c *Client) pause(ctx context.Context, n int, err error) bool {
	wait := c.backoff(n)
	if p, ok := errors.AsType[*Problem](err); ok && p.RetryAfter > wait {
		wait = p.RetryAfter
	}
	if wait > c.cfg.MaxBackoff {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// backoff returns the pause after n attempts: between half of it and all, so that clients
// that failed together do not come back together.
func (c *Client) backoff(n int) time.Duration {
	d := c.cfg.MaxBackoff
	if shift := n - 1; shift < 20 && c.cfg.Backoff<<shift < d {
		d = c.cfg.Backoff << shift
	}
	return d/2 + rand.N(d/2+1)
}
