package fusion

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// HedgeConfig configures repeats: a call that has not answered when most others had is sent
// to another worker of its tool as well, and the first good answer counts (Dean and Barroso,
// The Tail at Scale, 2013).
type HedgeConfig struct {
	Enabled bool `yaml:"enabled"`
	// Share bounds the repeats of each tool, as a part of its calls.
	Share float64 `yaml:"share"`
	// MinDelay is how long a call has at least before it is repeated.
	MinDelay time.Duration `yaml:"min_delay"`
	// Quantile of the recent answers of the tool is when a call begins to be late.
	Quantile float64 `yaml:"quantile"`
}

// DefaultHedgeConfig repeats one call in twenty at most.
func DefaultHedgeConfig() HedgeConfig {
	return HedgeConfig{Enabled: true, Share: 0.05, MinDelay: 10 * time.Millisecond, Quantile: 0.95}
}

// Validate reports every problem at once.
func (c HedgeConfig) Validate() error {
	var errs []error
	if c.Share < 0 || c.Share > 1 {
		errs = append(errs, fmt.Errorf("hedge.share %v: must lie between 0 and 1", c.Share))
	}
	if c.MinDelay < 0 {
		errs = append(errs, fmt.Errorf("hedge.min_delay %v: must not be negative", c.MinDelay))
	}
	if c.Quantile <= 0 || c.Quantile >= 1 {
		errs = append(errs, fmt.Errorf("hedge.quantile %v: must lie between 0 and 1", c.Quantile))
	}
	return errors.Join(errs...)
}

const (
	hedgeTools  = 1024 // beyond so many tools there are no repeats
	hedgeRecent = 256  // answers that an estimate is of
	hedgeLeast  = 20   // answers without which there is none
	hedgeEvery  = 16   // answers after which it is made anew
	hedgeBurst  = 10.0 // repeats that can be saved up
	// A tool whose repeats found no other worker so many times on end has but one, and is
	// left alone for a while.
	hedgeAlone = 5
	hedgeRest  = 30 * time.Second
	// When so many calls on end were passed on by whoever got them, all workers are slow, and
	// calls are not offered around for a while.
	offerUnwanted = 3
	offerRest     = 10 * time.Second
)

// hedges knows how fast tools are, what repeats each may have, and whether it has workers
// that are not slow.
type hedges struct {
	cfg   HedgeConfig
	mu    sync.Mutex
	tools map[string]*tempo
}

// tempo is how fast one tool was lately.
type tempo struct {
	recent  [hedgeRecent]time.Duration // a ring
	noted   int
	scratch [hedgeRecent]time.Duration
	delay   time.Duration // when a call is repeated; 0: not known yet
	median  time.Duration
	tokens  float64
	alone   int
	rest    time.Time

	unwanted int       // calls on end that every worker passed on
	insist   time.Time // until then calls are not offered around
}

func newHedges(cfg HedgeConfig) *hedges { return &hedges{cfg: cfg, tools: map[string]*tempo{}} }

// begin counts a call of a tool and returns after how long it may be repeated; 0: never.
func (h *hedges) begin(tool string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tools[tool]
	if t == nil && len(h.tools) < hedgeTools {
		t = &tempo{}
		h.tools[tool] = t
	}
	if t == nil || !h.cfg.Enabled {
		return 0
	}
	t.tokens = min(hedgeBurst, t.tokens+h.cfg.Share)
	if t.delay == 0 {
		return 0
	}
	return max(t.delay, h.cfg.MinDelay)
}

// offers says whether workers may pass a call of the tool on.
func (h *hedges) offers(tool string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tools[tool]
	return t != nil && !time.Now().Before(t.insist)
}

// offered notes whether any worker took a call that was offered.
func (h *hedges) offered(tool string, taken bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tools[tool]
	if taken {
		t.unwanted = 0
		return
	}
	if t.unwanted++; t.unwanted >= offerUnwanted {
		t.unwanted, t.insist = 0, time.Now().Add(offerRest)
	}
}

// grant says whether a call that has so long left is repeated now. A grant is used up,
// unless it is given back.
func (h *hedges) grant(tool string, left time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tools[tool]
	if t.tokens < 1 || left < t.median || time.Now().Before(t.rest) {
		return false
	}
	t.tokens--
	return true
}

// found takes what came of a repeat. One that found no other worker cost nobody anything.
func (h *hedges) found(tool string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tools[tool]
	switch {
	case err == nil:
		t.alone = 0
	case errors.Is(err, ErrElsewhere):
		t.tokens = min(hedgeBurst, t.tokens+1)
		if t.alone++; t.alone >= hedgeAlone {
			t.alone, t.rest = 0, time.Now().Add(hedgeRest)
		}
	}
}

// note takes in how long an answer took, or how long a call was waited for in vain.
func (h *hedges) note(tool string, took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tools[tool]
	if t == nil || !h.cfg.Enabled {
		return
	}
	t.recent[t.noted%hedgeRecent] = took
	t.noted++
	if t.noted >= hedgeLeast && t.noted%hedgeEvery == 0 {
		t.estimate(h.cfg.Quantile)
	}
}

// estimate takes quantiles of the recent answers, by the nearest rank. A call is repeated
// not at the quantile but past it, by as much as that is past the median: what is only a
// little late answers before a repeat could, and would use up the budget.
func (t *tempo) estimate(quantile float64) {
	const least = 4 // part of the quantile that a call has more at least
	n := min(t.noted, hedgeRecent)
	sorted := t.scratch[:n]
	copy(sorted, t.recent[:n])
	slices.Sort(sorted)
	late := sorted[min(n-1, int(quantile*float64(n)))]
	t.median = sorted[n/2]
	t.delay = max(1, late+max(late-t.median, late/least))
}
