package rollout

import (
	"errors"
	"fmt"

	"github.com/parallel-fusion/pfr/schemas"
)

// Comparison mixes the answers of two tools within a section, by team draft, for a share of
// the clients: clicks tell which tool is preferred, with far fewer searches than an
// experiment needs.
type Comparison struct {
	Name      string   `yaml:"name"`
	Salt      string   `yaml:"salt"`
	Markets   []string `yaml:"markets"`   // none: all
	Platforms []string `yaml:"platforms"` // none: all
	Share     float64  `yaml:"share"`     // of the clients there, 0 to 1
	Route     string   `yaml:"route"`
	Section   string   `yaml:"section"`
	Tool      string   `yaml:"tool"` // the rival; it takes the parameters of the section's tool
}

func (c Comparison) check(known Known) error {
	errs := []error{checkPlainName(c.Name), checkRoutes([]string{c.Route}, known)}
	if !(c.Share > 0 && c.Share <= 1) {
		errs = append(errs, fmt.Errorf("share %v: must be above 0 and at most 1", c.Share))
	}
	for _, market := range c.Markets {
		errs = append(errs, checkMarket(market))
	}
	if c.Section == "" || c.Tool == "" {
		errs = append(errs, errors.New("section and tool: must be named"))
	}
	return errors.Join(errs...)
}

// takes reports whether a query is of the sample.
func (c Comparison) takes(q schemas.PublicQuery) bool {
	return concerns(c.Markets, c.Platforms, q) && lot(c.Name, c.Salt, "share", unit(q)) < c.Share
}
