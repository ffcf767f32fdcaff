// Package traffic folds the pages of the last minutes into what an operator looks at:
// which tiers decide, how long pages take, and what becomes of the calls of each tool.
//
// A [Window] is a ring of slices of time. A page counts in the slice in which it was made,
// and leaves with it.
package traffic

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/parallel-fusion/pfr/schemas"
)

// Config configures a [Window]. See [DefaultConfig].
type Config struct {
	Slices int           `yaml:"slices"` // that a window has
	Slice  time.Duration `yaml:"slice"`  // how long one is
}

// DefaultConfig returns a window of five minutes.
func DefaultConfig() Config { return Config{Slices: 10, Slice: 30 * time.Second} }

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Slices < 1 {
		errs = append(errs, fmt.Errorf("slices %d: must be positive", c.Slices))
	}
	if c.Slice <= 0 {
		errs = append(errs, fmt.Errorf("slice %v: must be positive", c.Slice))
	}
	return errors.Join(errs...)
}

// Snapshot is what is going on. Times are in milliseconds.
type Snapshot struct {
	AsOf    time.Time `json:"as_of"`
	WindowS float64   `json:"window_s"` // seconds that the counts span, at most those of the window
	Pages   Pages     `json:"pages"`
	Tiers   []Tier    `json:"tiers"` // most pages first
	Tools   []Tool    `json:"tools"` // by name
	CostUSD float64   `json:"cost_usd"`
}

// Pages counts pages, without those of health checks and comparisons.
type Pages struct {
	Total     int                        `json:"total"`
	ByStatus  map[schemas.SERPStatus]int `json:"by_status"`
	PerSecond float64                    `json:"per_second"`
	P50       float64                    `json:"p50_ms"` // of the whole page
	P95       float64                    `json:"p95_ms"`
}

// Tier is a tier of the cascade and the pages that it decided.
type Tier struct {
	Source schemas.Source `json:"source"`
	Pages  int            `json:"pages"`
	Share  float64        `json:"share"`  // of all pages, 0 to 1
	P50    float64        `json:"p50_ms"` // of deciding
	P95    float64        `json:"p95_ms"`
	P99    float64        `json:"p99_ms"`
}

// Tool is a tool and what became of its calls.
type Tool struct {
	Tool     string                        `json:"tool"`
	Calls    int                           `json:"calls"`
	ByStatus map[schemas.SectionStatus]int `json:"by_status"`
	P50      float64                       `json:"p50_ms"` // scatter to gather
	P95      float64                       `json:"p95_ms"`
	Cached   int                           `json:"cached"`   // answered by what was kept
	Repeated int                           `json:"repeated"` // the repeat was first
}

// Window holds the pages of late. It is safe for concurrent use.
type Window struct {
	cfg   Config
	mu    sync.Mutex
	began time.Time // the first page, or the window itself if that is earlier
	ring  []slice
}

// New returns an empty Window that begins now.
func New(cfg Config, now time.Time) (*Window, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("traffic config: %w", err)
	}
	return &Window{cfg: cfg, began: now, ring: make([]slice, cfg.Slices)}, nil
}

// Page counts a page that was made at a time. One that is older than the window, and that
// of a health check, changes nothing.
func (w *Window) Page(page schemas.SERP, made time.Time) {
	if page.Probe {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := max(w.number(made), 0) // a page of no time is as old as can be
	s := &w.ring[n%int64(len(w.ring))]
	if n < s.number {
		return
	}
	if made.Before(w.began) {
		w.began = made
	}
	if s.number != n || s.tiers == nil {
		*s = newSlice(n)
	}
	s.add(page)
}

// number counts slices since the epoch.
func (w *Window) number(t time.Time) int64 { return t.UnixNano() / int64(w.cfg.Slice) }

// Snapshot returns what the window holds.
func (w *Window) Snapshot(now time.Time) Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := newSlice(0)
	newest := w.number(now)
	for _, s := range w.ring {
		if s.tiers != nil && s.number <= newest && s.number > newest-int64(len(w.ring)) {
			all.merge(s)
		}
	}
	span := time.Duration(w.cfg.Slices-1)*w.cfg.Slice + time.Duration(now.UnixNano()%int64(w.cfg.Slice))
	return all.snapshot(now, min(span, now.Sub(w.began)))
}

