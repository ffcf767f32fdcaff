package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Spec describes a tool to people, programs and the worker. The zero Spec says nothing: a
// tool without one gets every part of its requests, and its answers are not kept.
type Spec struct {
	// Version of the tool's behaviour and parameters, semantic, as 1.2.3.
	Version string
	// For says in one sentence what the tool is for.
	For string
	// Params is the JSON Schema (2020-12) of the parameters. [Typed] generates it.
	Params json.RawMessage
	// Example is a call that the tool answers.
	Example Example
	// Personal says that answers depend on the listener. Other tools never see the user.
	Personal bool
	// Text says that answers depend on the query as typed, beside the parameters. Other
	// tools never see it.
	Text bool
	// CacheFor is how long an answer may serve equal calls; 0 means not at all.
	CacheFor time.Duration
	// Adapts says that the tool fits its work into the time that it is given. It is asked
	// however little that is; other tools are not, where they would most likely be late.
	Adapts bool
	// Results are the types of the items; nil means that the answer is text alone.
	Results []schemas.ItemType
}

// Example is a call in the form in which people read it.
type Example struct {
	Query  string         `json:"query"`
	Params schemas.Params `json:"params"`
}

// Describer is implemented by tools that have a [Spec]. It must be cheap: the worker asks
// at each call.
type Describer interface{ Spec() Spec }

// SpecOf returns the Spec of tool, and false if it has none.
func SpecOf(tool Tool) (Spec, bool) {
	d, ok := tool.(Describer)
	if !ok {
		return Spec{}, false
	}
	s := d.Spec()
	return s, s.Version != ""
}

// maxSchemaBytes bounds a schema. It travels in the metadata of each worker.
const maxSchemaBytes = 16 << 10

var (
	toolName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	semantic = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
)

// Validate reports every problem at once.
func (s Spec) Validate() error {
	var errs []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(!semantic.MatchString(s.Version), "version %q: must be semantic, as 1.2.3", s.Version)
	add(strings.TrimSpace(s.For) == "", "for: must say what the tool is for")
	add(!json.Valid(s.Params), "params: must be a JSON Schema")
	add(len(s.Params) > maxSchemaBytes, "params: a schema of %d bytes, the limit is %d", len(s.Params), maxSchemaBytes)
	add(s.CacheFor < 0, "cache_for %v: must not be negative", s.CacheFor)
	if err := schemas.CheckText(s.Example.Query); err != nil {
		errs = append(errs, fmt.Errorf("example query: %w", err))
	}
	if err := s.Example.Params.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("example: %w", err))
	}
	return errors.Join(errs...)
}

// Keys of [Metadata].
const (
	MetaSpec     = "spec"          // version of the Spec
	MetaSchema   = "schema"        // JSON Schema of the parameters
	MetaExample  = "example"       // JSON of an [Example]
	MetaResults  = "results"       // types of the items, separated by commas
	MetaPersonal = "personal"      // true or false
	MetaText     = "text"          // true or false
	MetaCache    = "cache_seconds" // a number; 0 means that answers are not kept
)

// Metadata returns what discovery shows of tool, as texts. It is empty for a tool without
// a [Spec]. The caller owns the map.
func Metadata(tool Tool) map[string]string {
	s, ok := SpecOf(tool)
	if !ok {
		return map[string]string{}
	}
	meta := map[string]string{
		MetaSpec: s.Version, MetaSchema: string(s.Params), MetaResults: join(s.Results),
		MetaPersonal: strconv.FormatBool(s.Personal), MetaText: strconv.FormatBool(s.Text),
		MetaCache: strconv.FormatFloat(s.CacheFor.Seconds(), 'f', -1, 64),
	}
	if example, err := json.Marshal(s.Example); err == nil { // it always is: a Spec is valid
		meta[MetaExample] = string(example)
	}
	return meta
}

func join(types []schemas.ItemType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ",")
}
