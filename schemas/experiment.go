package schemas

import (
	"encoding/json"
	"time"
)

// ExperimentReadout is what is known of an experiment, on [TopicExperiments]. The topic is
// compacted: the latest record of an experiment stands.
type ExperimentReadout struct {
	SchemaVersion string `json:"schema_version"`
	Experiment    string `json:"experiment"` // its name, or that of the comparison
	// Kind says what Readout is of.
	Kind ReadoutKind `json:"kind"`
	AsOf time.Time   `json:"as_of"`
	// Readout is for who shows it; see docs/experiments.md.
	Readout json.RawMessage `json:"readout"`
}

// ReadoutKind is what a readout is of.
type ReadoutKind string

// Kinds of readouts.
const (
	ReadoutExperiment ReadoutKind = "experiment" // of arms
	ReadoutComparison ReadoutKind = "comparison" // of two tools in one section
)

// Key returns the partition key.
func (r ExperimentReadout) Key() string { return r.Experiment }

// Validate reports every problem of the record.
func (r ExperimentReadout) Validate() error {
	var p problems
	p.version(r.SchemaVersion)
	p.name("experiment", r.Experiment)
	oneOf(&p, "kind", r.Kind, ReadoutExperiment, ReadoutComparison)
	p.time("as_of", r.AsOf)
	p.check(len(r.Readout) > 0 && r.Readout[0] == '{', "readout", "must be an object")
	return p.err("experiment readout")
}
