package app

import (
	"fmt"
	"path/filepath"

	"github.com/parallel-fusion/pfr/internal/pseudonym"
)

// PrivacyConfig is about who asked.
type PrivacyConfig struct {
	// SaltFile holds the secret that pseudonyms are made with: the same bytes for every
	// process that makes or looks for them. It is made where brokers are embedded; else,
	// without one, pages do not say who asked, and no experiment can count clients.
	SaltFile string `yaml:"salt_file"`
}

// names returns the pseudonyms of a process; nil where it makes none.
func (in *infra) names(cfg Config) (*pseudonym.Names, error) {
	file, embedded := cfg.Privacy.SaltFile, cfg.Embedded.Enabled
	switch {
	case file == "" && embedded && cfg.Embedded.DataDir == "":
		return pseudonym.Random(), nil // what they name is gone with the process
	case file == "" && embedded:
		file = filepath.Join(cfg.Embedded.DataDir, "salt")
	case file == "":
		in.log.Warn("privacy.salt_file is not set: pages do not say who asked, and experiments count nobody")
		return nil, nil
	}
	names, err := pseudonym.Open(file, embedded)
	if err != nil {
		return nil, fmt.Errorf("privacy.salt_file: %w", err)
	}
	return names, nil
}
