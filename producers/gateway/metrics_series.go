package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// SeriesConfig bounds a [Series]. See [DefaultSeriesConfig].
type SeriesConfig struct {
	Minutes time.Duration `yaml:"minutes"` // for which windows of a minute are kept
	Hours   time.Duration `yaml:"hours"`   // the same for windows of an hour
	Days    time.Duration `yaml:"days"`    // the same for windows of a day
	// Cells is how many records are kept in all. Beyond it the oldest minutes go first, then the
	// oldest hours, then the oldest days.
	Cells int `yaml:"cells"`
}

// DefaultSeriesConfig keeps what the web page shows, in some 150 MB at most.
func DefaultSeriesConfig() SeriesConfig {
	return SeriesConfig{Minutes: 3 * time.Hour, Hours: 7 * 24 * time.Hour, Days: 35 * 24 * time.Hour, Cells: 100_000}
}

// Validate reports every problem at once.
func (c SeriesConfig) Validate() error {
	var errs []error
	if min(c.Minutes, c.Hours, c.Days) <= 0 {
		errs = append(errs, errors.New("minutes, hours and days must be positive"))
	}
	if c.Cells < 100 {
		errs = append(errs, fmt.Errorf("cells %d: must be at least 100", c.Cells))
	}
	return errors.Join(errs...)
}

// Series keeps the latest revision of every record of online metrics, for a while. It
// leaves their histograms out: what follows from them is among the rates. It is safe for
// concurrent use, and implements [Online].
type Series struct {
	cfg     SeriesConfig
	held    prometheus.Gauge
	dropped prometheus.Counter

	mu    sync.Mutex
	kinds map[string]*windows // by kind of window
	names map[string]string   // of rates, each kept once
	asOf  time.Time
}

// windows are those of a kind.
type windows struct {
	keep    time.Duration // 0: for ever
	byStart map[int64]map[schemas.Cut]cell
	cuts    map[string]int // how many cells there are, by name of cut
	cells   int
}

type cell struct {
	revision int
	counts   schemas.SearchCounts
	rates    []namedRate
}

type namedRate struct {
	name  string
	value float64
}

// NewSeries returns an empty Series.
func NewSeries(cfg SeriesConfig, reg prometheus.Registerer) (*Series, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("online metrics config: %w", err)
	}
	f := telemetry.Metrics(reg, "gateway")
	s := &Series{
		cfg: cfg, kinds: map[string]*windows{}, names: map[string]string{},
		held:    f.Gauge("online_cells", "Records of online metrics that are kept."),
		dropped: f.Counter("online_dropped_total", "Records of online metrics that were given up to make room."),
	}
	for kind, keep := range map[string]time.Duration{
		schemas.WindowMinute: cfg.Minutes, schemas.WindowHour: cfg.Hours, schemas.WindowDay: cfg.Days, schemas.WindowAll: 0,
	} {
		s.kinds[kind] = &windows{keep: keep, byStart: map[int64]map[schemas.Cut]cell{}, cuts: map[string]int{}}
	}
	return s, nil
}

// Put takes a record. One that is too old, or of a revision that is not higher than what is
// there, changes nothing. Records may come in any order.
func (s *Series) Put(m schemas.OnlineMetrics, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, start := s.kinds[m.Window], startOf(m)
	if w == nil || w.keep > 0 && m.Start.Before(now.Add(-w.keep)) {
		return
	}
	if w.byStart[start] == nil {
		w.byStart[start] = map[schemas.Cut]cell{}
		w.prune(now)
	}
	old, there := w.byStart[start][m.Cut]
	if there && old.revision >= m.Revision {
		return
	}
	if !there {
		w.cells++
		w.cuts[cutName(m.Cut)]++
	}
	w.byStart[start][m.Cut] = s.cellOf(m)
	if m.AsOf.After(s.asOf) {
		s.asOf = m.AsOf
	}
	s.makeRoom()
	s.held.Set(float64(s.cells()))
}

// startOf returns the start of a window in seconds of Unix; that of all time is 0.
func startOf(m schemas.OnlineMetrics) int64 {
	if m.Start.IsZero() {
		return 0
	}
	return m.Start.Unix()
}

func (s *Series) cellOf(m schemas.OnlineMetrics) cell {
	c := cell{revision: m.Revision, counts: m.Counts, rates: make([]namedRate, 0, len(m.Rates))}
	c.counts.Ranks, c.counts.Latency, c.counts.TimeToSuccess = nil, nil, schemas.Histogram{}
	for _, name := range slices.Sorted(maps.Keys(m.Rates)) {
		kept, ok := s.names[name]
		if !ok {
			kept = strings.Clone(name) // not the whole message that it is a part of
			s.names[kept] = kept
		}
		c.rates = append(c.rates, namedRate{kept, m.Rates[name]})
	}
	return c
}

