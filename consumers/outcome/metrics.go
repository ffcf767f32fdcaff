package outcome

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// What became of an event. Each event has one of these, but for those that wait.
const (
	eventJoined         = "joined"          // counts for its search
	eventDuplicate      = "duplicate"       // its id was there
	eventOrphaned       = "orphaned"        // its page did not come in time, or there was no room to wait
	eventTooOld         = "too_old"         // arrived later than the allowed lateness
	eventOutOfWindow    = "out_of_window"   // before its search or long after it
	eventUnknownSection = "unknown_section" // names a section that is not on the page
	eventFlooded        = "flooded"         // its search has too many
)

// What became of a page.
const (
	pageTaken     = "taken"
	pageDuplicate = "duplicate"
	pageProbe     = "probe"
	pageLate      = "late_page" // its search had left, or would have
)

// How a client's clock was wrong.
const (
	clockSkewed = "skewed" // by more than a minute; the time of the event is corrected
	clockFuture = "future" // the event would have happened after it was sent
)

// Why searches left the state.
const (
	leftExpired = "expired"
	leftEarly   = "evicted_early"
)

type metrics struct {
	events, pages, clocks, left *prometheus.CounterVec

	searches, waiting, watermark prometheus.Gauge

	saved     *prometheus.HistogramVec
	savedSize prometheus.Gauge
	pause     prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) metrics {
	f := telemetry.Metrics(reg, "outcome")
	return metrics{
		events:    f.CounterVec("events_total", "Interactions, by what became of them.", "outcome"),
		pages:     f.CounterVec("pages_total", "Pages, by what became of them.", "outcome"),
		clocks:    f.CounterVec("clocks_total", "Interactions of clients whose clock was wrong, by how.", "clock"),
		left:      f.CounterVec("searches_left_total", "Searches that left the state, by why.", "reason"),
		searches:  f.Gauge("searches", "Searches that are held."),
		waiting:   f.Gauge("waiting_events", "Interactions that wait for their page."),
		watermark: f.Gauge("watermark_timestamp_seconds", "Time up to which every partition was read."),
		saved:     f.Seconds("snapshot_seconds", "Time to save a snapshot."),
		savedSize: f.Gauge("snapshot_bytes", "Size of the last snapshot."),
		pause:     f.Gauge("snapshot_pause_seconds", "Longest time for which the last snapshot stopped the join."),
	}
}

func newFailures(reg prometheus.Registerer) prometheus.Counter {
	return telemetry.Metrics(reg, "outcome").Counter("snapshot_failures_total", "Snapshots that could not be saved.")
}
