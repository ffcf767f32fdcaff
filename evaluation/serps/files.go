package serps

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// WritePages writes pages, one JSON object a line.
func WritePages(w io.Writer, pages []Pages) error { return writeLines(w, pages) }

// ReadPages reads what [WritePages] wrote.
func ReadPages(r io.Reader) ([]Pages, error) {
	var out []Pages
	for dec := json.NewDecoder(r); ; {
		var one Pages
		err := dec.Decode(&one)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read pages: case %d: %w", len(out)+1, err)
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
