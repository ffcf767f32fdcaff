package llamacpp

import (
	"errors"
	"fmt"
)

// Config configures a [Model]. See [DefaultConfig].
type Config struct {
	// Model is the file of the base, in GGUF; "": there is no model in this process.
	Model string `yaml:"model"`
	// Adapter is the file of the adapter; "": none. It is looked at once a second: put
	// another file in its place, by renaming, and that is the adapter.
	Adapter string `yaml:"adapter"`
	// Library is the folder with the shared libraries: libllama, libggml, libggml-base and
	// what they load.
	Library string `yaml:"library"`

	Slots   int  `yaml:"slots"`   // prompts answered at once
	Threads int  `yaml:"threads"` // that compute, of each slot
	Context int  `yaml:"context"` // tokens of a slot: a prompt with its answer
	Verbose bool `yaml:"verbose"` // llama.cpp writes what it does to the standard error
}

// Limits of the settings.
const (
	maxSlots   = 64
	maxThreads = 256
	maxContext = 1 << 17
)

// DefaultConfig returns the settings for a small model on few cores. The files are left to
// set.
func DefaultConfig() Config { return Config{Slots: 2, Threads: 1, Context: 2048} }

// Validate reports every problem at once. It reads no file. Without a model there is nothing
// to be wrong.
func (c Config) Validate() error {
	if c.Model == "" {
		return nil
	}
	var errs []error
	if c.Library == "" {
		errs = append(errs, errors.New("library: must name the folder with the shared libraries of llama.cpp"))
	}
	between := func(name string, v, low, high int) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("%s %d: must lie between %d and %d", name, v, low, high))
		}
	}
	between("slots", c.Slots, 1, maxSlots)
	between("threads", c.Threads, 1, maxThreads)
	between("context", c.Context, 64, maxContext)
	return errors.Join(errs...)
}
