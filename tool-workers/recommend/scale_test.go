package recommend

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// twoMillion is the size that the package is built for.
func twoMillion(tb testing.TB) *Interactions {
	tb.Helper()
	s := Synthetic{Users: 20_000, Items: 60_000, PerUser: 120, Genres: 200, Zipf: 0.8, Sharpness: 0.1, Noise: 0.1, Seed: 9}
	x, _, err := s.Generate()
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestScale trains on two million interactions. It takes a minute, so it runs only when
// PFR_TEST_SCALE is 1.
func TestScale(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") != "1" {
		t.Skip("set PFR_TEST_SCALE=1 to train on two million interactions")
	}
	x := twoMillion(t)
	t.Logf("%d users, %d items, %d interactions", x.Users(), x.Items(), x.Len())
	start, spent := time.Now(), cpu(t)
	m, err := Train(t.Context(), DefaultConfig(), x, func(stage string, done, of int) {
		t.Logf("%5.1f s wall, %5.1f s cpu: %s %d/%d", time.Since(start).Seconds(), (cpu(t) - spent).Seconds(), stage, done, of)
	})
	if err != nil {
		t.Fatal(err)
	}
	took, spent := time.Since(start), cpu(t)-spent
	t.Logf("trained in %.1f s wall, %.1f s cpu; mix %+v", took.Seconds(), spent.Seconds(), m.Mix())
	if spent > 2*time.Minute {
		t.Errorf("training took %v of processor time, want two minutes at most: 60 s on two cores", spent)
	}
	const asked = 300
	spent = cpu(t)
	p50 := latency(m, asked)
	each := (cpu(t) - spent) / asked
	t.Logf("top-100 for a user: p50 %v wall, mean %v cpu", p50, each)
	if each > 2*time.Millisecond { // the wall clock depends on who else is at work
		t.Errorf("top-100 for a user took %v of processor time, want 2 ms at most", each)
	}
}

// latency returns the median time of a top-100.
func latency(m *Model, users int) time.Duration {
	took := make([]time.Duration, users)
	for i := range took {
		at := time.Now()
		m.ForUser(i*37%m.Users(), 100, nil)
		took[i] = time.Since(at)
	}
	slices.Sort(took)
	return took[users/2]
}