func (s *Series) cells() (n int) {
	for _, w := range s.kinds {
		n += w.cells
	}
	return n
}

// makeRoom gives up the oldest windows of the finest kind that has more than one.
func (s *Series) makeRoom() {
	for s.cells() > s.cfg.Cells {
		gone := 0
		for _, kind := range []string{schemas.WindowMinute, schemas.WindowHour, schemas.WindowDay} {
			if w := s.kinds[kind]; len(w.byStart) > 1 {
				gone = w.drop(slices.Min(slices.Collect(maps.Keys(w.byStart))))
				break
			}
		}
		if gone == 0 {
			return // the cuts of one window are bounded where they are made
		}
		s.dropped.Add(float64(gone))
	}
}

// prune drops the windows that are too old.
func (w *windows) prune(now time.Time) {
	if w.keep == 0 {
		return
	}
	oldest := now.Add(-w.keep).Unix()
	for start := range w.byStart {
		if start < oldest {
			w.drop(start)
		}
	}
}

// drop removes a window and returns how many cells it had.
func (w *windows) drop(start int64) int {
	n := len(w.byStart[start])
	for cut := range w.byStart[start] {
		name := cutName(cut)
		if w.cuts[name]--; w.cuts[name] == 0 {
			delete(w.cuts, name)
		}
	}
	delete(w.byStart, start)
	w.cells -= n
	return n
}

// Snapshot implements [Online].
func (s *Series) Snapshot() []schemas.OnlineMetrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []schemas.OnlineMetrics
	for cut, c := range s.kinds[schemas.WindowAll].byStart[0] {
		if cut.Route != "" && cut == (schemas.Cut{Route: cut.Route}) {
			out = append(out, schemas.OnlineMetrics{Window: schemas.WindowAll, Cut: cut, Revision: c.revision, Counts: c.counts, AsOf: s.asOf})
		}
	}
	return out
}

// Selection says which records are wanted.
type Selection struct {
	Window   string    // schemas.WindowMinute, ...
	Cut      string    // the dimensions, as "route+market"; "all" is everything
	From, To time.Time // of the starts of windows, To not included; zero: no bound
	Most     int       // records; whole windows that are too many are left out, the oldest first
	// Wanted says which values of the cut are wanted; nil: all.
	Wanted func(schemas.Cut) bool
}

// Selected is what there is of a [Selection].
type Selected struct {
	AsOf      time.Time // of the latest record of any kind; zero if there is none
	Cuts      []string  // that there are in windows of this kind, sorted
	Points    []Point   // by start, then by cut
	Truncated bool      // there was more than Most
}

// Point is what came of the searches of one window and one cut.
type Point struct {
	Start    time.Time            `json:"start,omitzero"` // zero of all time
	Cut      schemas.Cut          `json:"cut"`
	Revision int                  `json:"revision"`
	Counts   schemas.SearchCounts `json:"counts"`
	Rates    map[string]float64   `json:"rates"`
}

// Select implements [Online].
func (s *Series) Select(q Selection) Selected {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Selected{AsOf: s.asOf}
	w := s.kinds[q.Window]
	if w == nil {
		return out
	}
	out.Cuts = slices.Sorted(maps.Keys(w.cuts))
	starts := slices.SortedFunc(maps.Keys(w.byStart), func(a, b int64) int { return cmp.Compare(b, a) })
	for _, start := range starts {
		at := time.Unix(start, 0).UTC()
		if !q.From.IsZero() && at.Before(q.From) || !q.To.IsZero() && !at.Before(q.To) {
			continue
		}
		found := pointsOf(w.byStart[start], q)
		if len(out.Points) > 0 && len(out.Points)+len(found) > q.Most {
			out.Truncated = true
			break
		}
		for i := range found {
			if q.Window != schemas.WindowAll {
				found[i].Start = at
			}
		}
		out.Points = append(out.Points, found...)
	}
	slices.SortStableFunc(out.Points, func(a, b Point) int { return a.Start.Compare(b.Start) })
	return out
}

// pointsOf returns the cells of a window that are wanted, by cut.
func pointsOf(cells map[schemas.Cut]cell, q Selection) []Point {
	var out []Point
	for cut, c := range cells {
		if cutName(cut) != q.Cut || q.Wanted != nil && !q.Wanted(cut) {
			continue
		}
		p := Point{Cut: cut, Revision: c.revision, Counts: c.counts, Rates: make(map[string]float64, len(c.rates))}
		for _, r := range c.rates {
			p.Rates[r.name] = r.value
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Point) int { return strings.Compare(a.Cut.String(), b.Cut.String()) })
	return out
}
