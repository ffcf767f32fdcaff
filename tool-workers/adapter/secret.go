package adapter

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Secret names where a credential is. Settings never hold the credential itself, so they
// can be printed.
type Secret struct {
	Env  string `yaml:"env,omitempty"`  // an environment variable
	File string `yaml:"file,omitempty"` // a file; white space around the credential is dropped
}

// Validate reports every problem at once.
func (s Secret) Validate() error {
	if (s.Env == "") == (s.File == "") {
		return errors.New("must name either an environment variable or a file")
	}
	return nil
}

// Read returns the credential. Its errors never quote it.
func (s Secret) Read() (string, error) {
	if err := s.Validate(); err != nil {
		return "", err
	}
	where, text := "$"+s.Env, os.Getenv(s.Env)
	if s.File != "" {
		data, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("secret: %w", err)
		}
		where, text = s.File, string(data)
	}
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", fmt.Errorf("secret %s: must be printable and not empty", where)
	}
	return text, nil
}
