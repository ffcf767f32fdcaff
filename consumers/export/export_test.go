package export

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Step is a change of the folder, for tests.
type Step struct{ Op, Name, To string }

// OpenWith is Open with a hook that sees each step before it is taken, and may fail it.
func OpenWith(cfg Config, names Pseudonyms, reg prometheus.Registerer, hook func(Step) error) (*Exporter, error) {
	return open(cfg, names, slog.New(slog.DiscardHandler), reg, func(s step) error { return hook(Step{s.op, s.name, s.to}) })
}
