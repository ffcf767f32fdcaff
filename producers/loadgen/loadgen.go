// Package loadgen puts an open-loop load on a pipeline and reports what a user would have
// seen.
//
// The arrival times (a Poisson process, seeded) do not depend on the answers. A latency counts from the intended time of sending, so a stall is seen
// by every query that it delays (Gil Tene's "coordinated omission" does not happen). The
// generator reports its own lateness too.
package loadgen

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Target sends one query and returns the status of its page.
type Target func(ctx context.Context, query string) (status string, err error)

// Config describes a load. See [DefaultConfig].
type Config struct {
	Rate        float64       // queries a second, on average
	Duration    time.Duration // of the arrivals
	Seed        uint64        // of arrivals and queries
	Skew        float64       // of the Zipf distribution over the queries, above 1
	MaxInFlight int           // queries without an answer; more are not sent, and count as lost
	Timeout     time.Duration // for one answer
}

// DefaultConfig returns 200 queries a second for half a minute.
func DefaultConfig() Config {
	return Config{Rate: 200, Duration: 30 * time.Second, Seed: 1, Skew: 1.1, MaxInFlight: 4096, Timeout: 10 * time.Second}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if !(c.Rate > 0 && c.Rate <= maxRate) { // not a number is neither
		errs = append(errs, fmt.Errorf("rate %v: must lie above 0 and not above %v", c.Rate, maxRate))
	}
	if c.Duration <= 0 || c.Timeout <= 0 {
		errs = append(errs, errors.New("duration and timeout must be positive"))
	}
	if !(c.Skew > 1) {
		errs = append(errs, fmt.Errorf("skew %v: must be above 1", c.Skew))
	}
	if c.MaxInFlight < 1 {
		errs = append(errs, fmt.Errorf("max in flight %d: must be positive", c.MaxInFlight))
	}
	return errors.Join(errs...)
}

// Report is the outcome of a run.
type Report struct {
	Config   Config
	Offered  int            // arrivals of the schedule
	Answered int            // pages of any status
	Lost     int            // errors, timeouts and queries not sent
	Status   map[string]int // pages by status
	Errors   map[string]int // by text, the first few
	Latency  *hdrhistogram.Histogram
	Lateness *hdrhistogram.Histogram // of the generator; both in microseconds
	Took     time.Duration
}

// maxRate is more than one process can send.
const maxRate = 1e6

// maxErrors bounds the distinct error texts of a report.
const maxErrors = 10

// Histograms hold 1 µs to 60 s with three digits.
const (
	lowest, highest = 1, 60_000_000
	digits          = 3
)

// Run sends queries to target and returns when the last is answered or ctx ends.
func Run(ctx context.Context, cfg Config, queries []string, target Target) (Report, error) {
	if err := cfg.Validate(); err != nil {
		return Report{}, fmt.Errorf("load: %w", err)
	}
	if len(queries) == 0 {
		return Report{}, errors.New("load: no queries")
	}
	g := generator{cfg: cfg, target: target, slots: make(chan struct{}, cfg.MaxInFlight)}
	g.report = Report{
		Config: cfg, Status: map[string]int{}, Errors: map[string]int{},
		Latency: hdrhistogram.New(lowest, highest, digits), Lateness: hdrhistogram.New(lowest, highest, digits),
	}
	start := time.Now()
	for at, query := range schedule(cfg, queries) {
		if !sleepUntil(ctx, start.Add(at)) {
			break
		}
		g.send(ctx, query, start.Add(at))
	}
	g.flights.Wait()
	g.report.Took = time.Since(start)
	return g.report, ctx.Err()
}

// schedule yields when, after the start, each query is sent. It is drawn as it goes, so a
// long run takes no more memory than a short one.
func schedule(cfg Config, queries []string) iter.Seq2[time.Duration, string] {
	return func(yield func(time.Duration, string) bool) {
		rng := rand.New(rand.NewPCG(cfg.Seed, cfg.Seed))
		zipf := rand.NewZipf(rng, cfg.Skew, 1, uint64(len(queries)-1))
		for at := time.Duration(0); at < cfg.Duration; {
			if !yield(at, queries[zipf.Uint64()]) {
				return
			}
			at += time.Duration(rng.ExpFloat64() / cfg.Rate * float64(time.Second))
		}
	}
}

// sleepUntil reports whether t came before ctx ended.
func sleepUntil(ctx context.Context, t time.Time) bool {
	wait := time.Until(t)
	if wait <= 0 {
		return ctx.Err() == nil
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

type generator struct {
	cfg     Config
	target  Target
	slots   chan struct{}
	flights sync.WaitGroup

	mu     sync.Mutex
	report Report
}

func (g *generator) send(ctx context.Context, query string, intended time.Time) {
	late := time.Since(intended)
	g.mu.Lock()
	g.report.Offered++
	record(g.report.Lateness, late)
	g.mu.Unlock()
	select {
	case g.slots <- struct{}{}:
	default:
		g.lose(errors.New("too many queries in flight"))
		return
	}
	g.flights.Go(func() {
		defer func() { <-g.slots }()
		ctx, cancel := context.WithTimeout(ctx, g.cfg.Timeout)
		defer cancel()
		status, err := g.target(ctx, query)
		if err != nil {
			g.lose(err)
			return
		}
		g.answer(status, time.Since(intended))
	})
}

func (g *generator) answer(status string, latency time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.report.Answered++
	g.report.Status[status]++
	record(g.report.Latency, latency)
}

func (g *generator) lose(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.report.Lost++
	if _, known := g.report.Errors[err.Error()]; known || len(g.report.Errors) < maxErrors {
		g.report.Errors[err.Error()]++
	}
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), lowest), highest)) // always in range
}
