package tools

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/cache"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// ResultsConfig configures [Results]. See [DefaultResultsConfig].
type ResultsConfig struct {
	MaxMB    int           `yaml:"max_mb"`    // bytes of all answers and their keys, in MiB
	MaxEntry int           `yaml:"max_entry"` // bytes of one answer; larger ones are not kept
	MaxTTL   time.Duration `yaml:"max_ttl"`   // bounds what a tool's spec says
	// LateGrace is how long a tool may work past the deadline of a call whose late answer
	// is to be kept. The call holds its place in the worker meanwhile.
	LateGrace time.Duration `yaml:"late_grace"`
}

// DefaultResultsConfig returns settings for the tools of one process.
func DefaultResultsConfig() ResultsConfig {
	return ResultsConfig{MaxMB: 64, MaxEntry: 64 << 10, MaxTTL: time.Hour, LateGrace: time.Second}
}

// Validate reports every problem at once.
func (c ResultsConfig) Validate() error {
	err := c.cache().Validate()
	if c.LateGrace < 0 {
		err = errors.Join(err, fmt.Errorf("late_grace %v: must not be negative", c.LateGrace))
	}
	return err
}

func (c ResultsConfig) cache() cache.Config {
	cfg := cache.DefaultConfig()
	cfg.MaxMB, cfg.MaxEntry, cfg.MaxTTL = c.MaxMB, c.MaxEntry, c.MaxTTL
	return cfg
}

// Results keeps answers of tools for equal calls, and lets equal calls at a time share one
// run. Calls are equal when the tool, the versions of its spec and of its data, the
// parameters, the limit, the market and the locale are, the query's text if the answer
// depends on it, and the user if it is personal. It is safe for concurrent use.
//
// A key is a hash with a secret of the process: nobody can tell from one who asked what.
type Results struct {
	cfg     ResultsConfig
	kept    *cache.Cache
	secret  []byte
	flights flights
}

// NewResults returns empty Results. The caller closes them.
func NewResults(cfg ResultsConfig, log *slog.Logger, reg prometheus.Registerer) (*Results, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("results config: %w", err)
	}
	secret := make([]byte, sha256.Size)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("results secret: %w", err)
	}
	kept, err := cache.New("tool_results", cfg.cache(), log, reg)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return &Results{cfg: cfg, kept: kept, secret: secret, flights: flights{byKey: map[string]*flight{}}}, nil
}

// Close gives the memory back. Workers that use r must have ended.
func (r *Results) Close() error { return r.kept.Close() }

// identity is what equal calls have in common.
type identity struct {
	Tool   string
	Spec   string
	Data   string
	Params schemas.Params
	Limit  int
	Market string
	Locale string
	Query  string        // "" where the answer does not depend on it
	User   *schemas.User // nil where the answer does not depend on it
}

// key returns the key of a request that has been narrowed to what its tool depends on.
func (r *Results) key(spec Spec, data string, req schemas.ToolRequest) (string, error) {
	text, err := codec.Marshal(identity{
		Tool: req.Tool, Spec: spec.Version, Data: data, Params: req.Params, Limit: req.Limit,
		Market: req.Market, Locale: req.Locale, Query: req.Query, User: req.User,
	})
	if err != nil {
		return "", fmt.Errorf("key of a call: %w", err)
	}
	mac := hmac.New(sha256.New, r.secret)
	mac.Write(text)
	return string(mac.Sum(nil)), nil
}

func (r *Results) get(key string) (Result, bool) {
	data, ok := r.kept.Get(key)
	if !ok {
		return Result{}, false
	}
	var kept Result
	if err := codec.Unmarshal(data, &kept); err != nil {
		return Result{}, false // does not happen: put wrote it
	}
	return kept, true
}

func (r *Results) put(key string, result Result, ttl time.Duration) {
	if data, err := codec.Marshal(result); err == nil { // an answer that cannot be written fails elsewhere
		r.kept.Set(key, data, ttl)
	}
}
