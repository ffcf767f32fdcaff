package app

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/llamacpp"
	"github.com/parallel-fusion/pfr/router-worker/llm"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// validateLocal checks the settings of a model in this process.
func (c ModelConfig) validateLocal() error {
	var errs []error
	if c.URL != "" || len(c.Replicas) > 0 {
		errs = append(errs, errors.New("url and replicas: must be empty where local.model is set"))
	}
	if err := c.Local.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("local: %w", err))
	}
	one := c.Config
	one.Config = one.ForLocal()
	return errors.Join(append(errs, one.Validate())...)
}

// dial returns a client of one of the servers. Where the model is in this process it is
// loaded and returned too: the caller closes it after the client.
func (c ModelConfig) dial(address string, manifest *routes.Manifest, log *slog.Logger, reg prometheus.Registerer) (*llm.Client, *llamacpp.Model, error) {
	if c.Local.Model == "" {
		one := c.Config
		one.URL = address
		client, err := llm.New(one, manifest, log, reg)
		return client, nil, err
	}
	local, err := llamacpp.Open(c.Local, log, reg)
	if err != nil {
		return nil, nil, err
	}
	client, err := llm.NewLocal(c.Config, local, manifest, log, reg)
	if err != nil {
		local.Close()
		return nil, nil, err
	}
	return client, local, nil
}
