package fusion

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// metrics are labelled by values from closed sets only: tools and routes of the manifest,
// and statuses.
type metrics struct {
	pages      *prometheus.CounterVec
	sections   *prometheus.CounterVec
	late       *prometheus.CounterVec
	refined    *prometheus.CounterVec
	repeats    *prometheus.CounterVec
	duplicates prometheus.Counter
	sectionSec *prometheus.HistogramVec
	pageSec    *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "fusion")
	return &metrics{
		pages:      f.CounterVec("pages_total", "Pages published, by route and status.", "route", "status"),
		sections:   f.CounterVec("sections_total", "Sections closed, by tool and status.", "tool", "status"),
		late:       f.CounterVec("late_answers_total", "Good answers that came after their section was closed.", "tool"),
		refined:    f.CounterVec("refined_total", "Pages that could be put in another order, by what became of it.", "outcome"),
		repeats:    f.CounterVec("repeats_total", "Calls repeated to another worker, by what became of the repeat.", "tool", "outcome"),
		duplicates: f.Counter("duplicate_decisions_total", "Decisions whose page was out already."),
		sectionSec: f.Seconds("section_seconds", "Time from scatter to the end of a section.", "tool"),
		pageSec:    f.Seconds("page_seconds", "Time from submission of a query to its durable page.", "route"),
	}
}

func (m *metrics) section(tool string, status schemas.SectionStatus, took time.Duration) {
	m.sections.WithLabelValues(tool, string(status)).Inc()
	m.sectionSec.WithLabelValues(tool).Observe(took.Seconds())
}

func (m *metrics) observe(page schemas.SERP) {
	m.pages.WithLabelValues(page.Route.Name, string(page.Status)).Inc()
	m.pageSec.WithLabelValues(page.Route.Name).Observe(page.Timings.TotalMS / 1000)
}

func (m *metrics) repeat(tool, outcome string) { m.repeats.WithLabelValues(tool, outcome).Inc() }
