package access

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Config configures a [Guard]. The zero value limits nothing but operating, which nobody
// may. See [DefaultConfig].
type Config struct {
	File      string        `yaml:"file"`       // of the grants; "": everybody may do everything but operate
	LookEvery time.Duration `yaml:"look_every"` // at most so often the file is looked at; 0: at every request

	OperatorKeyFile string `yaml:"-"` // holds the operator key; "": none
	OperatorKey     string `yaml:"-"` // instead of the file

	Now func() time.Time `yaml:"-"` // nil: the wall clock, by which tokens expire
}

// DefaultConfig returns the settings of a gateway that limits nothing.
func DefaultConfig() Config { return Config{LookEvery: time.Second} }

// minKey is the length of the shortest key that is taken. 16 random bytes in hex have 32.
const minKey = 16

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.LookEvery < 0 {
		errs = append(errs, fmt.Errorf("look_every %v: must not be negative", c.LookEvery))
	}
	if c.OperatorKey != "" && c.OperatorKeyFile != "" {
		errs = append(errs, errors.New("operator key: give the key or its file, not both"))
	}
	if n := len(c.OperatorKey); n > 0 && n < minKey {
		errs = append(errs, fmt.Errorf("operator key: must have at least %d characters", minKey))
	}
	return errors.Join(errs...)
}

func (c Config) operatorKey() (string, error) {
	if c.OperatorKeyFile == "" {
		return c.OperatorKey, nil
	}
	data, err := os.ReadFile(c.OperatorKeyFile)
	if err != nil {
		return "", fmt.Errorf("read operator key: %w", err)
	}
	secret := strings.TrimSpace(string(data))
	if len(secret) < minKey {
		return "", fmt.Errorf("operator key in %s: must have at least %d characters", c.OperatorKeyFile, minKey)
	}
	return secret, nil
}

func (c Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
