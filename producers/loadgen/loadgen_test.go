package loadgen_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/producers/loadgen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load() loadgen.Config {
	cfg := loadgen.DefaultConfig()
	cfg.Rate, cfg.Duration = 100, 10*time.Second
	return cfg
}

func TestOffersTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := loadgen.Run(t.Context(), load(), []string{"a", "b"}, func(context.Context, string) (string, error) {
			time.Sleep(5 * time.Millisecond)
			return "complete", nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Offered < 900 || r.Offered > 1100 || r.Answered != r.Offered || r.Status["complete"] != r.Offered {
			t.Errorf("%v", r)
		}
		if p := r.Latency.ValueAtQuantile(99); p < 4990 || p > 5010 {
			t.Errorf("p99 %d µs of a target that takes 5 ms", p)
		}
	})
}

// A stall must be seen by the queries that came during it, not only by the one it hit.
func TestStallIsNotOmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r, err := loadgen.Run(t.Context(), load(), []string{"a"}, func(context.Context, string) (string, error) {
			if stalled := time.Since(begin); stalled < 2*time.Second { // the first 2 s of 10
				time.Sleep(2*time.Second - stalled)
			}
			return "complete", nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if p := r.Latency.ValueAtQuantile(85); p < 200_000 {
			t.Errorf("p85 is %d µs: a fifth of the queries came during the stall", p)
		}
	})
}

func TestLossesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := load()
		cfg.MaxInFlight, cfg.Timeout = 2, time.Second
		var n atomic.Int32
		r, err := loadgen.Run(t.Context(), cfg, []string{"a"}, func(ctx context.Context, _ string) (string, error) {
			if n.Add(1) == 1 {
				return "", errors.New("refused")
			}
			<-ctx.Done()
			return "", ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Lost != r.Offered || r.Errors["refused"] != 1 || r.Errors["too many queries in flight"] == 0 || r.Errors["context deadline exceeded"] == 0 {
			t.Errorf("%v", r)
		}
		if !strings.Contains(r.String(), "refused (1)") {
			t.Error(r.String())
		}
	})
}

func TestScheduleIsSeeded(t *testing.T) {
	order := func(seed uint64) (out string) {
		cfg := load()
		cfg.Seed, cfg.Duration, cfg.MaxInFlight = seed, time.Second, 1
		synctest.Test(t, func(t *testing.T) {
			if _, err := loadgen.Run(t.Context(), cfg, []string{"a", "b", "c", "d"}, func(_ context.Context, q string) (string, error) {
				out += q
				return "", nil
			}); err != nil {
				t.Fatal(err)
			}
		})
		return out
	}
	if a, b := order(7), order(7); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	if order(7) == order(8) {
		t.Error("the seed does not matter")
	}
}

// The schedule of a load that ends early must not be drawn to its end first.
func TestEndlessLoadCanBeStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := load()
		cfg.Rate, cfg.Duration = 1e6, 10_000*time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		r, err := loadgen.Run(ctx, cfg, []string{"a"}, func(context.Context, string) (string, error) {
			cancel()
			return "complete", nil
		})
		if !errors.Is(err, context.Canceled) || r.Answered == 0 {
			t.Errorf("%v, err %v", r, err)
		}
	})
}

func TestBadLoad(t *testing.T) {
	r, err := loadgen.Run(t.Context(), loadgen.Config{}, []string{"a"}, nil)
	if err == nil {
		t.Error("no error")
	}
	if text := fmt.Sprint(r); text != "" {
		t.Errorf("report of no run: %s", text)
	}
	for _, rate := range []float64{math.NaN(), math.Inf(1), 1e12} {
		cfg := load()
		cfg.Rate = rate
		if cfg.Validate() == nil {
			t.Errorf("rate %v was accepted", rate)
		}
	}
	if _, err := loadgen.Run(t.Context(), load(), nil, nil); err == nil {
		t.Error("no error without queries")
	}
}
