// Package app puts the parts together: it connects to the brokers and runs roles.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// The roles of a process.
const (
	RoleGateway   = "gateway"
	RoleRouter    = "router"
	RoleTools     = "tools"
	RoleFusion    = "fusion"
	RoleConsumers = "consumers"
)

// Roles lists every role, in the order they start.
func Roles() []string {
	return []string{RoleConsumers, RoleTools, RoleFusion, RoleRouter, RoleGateway}
}

// CheckRoles reports every name that is not a role.
func CheckRoles(names []string) error {
	var errs []error
	for _, n := range names {
		if !slices.Contains(Roles(), n) {
			errs = append(errs, fmt.Errorf("role %q: want some of %s", n, strings.Join(Roles(), ", ")))
		}
	}
	if len(names) == 0 {
		errs = append(errs, fmt.Errorf("no role: want some of %s", strings.Join(Roles(), ", ")))
	}
	return errors.Join(errs...)
}

// Running is what a process says of itself once every role is up.
type Running struct {
	HTTP  string // address of the gateway; "" without that role
	Kafka []string
	NATS  string
}

// Process is what one process runs.
type Process struct {
	Roles   []string
	Started func(Running) // called when all are up
}

// Run runs the roles of p until ctx ends or one fails. Brokers outlive the roles: they are
// connected first and closed last.
func Run(ctx context.Context, cfg Config, p Process, log *slog.Logger) error {
	if err := errors.Join(CheckRoles(p.Roles), cfg.Validate()); err != nil {
		return err
	}
	stopTraces, err := telemetry.Setup(ctx, cfg.Telemetry, "pfr-"+strings.Join(p.Roles, "-"))
	if err != nil {
		return err
	}
	if err := codec.Warm(schemas.Query{}, schemas.RouteDecision{}, schemas.SERP{}, schemas.ToolRequest{}, schemas.ToolResponse{}, schemas.Progress{}, schemas.Interaction{}); err != nil {
		return errors.Join(err, stopTraces())
	}
	in, err := connect(ctx, cfg, log, telemetry.NewRegistry())
	if err != nil {
		return errors.Join(err, stopTraces())
	}
	return errors.Join(in.run(ctx, cfg, p), in.close(), stopTraces())
}

// run runs the roles of p on connected brokers.
func (in *infra) run(ctx context.Context, cfg Config, p Process) error {
	if err := in.ensureTopics(ctx, cfg); err != nil {
		return err
	}
	running := Running{Kafka: in.kafka, NATS: in.nats}
	parts, err := topology(in, cfg, p.Roles, &running)
	if err != nil {
		return err
	}
	cfg.Supervise.Started = func() { p.Started(running) }
	return supervise.Run(ctx, cfg.Supervise, in.log, parts...)
}
