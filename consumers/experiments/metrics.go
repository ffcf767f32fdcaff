package experiments

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// instruments are labelled by experiment and arm, which operators name: they are few.
type instruments struct {
	units    *prometheus.GaugeVec
	srm      *prometheus.GaugeVec
	decision *prometheus.GaugeVec
}

func newInstruments(reg prometheus.Registerer) instruments {
	f := telemetry.Metrics(reg, "experiments")
	return instruments{
		units:    f.GaugeVec("clients", "Clients that count in an arm.", "experiment", "arm"),
		srm:      f.GaugeVec("srm_p", "p of the sample ratio: below 0.001 at a look, or 0.000001 between looks, the arms are not what the weights say.", "experiment"),
		decision: f.GaugeVec("decision", "1 for what is to be done with an arm.", "experiment", "arm", "decision"),
	}
}

func (m instruments) observe(r Readout) {
	m.srm.WithLabelValues(r.Name).Set(r.Report.SRM.P)
	for _, a := range r.Report.Arms {
		m.units.WithLabelValues(r.Name, a.Name).Set(float64(a.Units))
		if a.Decision == "" {
			continue
		}
		for _, d := range []experiment.Decision{experiment.Ship, experiment.Hold, experiment.Rollback, experiment.Invalid} {
			m.decision.WithLabelValues(r.Name, a.Name, string(d)).Set(float64(one(a.Decision == d)))
		}
	}
}

// forget removes what was shown of an experiment that is gone.
func (m instruments) forget(name string) {
	of := prometheus.Labels{"experiment": name}
	m.units.DeletePartialMatch(of)
	m.srm.DeletePartialMatch(of)
	m.decision.DeletePartialMatch(of)
}
