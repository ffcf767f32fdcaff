package main

import (
	"fmt"

	"github.com/parallel-fusion/pfr/internal/config"
)

type configCmd struct{}

// Run prints the settings that pfr run would use.
func (*configCmd) Run(p *program) error {
	cfg, err := p.settings()
	if err != nil {
		return err
	}
	text, err := config.Redacted(cfg)
	if err != nil {
		return err
	}
	fmt.Fprint(p.out, text)
	return nil
}
