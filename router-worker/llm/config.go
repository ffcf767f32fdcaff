package llm

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// Profile is a family of servers that take the same request fields.
type Profile string

// Profiles. Auto asks the server what it is before the first request.
const (
	Auto     Profile = "auto"
	OpenAI   Profile = "openai"
	VLLM     Profile = "vllm"
	LlamaCPP Profile = "llamacpp"
	Ollama   Profile = "ollama"
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
	// URL is the server, with or without the /v1 of its API, and without credentials.
	URL string `yaml:"url"`
	// Model is the name that is sent; "" takes the first that the server lists.
	Model   string  `yaml:"model"`
	Profile Profile `yaml:"profile"`
	// KeyFile holds the API key; KeyEnv names the environment variable that does. At most
	// one is set; without either no key is sent.
	KeyFile string `yaml:"key_file"`
	KeyEnv  string `yaml:"key_env"`

	PromptStyle Style `yaml:"prompt_style"`
	Form        Form  `yaml:"form"`
	// Shots are worked examples at the end of the static prompt.
	Shots []Shot `yaml:"shots"`

	MaxTokens        int `yaml:"max_tokens"`         // of a route
	ComposeMaxTokens int `yaml:"compose_max_tokens"` // of a composition
	// Temperature of the sampling. Below 0 neither it nor the seed is sent, for models
	// that refuse them.
	Temperature float64 `yaml:"temperature"`
	Seed        int64   `yaml:"seed"`
	// TopLogprobs is how many alternatives of a token are asked for, 0 to 20. With 0 no
	// probabilities are asked for and every answer has the DefaultConfidence.
	TopLogprobs int `yaml:"top_logprobs"`
	// ReasoningEffort is sent as it is, unless "".
	ReasoningEffort string `yaml:"reasoning_effort"`

	// ConfidenceTemperature, 1 or more, flattens the probabilities of routes: fine-tuned
	// small models are too sure of themselves and need about 2.
	ConfidenceTemperature float64 `yaml:"confidence_temperature"`
	// DefaultConfidence is that of an answer without token probabilities.
	DefaultConfidence float64 `yaml:"default_confidence"`

	Timeout      time.Duration `yaml:"timeout"`       // of a request; the context may be shorter
	ProbeTimeout time.Duration `yaml:"probe_timeout"` // of detection and canary together

	// Prices is the price table, by model name; the entry "default" is for all others.
	// A model without an entry costs nothing.
	Prices map[string]Price `yaml:"prices"`
}

// Price is what a million tokens cost, in US dollars.
type Price struct {
	PromptPerM     float64 `yaml:"prompt_per_m"`     // of the part that was not cached
	CachedPerM     float64 `yaml:"cached_per_m"`     // of the part that was
	CompletionPerM float64 `yaml:"completion_per_m"` // of the answer
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
	defaultPrice   = "default"
)

// DefaultConfig returns the settings for a server that is asked what it is. The URL is
// left to set.
func DefaultConfig() Config {
	return Config{
		Profile: Auto, PromptStyle: StyleFull, Form: FormAuto,
		MaxTokens: 160, ComposeMaxTokens: 400, TopLogprobs: maxTopLogprobs,
		ConfidenceTemperature: 1, DefaultConfidence: 0.7,
		Timeout: 250 * time.Millisecond, ProbeTimeout: 30 * time.Second,
	}
}

// Validate reports every problem at once. It does not read the key.
func (c Config) Validate() error {
	errs := []error{c.validateURL(), c.validateChoices(), c.validatePrices()}
	between := func(name string, v, low, high float64) {
		if !(v >= low && v <= high) { // NaN is out too
			errs = append(errs, fmt.Errorf("%s %v: must lie between %v and %v", name, v, low, high))
		}
	}
	between("max_tokens", float64(c.MaxTokens), 1, maxTokens)
	between("compose_max_tokens", float64(c.ComposeMaxTokens), 1, maxTokens)
	between("temperature", c.Temperature, -1, 2)
	between("top_logprobs", float64(c.TopLogprobs), 0, maxTopLogprobs)
	between("confidence_temperature", c.ConfidenceTemperature, 1, 100)
	between("default_confidence", c.DefaultConfidence, 0, 1)
	if c.KeyFile != "" && c.KeyEnv != "" {
		errs = append(errs, errors.New("key_file and key_env: set one of them"))
	}
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("timeout %v: must be positive", c.Timeout))
	}
	if c.ProbeTimeout <= 0 {
		errs = append(errs, fmt.Errorf("probe_timeout %v: must be positive", c.ProbeTimeout))
	}
	return errors.Join(errs...)
}

// validateURL never quotes the URL: what is wrong with it may be a password.
func (c Config) validateURL() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return errors.New("url: is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("url: must begin with http:// or https://")
	case u.Host == "":
		return errors.New("url: must name a host")
	case u.User != nil:
		return errors.New("url: must not hold credentials; use key_file or key_env")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("url: must not have a query or a fragment")
	}
	return nil
}

func (c Config) validateChoices() error {
	var errs []error
	if !slices.Contains([]Profile{Auto, OpenAI, VLLM, LlamaCPP, Ollama}, c.Profile) {
		errs = append(errs, fmt.Errorf("profile %q: must be auto, openai, vllm, llamacpp or ollama", c.Profile))
	}
	if !slices.Contains([]Form{FormAuto, FormStrict, FormCompact}, c.Form) {
		errs = append(errs, fmt.Errorf("form %q: must be auto, strict or compact", c.Form))
	}
	if !slices.Contains([]Style{StyleFull, StyleShort}, c.PromptStyle) {
		errs = append(errs, fmt.Errorf("prompt_style %q: must be full or short", c.PromptStyle))
	}
	return errors.Join(errs...)
}

func (c Config) validatePrices() error {
	for model, p := range c.Prices {
		for _, v := range []float64{p.PromptPerM, p.CachedPerM, p.CompletionPerM} {
			if !(v >= 0) || math.IsInf(v, 0) {
				return fmt.Errorf("prices of %q: must be 0 or more", model)
			}
		}
	}
	return nil
}

// root returns the URL without the /v1 of the API and without a slash at the end.
func (c Config) root() string {
	return strings.TrimRight(strings.TrimSuffix(strings.TrimRight(c.URL, "/"), "/v1"), "/")
}

// readKey returns the API key, or none.
func (c Config) readKey() (string, error) {
	key := ""
	switch {
	case c.KeyFile != "":
		data, err := os.ReadFile(c.KeyFile)
		if err != nil {
			return "", fmt.Errorf("key file: %w", err)
		}
		key = strings.TrimSpace(string(data))
	case c.KeyEnv != "":
		key = strings.TrimSpace(os.Getenv(c.KeyEnv))
	default:
		return "", nil
	}
	// The error does not quote the key.
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("key: must be one word of printable ASCII")
	}
	return key, nil
}