// slice is what happened in one slice of time.
type slice struct {
	number int64
	cost   float64
	pages  map[schemas.SERPStatus]int
	total  *hdrhistogram.Histogram
	tiers  map[schemas.Source]*hdrhistogram.Histogram
	tools  map[string]*tool
}

type tool struct {
	statuses         map[schemas.SectionStatus]int
	took             *hdrhistogram.Histogram
	cached, repeated int
}

func newSlice(number int64) slice {
	return slice{
		number: number, pages: map[schemas.SERPStatus]int{}, total: newHistogram(),
		tiers: map[schemas.Source]*hdrhistogram.Histogram{}, tools: map[string]*tool{},
	}
}

// longest is the longest time that is told apart.
const longest = time.Minute

// newHistogram returns one of microseconds, within one hundredth.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest.Microseconds(), 2) }

func record(h *hdrhistogram.Histogram, ms float64) {
	_ = h.RecordValue(min(max(int64(1000*ms), 1), longest.Microseconds())) // within its bounds
}

func (s *slice) add(page schemas.SERP) {
	s.pages[page.Status]++
	s.cost += page.Cost
	record(s.total, page.Timings.TotalMS)
	tier, ok := s.tiers[page.Route.Source]
	if !ok {
		tier = newHistogram()
		s.tiers[page.Route.Source] = tier
	}
	record(tier, page.Timings.RouterMS)
	for _, sections := range [][]schemas.Section{page.Sections, page.Omitted} {
		for i := range sections {
			s.section(&sections[i])
		}
	}
}

// maxTools bounds the tools that are told apart, whatever names pages have.
const maxTools = 100

func (s *slice) section(sec *schemas.Section) {
	t, ok := s.tools[sec.Tool]
	if !ok {
		if len(s.tools) == maxTools {
			return
		}
		t = newTool()
		s.tools[sec.Tool] = t
	}
	t.statuses[sec.Status]++
	record(t.took, sec.TookMS)
	t.cached += count(sec.Cached)
	t.repeated += count(sec.Repeated)
}

func newTool() *tool {
	return &tool{statuses: map[schemas.SectionStatus]int{}, took: newHistogram()}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// merge adds what another slice counted.
func (s *slice) merge(other slice) {
	s.cost += other.cost
	add(s.pages, other.pages)
	s.total.Merge(other.total)
	for source, h := range other.tiers {
		if s.tiers[source] == nil {
			s.tiers[source] = newHistogram()
		}
		s.tiers[source].Merge(h)
	}
	for name, t := range other.tools {
		mine := s.tools[name]
		if mine == nil {
			mine = newTool()
			s.tools[name] = mine
		}
		add(mine.statuses, t.statuses)
		mine.took.Merge(t.took)
		mine.cached += t.cached
		mine.repeated += t.repeated
	}
}

func add[K comparable](to, from map[K]int) {
	for k, n := range from {
		to[k] += n
	}
}

func (s *slice) snapshot(now time.Time, span time.Duration) Snapshot {
	total := int(s.total.TotalCount())
	out := Snapshot{
		AsOf: now.UTC(), WindowS: span.Seconds(), CostUSD: s.cost, Tiers: []Tier{}, Tools: []Tool{},
		Pages: Pages{Total: total, ByStatus: s.pages, P50: at(s.total, 50), P95: at(s.total, 95)},
	}
	if span > 0 {
		out.Pages.PerSecond = float64(total) / span.Seconds()
	}
	for source, h := range s.tiers {
		n := int(h.TotalCount())
		out.Tiers = append(out.Tiers, Tier{source, n, float64(n) / float64(total), at(h, 50), at(h, 95), at(h, 99)})
	}
	slices.SortFunc(out.Tiers, func(a, b Tier) int {
		return cmp.Or(cmp.Compare(b.Pages, a.Pages), cmp.Compare(a.Source, b.Source))
	})
	for _, name := range slices.Sorted(maps.Keys(s.tools)) {
		t := s.tools[name]
		out.Tools = append(out.Tools, Tool{
			Tool: name, Calls: int(t.took.TotalCount()), ByStatus: t.statuses, P50: at(t.took, 50), P95: at(t.took, 95),
			Cached: t.cached, Repeated: t.repeated,
		})
	}
	return out
}

// at returns a percentile in milliseconds; 0 of nothing.
func at(h *hdrhistogram.Histogram, percentile float64) float64 {
	if h.TotalCount() == 0 {
		return 0
	}
	return float64(h.ValueAtPercentile(percentile)) / 1000
}
