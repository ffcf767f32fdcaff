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

// Bounds reports whether servers of the profile enforce lengths and ranges in a schema.
// They are no part of the portable subset.
func (p Profile) Bounds() bool { return p == LlamaCPP || p == VLLM }

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

	// Temperature of the sampling. Below 0 neither it nor the seed is sent, for models
	// that refuse them.
	Temperature float64 `yaml:"temperature"`
	Seed        int64   `yaml:"seed"`
	// ReasoningEffort is sent as it is, unless "".
	ReasoningEffort string `yaml:"reasoning_effort"`

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

// defaultPrice is the entry of the price table for models without one.
const defaultPrice = "default"

// DefaultConfig returns the settings for a server that is asked what it is. The URL is
// left to set.
func DefaultConfig() Config {
	return Config{Profile: Auto, Timeout: 250 * time.Millisecond, ProbeTimeout: 30 * time.Second}
}

// Validate reports every problem at once. It does not read the key.
func (c Config) Validate() error {
	errs := []error{c.validateURL(), c.validatePrices()}
	if !slices.Contains([]Profile{Auto, OpenAI, VLLM, LlamaCPP, Ollama}, c.Profile) {
		errs = append(errs, fmt.Errorf("profile %q: must be auto, openai, vllm, llamacpp or ollama", c.Profile))
	}
	if !(c.Temperature >= -1 && c.Temperature <= 2) { // NaN is out too
		errs = append(errs, fmt.Errorf("temperature %v: must lie between -1 and 2", c.Temperature))
	}
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
