package metrics

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// dim is a dimension that can be cut by.
type dim uint8

const (
	dimRoute dim = iota
	dimTier
	dimMarket
	dimPlatform
	dimArm
	dimSection
	dimTool
	dims // how many there are
)

func (d dim) String() string {
	return [...]string{"route", "tier", "market", "platform", "arm", "section", "tool"}[d]
}

// maxDims is how many dimensions a cut may combine.
const maxDims = 3

// Config says what is counted. See [DefaultConfig].
type Config struct {
	// Cuts are dimensions joined by "+", in any order: route, tier, market, platform, arm,
	// section, tool. "" is all of the traffic.
	Cuts []string `yaml:"cuts"`
	// Minutes are those of Cuts that have windows of a minute.
	Minutes []string `yaml:"minutes"`
	// Stages are those of Cuts that have the latency of each stage in windows of an hour or
	// more; the others have that of the whole page.
	Stages []string `yaml:"stages"`

	// Values is how many values of a dimension are told apart on one day of UTC: those with
	// the most searches of the day before have a place, others in the order in which they
	// come. All others are counted as "other", and so is in schemas.WindowAll what no kept
	// day tells apart.
	Values int `yaml:"values"`
	// Only names the values of a dimension that are told apart, on every day, in which case it
	// does not matter which come first.
	Only map[string][]string `yaml:"only"`

	Hours time.Duration `yaml:"hours"` // for which windows of an hour are kept after they settled
	Days  time.Duration `yaml:"days"`  // the same for windows of a day
	Batch int           `yaml:"batch"` // cells that one call of Dirty returns, at most
}

// DefaultConfig returns the cuts of docs/metrics.md.
func DefaultConfig() Config {
	single := []string{"", "route", "tier", "market", "platform", "arm", "route+section", "route+tool"}
	return Config{
		Cuts:    append(slices.Clone(single), "route+tier", "route+market", "route+arm", "market+arm"),
		Minutes: single,
		Stages:  []string{"", "route", "tier", "arm"},
		Values:  64,
		Only:    map[string][]string{},
		Hours:   48 * time.Hour, Days: 35 * 24 * time.Hour,
		Batch: 5000,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	for _, cut := range c.Cuts {
		if _, err := parseCut(cut); err != nil {
			errs = append(errs, err)
		}
	}
	for _, cut := range slices.Concat(c.Minutes, c.Stages) {
		if !slices.Contains(c.Cuts, cut) {
			errs = append(errs, fmt.Errorf("cut %q: is not one of cuts", cut))
		}
	}
	if len(c.Cuts) == 0 || len(c.Cuts) > 64 {
		errs = append(errs, errors.New("cuts: must have 1 to 64 entries"))
	}
	if c.Values <= 0 || c.Values > 10_000 || c.Batch <= 0 {
		errs = append(errs, errors.New("values must lie between 1 and 10,000, batch must be positive"))
	}
	for name, only := range c.Only {
		if _, err := parseCut(name); err != nil || len(only) > c.Values {
			errs = append(errs, fmt.Errorf("only %q: must be a dimension with at most %d values", name, c.Values))
		}
	}
	if c.Hours < 0 || c.Days < 0 {
		errs = append(errs, errors.New("hours and days must not be negative"))
	}
	return errors.Join(errs...)
}

// parseCut returns the dimensions of a cut, in their order.
func parseCut(cut string) ([]dim, error) {
	if cut == "" {
		return nil, nil
	}
	var list []dim
	for name := range strings.SplitSeq(cut, "+") {
		found := false
		for d := range dims {
			if d.String() == name && !slices.Contains(list, d) {
				list, found = append(list, d), true
			}
		}
		if !found {
			return nil, fmt.Errorf("cut %q: %q is no dimension, or is there twice", cut, name)
		}
	}
	slices.Sort(list)
	if len(list) > maxDims || slices.Contains(list, dimSection) && slices.Contains(list, dimTool) {
		return nil, fmt.Errorf("cut %q: at most %d dimensions, and not section and tool", cut, maxDims)
	}
	return list, nil
}
