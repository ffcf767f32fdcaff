package opensearch

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
)

// Config says what is searched and how. The zero value is not valid; see [DefaultConfig].
type Config struct {
	URL   string `yaml:"url"`   // of the cluster, such as https://search.example.org:9200
	Index string `yaml:"index"` // an index or an alias; several are separated by commas
	// Query is the "query" of a search, with placeholders as values.
	Query map[string]any `yaml:"query"`
	// Map reads items out of hits, with paths such as _id and _source.title. The score is
	// _score unless it says otherwise.
	Map adapter.Mapping `yaml:"map"`
	// ScanRate bounds a search by work: it ends after this many documents of a shard for
	// each millisecond that it may take. 0 means 10,000; negative means no bound.
	ScanRate           int `yaml:"scan_rate,omitempty"`
	adapter.HTTPConfig `yaml:",inline"`
}

// DefaultConfig returns a search without an index.
func DefaultConfig() Config {
	return Config{ScanRate: 10_000, HTTPConfig: adapter.DefaultHTTPConfig()}
}

func (c Config) timeout() time.Duration {
	return cmp.Or(c.Timeout, adapter.DefaultHTTPConfig().Timeout)
}

// indexName is a list of names without wildcards, dates and exclusions. The engine's own
// indexes begin with a dot, its endpoints with an underscore.
var indexName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(,[a-z0-9][a-z0-9._-]*)*$`)

// maxIndexBytes bounds the list of names; it is part of an address.
const maxIndexBytes = 1024

// Validate reports every problem at once.
func (c Config) Validate() error {
	errs := []error{c.HTTPConfig.Validate(), c.Map.Validate()}
	if _, err := adapter.BaseURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if !indexName.MatchString(c.Index) || len(c.Index) > maxIndexBytes {
		errs = append(errs, fmt.Errorf("index %.64q: must be names in lower case, without wildcards", c.Index))
	}
	if len(c.Query) == 0 {
		errs = append(errs, errors.New("query: must say what is searched"))
	}
	if c.Map.List != "" {
		errs = append(errs, errors.New("map.list: is always the hits"))
	}
	t, err := adapter.NewTemplate(c.Query)
	if err != nil {
		errs = append(errs, fmt.Errorf("query: %w", err))
	}
	for _, p := range t.Places() {
		if i := slices.IndexFunc(p.Keys, syntax); i >= 0 {
			errs = append(errs, fmt.Errorf("query: {{%s}} below %s: the engine would read it as more than a value", p.Name, p.Keys[i]))
		}
	}
	return errors.Join(errs...)
}

// syntax says whether the engine reads values below a key of a query as a language, a
// pattern that may cost anything, or a place where to look.
func syntax(key string) bool {
	switch key {
	case "query_string", "simple_query_string", "wildcard", "regexp", "script", "script_score", "scripted", "source",
		"wrapper", "percolate", "template", "field", "fields", "path", "index", "minimum_should_match", "analyzer":
		return true
	default:
		return false
	}
}

// optionalOutside reports parameters that may be missing where nothing can be left out: a
// clause of a list can, the query cannot.
func optionalOutside(tool adapter.Config, t *adapter.Template) error {
	var errs []error
	for _, p := range t.Places() {
		optional := slices.ContainsFunc(tool.Params, func(d tools.Param) bool { return d.Name == p.Name && !d.Required })
		if optional && !p.Entry {
			errs = append(errs, fmt.Errorf("query: {{%s}} may be missing: put its clause into a list, such as bool.filter", p.Name))
		}
	}
	return errors.Join(errs...)
}

// sourceFields returns the fields of documents that a mapping reads.
func sourceFields(m adapter.Mapping) []string {
	out := []string{}
	for _, path := range m.Paths() {
		field, ok := strings.CutPrefix(path, "_source.")
		if !ok {
			continue
		}
		field, _, _ = strings.Cut(field, ".#")
		if field, _, _ = strings.Cut(field, "|"); !slices.Contains(out, field) {
			out = append(out, field)
		}
	}
	slices.Sort(out)
	return out
}
