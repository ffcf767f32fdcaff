// Package routing measures a router on labelled queries: accuracy for each route with
// intervals, parameters, calibration, and what the decisions took and cost.
//
// The vocabulary: a case is a query with the routes that suit it, the best first; macro
// accuracy is the mean over routes of the accuracy on the cases that they suit best; a
// frame is a route with its parameters, and is right when all of it is.
package routing

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/frames"
	"github.com/parallel-fusion/pfr/schemas"
)

// Case is a labelled query.
type Case struct {
	Query  string
	Routes []string // any of them is right; the first suits best
	// Wish is what the parameters should be with the first route; nil: nobody has said.
	Wish map[string]frames.Allowed
}

// maxLine is the longest line of a file of cases, in bytes.
const maxLine = 1 << 20

// maxProblems is how many bad lines an error names.
const maxProblems = 20

// Read reads cases, one a line: query, routes with commas between, and if known the
// parameters as a JSON object, with tabs between. A parameter is a value, or
// {"any": [values]} where several will do; "" among them says that it may be absent.
// Blank lines and lines that begin with # are left out. known are the routes there are.
// The error names the bad lines.
func Read(r io.Reader, known []string) ([]Case, error) { return read(r, known, true) }

// ReadLog reads what was asked, in the form of [Read]. Of a query that nobody has labelled
// there is the text alone.
func ReadLog(r io.Reader, known []string) ([]Case, error) { return read(r, known, false) }

func read(r io.Reader, known []string, labelled bool) ([]Case, error) {
	var cases []Case
	var errs []error
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan() && len(errs) < maxProblems; n++ {
		text := strings.TrimSuffix(strings.TrimPrefix(lines.Text(), "\ufeff"), "\r")
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		c, err := readCase(text, known)
		if err == nil && labelled && len(c.Routes) == 0 {
			err = errors.New("want query, tab, routes, and if you like tab, parameters")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, err)
	}
	if len(cases) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("it has no queries: want lines of query, tab, route"))
	}
	return cases, errors.Join(errs...)
}

func readCase(line string, known []string) (Case, error) {
	text, rest, _ := strings.Cut(line, "\t")
	list, wish, _ := strings.Cut(rest, "\t")
	c := Case{Query: strings.TrimSpace(text)}
	if err := schemas.CheckText(c.Query); err != nil {
		return c, fmt.Errorf("query: %w", err)
	}
	list, wish = strings.TrimSpace(list), strings.TrimSpace(wish)
	if list != "" {
		c.Routes = strings.Split(list, ",")
	} else if wish != "" {
		return c, errors.New("it has parameters and no route")
	}
	for i, name := range c.Routes {
		if c.Routes[i] = strings.TrimSpace(name); !slices.Contains(known, c.Routes[i]) {
			return c, fmt.Errorf("no route %q; there are %s", c.Routes[i], strings.Join(known, ", "))
		}
	}
	if wish == "" {
		return c, nil
	}
	var err error
	c.Wish, err = readWish([]byte(wish))
	return c, err
}

func readWish(data []byte) (map[string]frames.Allowed, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("parameters: want a JSON object: %w", err)
	}
	wish := make(map[string]frames.Allowed, len(raw))
	for name, value := range raw {
		var several struct {
			Any []any `json:"any"`
		}
		var one any
		if err := json.Unmarshal(value, &several); err == nil && len(several.Any) > 0 {
			wish[name] = several.Any
		} else if err := json.Unmarshal(value, &one); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		} else {
			wish[name] = frames.Allowed{one}
		}
	}
	return wish, nil
}

// Decide decides for a query.
type Decide func(ctx context.Context, query string) (schemas.Decision, error)

// Evaluate runs decide on every case, one after the other. A case that decide has no answer
// for counts as wrong.
func Evaluate(ctx context.Context, cases []Case, decide Decide) (Report, error) {
	t := newTally()
	for _, c := range cases {
		d, err := decide(ctx, c.Query)
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		t.add(c, d, err)
	}
	return t.report(), nil
}
