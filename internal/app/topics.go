package app

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// The topics of the pipeline, bound to their messages.
var (
	queries      = topic(schemas.TopicQueries, func(q schemas.Query) string { return q.Key() })
	decisions    = topic(schemas.TopicRouteDecisions, schemas.RouteDecision.Key)
	pages        = topic(schemas.TopicSERPs, schemas.SERP.Key)
	interactions = topic(schemas.TopicInteractions, schemas.Interaction.Key)
	shadows      = topic(schemas.TopicShadowDecisions, schemas.ShadowDecision.Key)
	online       = topic(schemas.TopicOnlineMetrics, schemas.OnlineMetrics.Key)
	readouts     = topic(schemas.TopicExperiments, schemas.ExperimentReadout.Key)
	control      = topic(schemas.TopicControl, schemas.Control.Key)
	erasures     = topic(schemas.TopicErasures, schemas.Erasure.Key)
	precomputed  = withdrawable(topic(schemas.TopicPrecomputedRoutes, schemas.PrecomputedRoute.Key))
)

func topic[T codec.Validator](name string, key func(T) string) stream.Topic[T] {
	return stream.Topic[T]{Name: name, Key: key, Encode: codec.Encode[T], Decode: decode[T]}
}

// decode marks every decoding error as permanent: reading again cannot help.
func decode[T codec.Validator](data []byte) (T, error) {
	v, err := codec.Decode[T](data)
	return v, stream.Permanent(err)
}

// withdrawable reads a record without a value, which withdraws its key, as the zero value.
func withdrawable[T codec.Validator](t stream.Topic[T]) stream.Topic[T] {
	t.Decode = func(data []byte) (v T, err error) {
		if len(data) == 0 {
			return v, nil
		}
		return decode[T](data)
	}
	return t
}

// keys reads the keys of a topic and ignores its values.
func keys(name string) stream.Topic[struct{}] {
	return stream.Topic[struct{}]{Name: name, Decode: func([]byte) (v struct{}, err error) { return v, nil }}
}

// TopicsConfig says how the topics are made. Partition counts are fixed from the start:
// changing one would break the joins by correlation id.
type TopicsConfig struct {
	Partitions int `yaml:"partitions"` // of each topic that is joined
	// Retention is for the topics that Retentions does not name.
	Retention time.Duration `yaml:"retention"`
	// Retentions are by topic. Queries and decisions hold the user block and go soon; pages
	// and interactions stay for long enough that the online metrics can be counted anew with
	// what comes a day late.
	Retentions map[string]time.Duration `yaml:"retentions"`
}

func defaultTopicsConfig() TopicsConfig {
	const day = 24 * time.Hour
	return TopicsConfig{Partitions: 8, Retention: day, Retentions: map[string]time.Duration{
		schemas.TopicSERPs: 3 * day, schemas.TopicInteractions: 3 * day, schemas.TopicOnlineMetrics: 7 * day,
		schemas.TopicDeadLetters: 14 * day, // a person looks at them
		// Longer than anything that they are about, and than a process may be away.
		schemas.TopicErasures: 35 * day,
	}}
}

func (c TopicsConfig) validate() error {
	var errs []error
	if c.Partitions < 1 || c.Retention <= 0 {
		errs = append(errs, errors.New("topics: partitions and retention must be positive"))
	}
	for topic, d := range c.Retentions {
		if !slices.Contains(schemas.Topics(), topic) || d <= 0 {
			errs = append(errs, fmt.Errorf("topics.retentions: %s for %v: must be a topic of the pipeline, and positive", topic, d))
		}
	}
	return errors.Join(errs...)
}

// specs returns every topic as the brokers must have it.
func (c TopicsConfig) specs() []stream.TopicSpec {
	var specs []stream.TopicSpec
	for _, name := range schemas.Topics() {
		spec := stream.TopicSpec{Name: name, Partitions: c.Partitions, Retention: cmp.Or(c.Retentions[name], c.Retention)}
		switch name {
		case schemas.TopicPrecomputedRoutes:
			spec.Compact, spec.Retention = true, 0
		case schemas.TopicControl, schemas.TopicExperiments:
			spec.Compact, spec.Retention, spec.Partitions = true, 0, 1
		case schemas.TopicOnlineMetrics:
			spec.Compact, spec.Partitions = true, 1
		case schemas.TopicDeadLetters, schemas.TopicErasures:
			spec.Partitions = 1
		}
		specs = append(specs, spec)
	}
	return specs
}
