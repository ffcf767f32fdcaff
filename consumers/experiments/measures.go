package experiments

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/schemas"
)

// measure is a metric that experiments can be judged by: what one search adds to its
// numerator. The denominator is searches.
type measure struct {
	name      string
	direction experiment.Direction
	of        func(*outcome.Outcome) int64
}

// measures is how many there are.
const measures = 13

// catalogue is in the order of snapshots: new ones go to the end. The definitions are those
// of docs/metrics.md.
//
//nolint:gochecknoglobals // A table that nobody changes.
var catalogue = [measures]measure{
	{"success_rate", experiment.Higher, func(o *outcome.Outcome) int64 { return one(o.Success()) }},
	{"click_through_rate", experiment.Higher, func(o *outcome.Outcome) int64 { return one(o.Clicks > 0) }},
	{"stream_rate", experiment.Higher, func(o *outcome.Outcome) int64 { return one(o.Streams > 0) }},
	{"streams_per_search", experiment.Higher, func(o *outcome.Outcome) int64 { return int64(o.Streams) }},
	{"abandonment_rate", experiment.Lower, func(o *outcome.Outcome) int64 { return one(o.Abandoned()) }},
	{"bad_abandonment_rate", experiment.Lower, func(o *outcome.Outcome) int64 { return one(o.BadAbandoned()) }},
	{"reformulation_rate", experiment.Lower, func(o *outcome.Outcome) int64 { return one(o.Reformulated) }},
	{"zero_result_rate", experiment.Lower, func(o *outcome.Outcome) int64 { return one(o.ZeroResults()) }},
	{"fallback_rate", experiment.Lower, func(o *outcome.Outcome) int64 { return one(o.Tier == schemas.SourceFallback) }},
	{"failed_page_rate", experiment.Lower, failed},
	// The quantile of a latency is no ratio; the share of slow pages is, and says the same.
	{"slow_rate", experiment.Lower, slow},
	{"expired_rate", experiment.Lower, func(o *outcome.Outcome) int64 { return one(o.Status == schemas.SERPExpired) }},
	{"cost_nano_usd", experiment.Lower, func(o *outcome.Outcome) int64 { return o.CostNanoUSD }},
}

// slow counts pages that took longer than the standard deadline.
func slow(o *outcome.Outcome) int64 {
	return one(o.Timings[outcome.StageTotal].MS() > float64(schemas.StandardDeadline.Milliseconds()))
}

// failed counts pages on which a section was not answered.
func failed(o *outcome.Outcome) int64 {
	for _, s := range o.Sections {
		if !s.Status.Answered() {
			return 1
		}
	}
	return 0
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Names lists the metrics that a plan may name.
func Names() []string {
	names := make([]string, 0, measures)
	for _, m := range catalogue {
		names = append(names, m.name)
	}
	return names
}

// DirectionOf returns which values of a metric are better; ok is false for a name that
// [Names] does not have.
func DirectionOf(metric string) (experiment.Direction, bool) {
	i, ok := measureOf(metric)
	if !ok {
		return "", false
	}
	return catalogue[i].direction, true
}

func measureOf(name string) (int, bool) {
	for i, m := range catalogue {
		if m.name == name {
			return i, true
		}
	}
	return 0, false
}

// nobody returns a subject that no pseudonym is known of.
func nobody() outcome.Subject {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return outcome.Subject(binary.BigEndian.Uint64(b[:]))
}
