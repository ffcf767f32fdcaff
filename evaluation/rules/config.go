package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Config holds the thresholds of a judge. The zero value is not valid; see [DefaultConfig].
type Config struct {
	Shown      int `json:"shown"`       // items of a page that are looked at, in reading order
	PerSection int `json:"per_section"` // of them from one section, as long as others have more
	Lead       int `json:"lead"`        // a named thing is among so many items
	Each       int `json:"each"`        // items for each wish, where a query has several

	MinFit    float64 `json:"min_fit"`    // share of the items shown that suit
	MinNew    float64 `json:"min_new"`    // share of the items that suit that are new, where new things of a kind are wanted
	MinMakers int     `json:"min_makers"` // different artists or shows among the items shown
	MaxShare  float64 `json:"max_share"`  // of the items shown by one of them

	Margin float64 `json:"margin"` // scores closer than this are a tie
}

// DefaultConfig returns the thresholds that reports are made with.
//
// Ten items are a first screen and one scroll of it; five of a section are what a shelf
// shows without scrolling sideways. A page serves a broad wish when most of what it shows
// suits, so half of it; a named thing must lead, but a second spelling or a namesake may be
// before it, so three. Four makers are the least that one would call a choice, and no one
// of them may fill more than half of the page. A margin of 0.05 is half an item of ten.
func DefaultConfig() Config {
	return Config{Shown: 10, PerSection: 5, Lead: 3, Each: 1, MinFit: 0.5, MinNew: 0.5, MinMakers: 4, MaxShare: 0.5, Margin: 0.05}
}

// Validate returns everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	for _, n := range []struct {
		name  string
		value int
	}{{"shown", c.Shown}, {"per_section", c.PerSection}, {"lead", c.Lead}, {"each", c.Each}, {"min_makers", c.MinMakers}} {
		if n.value < 1 {
			errs = append(errs, fmt.Errorf("%s %d: must be positive", n.name, n.value))
		}
	}
	for _, s := range []struct {
		name  string
		value float64
	}{{"min_fit", c.MinFit}, {"min_new", c.MinNew}, {"max_share", c.MaxShare}} {
		if !(s.value > 0 && s.value <= 1) {
			errs = append(errs, fmt.Errorf("%s %v: must be above 0 and at most 1", s.name, s.value))
		}
	}
	if !(c.Margin >= 0 && c.Margin < 1) {
		errs = append(errs, fmt.Errorf("margin %v: must be at least 0 and below 1", c.Margin))
	}
	return errors.Join(errs...)
}

// hash identifies the thresholds.
func (c Config) hash() (string, error) {
	said, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("hash the thresholds: %w", err)
	}
	sum := sha256.Sum256(said)
	return hex.EncodeToString(sum[:4]), nil
}
