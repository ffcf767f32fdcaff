package llm

import (
	"errors"
	"fmt"
	"slices"

	chat "github.com/parallel-fusion/pfr/internal/llm"
)

// Form is how an answer is written.
type Form string

// Forms. The strict form names every parameter, null where the query does not say; it is
// what OpenAI demands, and gets whatever the configuration says. The compact form leaves
// those out, which saves output tokens.
const (
	FormAuto    Form = "auto" // strict for OpenAI, compact for the rest
	FormStrict  Form = "strict"
	FormCompact Form = "compact"
)

// Style is how much the prompt says.
type Style string

// Styles. The short prompt has no catalogue of routes: it is for models that were trained
// on these routes.
const (
	StyleFull  Style = "full"
	StyleShort Style = "short"
)

// Config configures a [Client]. See [DefaultConfig].
type Config struct {
	chat.Config `yaml:",inline"`

	PromptStyle Style `yaml:"prompt_style"`
	Form        Form  `yaml:"form"`
	// Shots are worked examples at the end of the static prompt.
	Shots []Shot `yaml:"shots"`

	MaxTokens        int `yaml:"max_tokens"`         // of a route
	ComposeMaxTokens int `yaml:"compose_max_tokens"` // of a composition
	// TopLogprobs is how many alternatives of a token are asked for, 0 to 20. With 0 no
	// probabilities are asked for and every answer has the DefaultConfidence.
	TopLogprobs int `yaml:"top_logprobs"`

	// ConfidenceTemperature, 1 or more, flattens the probabilities of routes: fine-tuned
	// small models are too sure of themselves and need about 2.
	ConfidenceTemperature float64 `yaml:"confidence_temperature"`
	// DefaultConfidence is that of an answer without token probabilities.
	DefaultConfidence float64 `yaml:"default_confidence"`
}

// Shot is a worked example for the prompt.
type Shot struct {
	Query  string         `yaml:"query"`
	Route  string         `yaml:"route"`
	Params map[string]any `yaml:"params"` // as in the answer: strings, integers, lists of strings
}

// Limits of the settings.
const (
	maxTopLogprobs = 20 // of the OpenAI API
	maxTokens      = 4096
)

// DefaultConfig returns the settings for a server that is asked what it is. The URL is
// left to set.
func DefaultConfig() Config {
	return Config{
		Config: chat.DefaultConfig(), PromptStyle: StyleFull, Form: FormAuto,
		MaxTokens: 160, ComposeMaxTokens: 400, TopLogprobs: maxTopLogprobs,
		ConfidenceTemperature: 1, DefaultConfidence: 0.7,
	}
}

// Validate reports every problem at once. It does not read the key.
func (c Config) Validate() error {
	errs := []error{c.Config.Validate(), c.validateChoices()}
	between := func(name string, v, low, high float64) {
		if !(v >= low && v <= high) { // NaN is out too
			errs = append(errs, fmt.Errorf("%s %v: must lie between %v and %v", name, v, low, high))
		}
	}
	between("max_tokens", float64(c.MaxTokens), 1, maxTokens)
	between("compose_max_tokens", float64(c.ComposeMaxTokens), 1, maxTokens)
	between("top_logprobs", float64(c.TopLogprobs), 0, maxTopLogprobs)
	between("confidence_temperature", c.ConfidenceTemperature, 1, 100)
	between("default_confidence", c.DefaultConfidence, 0, 1)
	return errors.Join(errs...)
}

func (c Config) validateChoices() error {
	var errs []error
	if !slices.Contains([]Form{FormAuto, FormStrict, FormCompact}, c.Form) {
		errs = append(errs, fmt.Errorf("form %q: must be auto, strict or compact", c.Form))
	}
	if !slices.Contains([]Style{StyleFull, StyleShort}, c.PromptStyle) {
		errs = append(errs, fmt.Errorf("prompt_style %q: must be full or short", c.PromptStyle))
	}
	return errors.Join(errs...)
}
