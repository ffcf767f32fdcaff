package serps

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Provenance says what pages are of. Pages of another may not be judged in their place.
type Provenance struct {
	Candidate string `json:"candidate"` // systems, by the names that reports have for them
	Baseline  string `json:"baseline"`
	TestSet   string `json:"test_set"` // with its hash
	Today     string `json:"today"`
	Pipeline  string `json:"pipeline"` // that made them: its brokers, its catalogue, and its settings where they are not the usual ones
}

// Differs returns an error that names what is not as wanted.
func (p Provenance) Differs(want Provenance) error {
	var errs []error
	for _, f := range []struct{ what, have, want string }{
		{"the candidate", p.Candidate, want.Candidate},
		{"the baseline", p.Baseline, want.Baseline},
		{"the test set", p.TestSet, want.TestSet},
		{"the day", p.Today, want.Today},
		{"the pipeline", p.Pipeline, want.Pipeline},
	} {
		if f.have != f.want {
			errs = append(errs, fmt.Errorf("%s was %q and is %q", f.what, f.have, f.want))
		}
	}
	return errors.Join(errs...)
}

// pagesFormat is the version of a file of pages.
const pagesFormat = 1

// pagesHead is the first line of a file of pages.
type pagesHead struct {
	Format int `json:"pages_format"`
	Provenance
}

// WritePages writes what pages are of, then the pages, one JSON object a line.
func WritePages(w io.Writer, of Provenance, pages []Pages) error {
	return errors.Join(writeLines(w, []pagesHead{{pagesFormat, of}}), writeLines(w, pages))
}

// ReadPages reads what [WritePages] wrote.
func ReadPages(r io.Reader) (Provenance, []Pages, error) {
	dec := json.NewDecoder(r)
	var head pagesHead
	if err := dec.Decode(&head); err != nil {
		return Provenance{}, nil, fmt.Errorf("read pages: first line: %w", err)
	}
	if head.Format != pagesFormat {
		return Provenance{}, nil, fmt.Errorf("read pages: the first line says format %d; this program reads %d", head.Format, pagesFormat)
	}
	var out []Pages
	for {
		var one Pages
		err := dec.Decode(&one)
		if errors.Is(err, io.EOF) {
			return head.Provenance, out, nil
		}
		if err != nil {
			return Provenance{}, nil, fmt.Errorf("read pages: case %d: %w", len(out)+1, err)
		}
		out = append(out, one)
	}
}

// WriteOutcomes writes outcomes, one JSON object a line.
func WriteOutcomes(w io.Writer, outcomes []Outcome) error { return writeLines(w, outcomes) }

func writeLines[T any](w io.Writer, lines []T) error {
	enc := json.NewEncoder(w)
	for i, line := range lines {
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("write line %d: %w", i+1, err)
		}
	}
	return nil
}
