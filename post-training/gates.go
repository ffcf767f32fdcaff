package posttraining

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Gates returns the gates that every decision goes through: it is valid by the manifest, and
// the bundle of its route comes to calls that a tool worker accepts.
func Gates(m *routes.Manifest) []Gate {
	return []Gate{
		{"manifest " + m.Version, func(_ Query, d Decision) error { return valid(m, d) }},
		{"executable", func(q Query, d Decision) error { return executable(m, q, d) }},
	}
}

func valid(m *routes.Manifest, d Decision) error {
	route, ok := m.Route(d.Route)
	if !ok {
		return errors.New("the manifest has no such route")
	}
	canonical := m.Canonical(route, d.Params)
	for _, name := range slices.Sorted(maps.Keys(d.Params)) {
		if fmt.Sprint(d.Params[name]) != fmt.Sprint(canonical[name]) {
			return fmt.Errorf("parameter %s is not canonical for route %s", name, d.Route)
		}
	}
	return nil
}

func executable(m *routes.Manifest, q Query, d Decision) error {
	route, ok := m.Route(d.Route)
	if !ok {
		return errors.New("the manifest has no such route")
	}
	resolved := m.Decide(route, d.Params, q.Text)
	resolved.Source = schemas.SourceLLM
	if err := resolved.Validate(); err != nil {
		return fmt.Errorf("its calls are not valid: %w", err)
	}
	return nil
}

// Resolvable returns a gate that lets only names through which known finds in the catalogue,
// of the parameters that hold names.
func Resolvable(version string, parameters []string, known func(parameter, value string) bool) Gate {
	return Gate{"resolvable " + version, func(_ Query, d Decision) error {
		for _, name := range parameters {
			if v := d.Params.Text(name); v != "" && !known(name, v) {
				return fmt.Errorf("the catalogue has no %s of this name", name)
			}
		}
		return nil
	}}
}
