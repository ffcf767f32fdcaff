package remote

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/adapter"
)

// Config says which tool of which server is called. The zero value is not valid; see
// [DefaultConfig].
type Config struct {
	// URL is the endpoint of a server over streamable HTTP.
	URL string `yaml:"url,omitempty"`
	// Command starts a server that speaks over its standard streams: a program and its
	// arguments. It sees PATH, HOME and SecretEnv of the environment, and nothing else.
	Command   []string                  `yaml:"command,omitempty"`
	SecretEnv map[string]adapter.Secret `yaml:"secret_env,omitempty"`
	// Tool is the name of the tool at the server.
	Tool string `yaml:"tool"`
	// Arguments is what the tool gets, with placeholders as values.
	Arguments map[string]any `yaml:"arguments,omitempty"`
	// Map reads items out of the structured content, or out of a text that is JSON.
	Map adapter.Mapping `yaml:"map,omitempty"`
	// ShowText shows the text of the answer above the items.
	ShowText           bool `yaml:"show_text,omitempty"`
	adapter.HTTPConfig `yaml:",inline"`
}

// DefaultConfig returns a Config without a server.
func DefaultConfig() Config { return Config{HTTPConfig: adapter.DefaultHTTPConfig()} }

// maxToolName bounds the name of a remote tool.
const maxToolName = 128

// Validate reports every problem at once.
func (c Config) Validate() error {
	errs := []error{c.HTTPConfig.Validate()}
	if (c.URL == "") == (len(c.Command) == 0) {
		errs = append(errs, errors.New("needs either a url or a command"))
	}
	if c.URL != "" {
		_, err := adapter.BaseURL(c.URL)
		errs = append(errs, err)
	}
	if c.Tool == "" || len(c.Tool) > maxToolName {
		errs = append(errs, fmt.Errorf("tool: must be a name of at most %d bytes", maxToolName))
	}
	if _, err := adapter.NewTemplate(c.Arguments); err != nil {
		errs = append(errs, fmt.Errorf("arguments: %w", err))
	}
	if !c.ShowText || c.Map != (adapter.Mapping{}) {
		errs = append(errs, c.Map.Validate())
	}
	for name, s := range c.SecretEnv {
		if err := s.Validate(); err != nil || strings.ContainsAny(name, "=\x00") || name == "" {
			errs = append(errs, fmt.Errorf("secret_env: %.64q: must be a name, and name a variable or a file", name))
		}
	}
	return errors.Join(errs...)
}

// mapping is Map, or one that reads nothing if only the text is shown.
func (c Config) mapping() adapter.Mapping {
	if c.Map == (adapter.Mapping{}) {
		return adapter.Mapping{Text: "text"}
	}
	return c.Map
}

// environment is what the command sees.
func (c Config) environment() ([]string, error) {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for name, s := range c.SecretEnv {
		value, err := s.Read()
		if err != nil {
			return nil, fmt.Errorf("secret_env.%s: %w", name, err)
		}
		env = append(env, name+"="+value)
	}
	return env, nil
}
