package app

import (
	"slices"

	"github.com/parallel-fusion/pfr/internal/supervise"
)

// topology is the architecture diagram. Parts start in this order and stop in reverse, so
// that whoever asks goes before whoever answers.
func topology(in *infra, cfg Config, roles []string, running *Running) ([]supervise.Part, error) {
	know, err := newKnowledge(cfg.Tools)
	if err != nil {
		return nil, err
	}
	var parts []supervise.Part
	for _, role := range Roles() {
		if !slices.Contains(roles, role) {
			continue
		}
		var more []supervise.Part
		switch role {
		case RoleConsumers:
			more, err = consumersRole(in, cfg, know)
		case RoleTools:
			more, err = toolsParts(in, cfg, know)
		case RoleFusion:
			more, err = fusionParts(in, cfg)
		case RoleRouter:
			more, err = routerParts(in, cfg, know)
		case RoleGateway:
			more, err = gatewayParts(in, cfg, know, running)
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return append(parts, opsParts(in, cfg.Ops)...), nil
}
