package testset

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Format names a file of cases in its first line, and Version is the version that this
// code writes. It reads every version up to it. Within a version members may be added,
// which older code leaves out; a new version is for what older code would read wrongly.
const (
	Format  = "pfr-testset"
	Version = 1
)

// ErrFormat says that a file is not one of cases, or of a later version.
var ErrFormat = errors.New("not a test set that can be read")

// maxLine is the longest line of a file of cases, in bytes.
const maxLine = 1 << 20

type header struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

// Write writes a header and a line for each case.
func Write(w io.Writer, cs []Case) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	if err := out.Encode(header{Format, Version}); err != nil {
		return fmt.Errorf("write test set: %w", err)
	}
	for _, c := range cs {
		if err := out.Encode(c); err != nil {
			return fmt.Errorf("write case %s: %w", c.ID, err)
		}
	}
	return nil
}

// Read reads what [Write] writes. Blank lines are left out. The error names every bad line,
// and wraps [ErrFormat] if the header is not there or is of a later version. What
// [Validate] would say of the cases together is not checked.
func Read(r io.Reader) ([]Case, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	if !lines.Scan() {
		return nil, errors.Join(fmt.Errorf("%w: it is empty", ErrFormat), lines.Err())
	}
	if err := checkHeader(lines.Bytes()); err != nil {
		return nil, err
	}
	var out []Case
	var errs []error
	for n := 2; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var c Case
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		if err := c.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, fmt.Errorf("read test set: %w", err))
	}
	return out, errors.Join(append(errs, checkWhole(out))...)
}

// ReadFile reads a file of cases; see [Read].
func ReadFile(name string) ([]Case, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", name, err)
	}
	return out, nil
}

func checkHeader(line []byte) error {
	var h header
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(line), "\ufeff")), &h); err != nil || h.Format != Format {
		return fmt.Errorf("%w: line 1: want {\"format\":%q,\"version\":%d}", ErrFormat, Format, Version)
	}
	if h.Version < 1 || h.Version > Version {
		return fmt.Errorf("%w: version %d, and %d is the latest known", ErrFormat, h.Version, Version)
	}
	return nil
}

// Validate returns everything that is wrong with a case by itself.
func (c Case) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.ID == "" {
		wrong("id: is empty")
	}
	if strings.TrimSpace(c.Query) == "" {
		wrong("query: is empty")
	}
	if c.UseCase != Unlabelled && !slices.Contains(UseCases(), c.UseCase) {
		wrong("use_case %q: want one of %v", c.UseCase, UseCases())
	}
	if !isMarket(c.Market) {
		wrong("market %q: want two capital letters", c.Market)
	}
	if c.AsOf != "" {
		if _, err := time.Parse(time.DateOnly, c.AsOf); err != nil {
			wrong("as_of %q: want YYYY-MM-DD", c.AsOf)
		}
	}
	if !slices.Contains(Splits(), c.Split) {
		wrong("split %q: want one of %v", c.Split, Splits())
	}
	if c.Cluster == "" {
		wrong("cluster: is empty")
	}
	if !slices.Contains([]Origin{Written, FromCatalogue, FromLogs}, c.Origin) {
		wrong("origin %q: want one of %v", c.Origin, []Origin{Written, FromCatalogue, FromLogs})
	}
	if c.Profile != nil && c.Profile.ID == "" {
		wrong("profile: its id is empty")
	}
	for i, g := range c.Gold {
		if g.Route == "" {
			wrong("gold %d: route is empty", i+1)
		}
	}
	if c.Needs != nil {
		errs = append(errs, c.Needs.validate("needs")...)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("case %s: %w", c.ID, errors.Join(errs...))
}

func isMarket(s string) bool {
	return len(s) == 2 && 'A' <= s[0] && s[0] <= 'Z' && 'A' <= s[1] && s[1] <= 'Z'
}

func (n Needs) validate(at string) []error {
	var errs []error
	said := n.Nothing || n.Entity != "" || n.Artist != "" || n.Seed != "" || len(n.Genres)+len(n.Avoid)+len(n.Words)+len(n.Types) > 0 ||
		n.FromYear > 0 || n.ToYear > 0 || n.WithinWeeks > 0
	if !said {
		errs = append(errs, fmt.Errorf("%s: say nothing", at))
	}
	if n.FromYear > 0 && n.ToYear > 0 && n.FromYear > n.ToYear {
		errs = append(errs, fmt.Errorf("%s: from_year %d is after to_year %d", at, n.FromYear, n.ToYear))
	}
	if n.WithinWeeks < 0 || n.MinArtists < 0 {
		errs = append(errs, fmt.Errorf("%s: within_weeks %d, min_artists %d: must not be negative", at, n.WithinWeeks, n.MinArtists))
	}
	for i, also := range n.Also {
		errs = append(errs, also.validate(fmt.Sprintf("%s.also %d", at, i+1))...)
		if len(also.Also) > 0 {
			errs = append(errs, fmt.Errorf("%s.also %d: wishes do not nest", at, i+1))
		}
	}
	return errs
}

// Validate returns everything that is wrong with cases, each by itself and together: equal
// ids, and clusters that lie in several splits.
func Validate(cs []Case) error {
	var errs []error
	for _, c := range cs {
		errs = append(errs, c.Validate())
	}
	return errors.Join(append(errs, checkWhole(cs))...)
}

// checkWhole returns what is wrong with cases beside each other.
func checkWhole(cs []Case) error {
	var errs []error
	ids, splits := map[string]bool{}, map[string]Split{}
	for _, c := range cs {
		if ids[c.ID] {
			errs = append(errs, fmt.Errorf("case %s: its id is there twice", c.ID))
		}
		ids[c.ID] = true
		if s, known := splits[c.Cluster]; known && s != c.Split {
			errs = append(errs, fmt.Errorf("case %s: cluster %q is in %s and in %s", c.ID, c.Cluster, s, c.Split))
			continue
		}
		splits[c.Cluster] = c.Split
	}
	return errors.Join(errs...)
}
