package app

import (
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/semantic"
)

// semanticStatus is the semantic cache as /readyz shows it.
type semanticStatus struct {
	semantic.Report
	FalseHitRate float64 `json:"false_hit_rate"`
	UpperBound   float64 `json:"false_hit_rate_upper_95"` // one-sided
}

// newSemantic returns the semantic cache in the shadow, or nil where it is off. Its guard
// knows the names of the catalogue and the enums of the manifest.
func newSemantic(in *infra, cfg RouterConfig, know knowledge) (router.Observer, error) {
	if !cfg.Semantic.Enabled {
		return nil, nil
	}
	v, err := know.vocabulary()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"mood", "activity"} {
		if p, ok := know.manifest.Parameter(name); ok {
			v.all(name, p.Enum)
		}
	}
	s, err := semantic.New(cfg.Semantic.Config, v.named, in.reg)
	if err != nil {
		return nil, err
	}
	in.details["semantic cache"] = func() any {
		report := s.Report()
		rate, upper := report.FalseHitRate()
		return semanticStatus{report, rate, upper}
	}
	return s, nil
}
