package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"syscall"
	"time"

	"github.com/parallel-fusion/pfr/clients/httpclient"
)

// advice adds to an error what a person can do about it. addr is that of the gateway.
func advice(err error, addr string) error {
	if p, ok := errors.AsType[*httpclient.Problem](err); ok {
		return problemAdvice(p, addr)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("stopped before the page was there")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no page came from %s in time; curl %s/readyz says how the pipeline is", addr, addr)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no gateway answers at %s: start one with 'pfr up', or name another with --http", addr)
	}
	return fmt.Errorf("%w; is %s the address of a gateway (--http)?", err, addr)
}

// problemAdvice makes the gateway's own words the error, and adds what is not in them.
func problemAdvice(p *httpclient.Problem, addr string) error {
	again := ""
	if p.RetryAfter > 0 {
		again = fmt.Sprintf(" Try again in %s.", (time.Duration(math.Ceil(p.RetryAfter.Seconds())) * time.Second).String())
	}
	switch p.Status {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w Give the file with your key: --api-key-file FILE", p)
	case http.StatusForbidden:
		return fmt.Errorf("%w The key does not allow this: see --market, or take another key with --api-key-file", p)
	case http.StatusTooManyRequests:
		return fmt.Errorf("%w%s", p, again)
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return fmt.Errorf("%w%s %s/readyz says how the pipeline is", p, again, addr)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		if p.Detail == "" { // a gateway says more
			return fmt.Errorf("%w; is %s the address of a gateway (--http)?", p, addr)
		}
	}
	return p
}
