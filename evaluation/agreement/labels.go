// Package agreement says how far a judge agrees with people, and so what its verdicts are
// worth.
//
// The vocabulary: a label is what a rater, a person or a judge, said about an item: a page
// on one dimension, or a pair of pages. The consensus of an item is what more than half of
// its people say. A judge is calibrated on a dimension if it agrees with the consensus on
// enough items, beyond chance; see [Gate]. Whatever is reported by a judge that is not says
// so.
package agreement

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/internal/journal"
)

// Pair is the dimension of labels about two pages.
const Pair = "pair"

// Labels.
const (
	Pass   = "PASS"
	NoPass = "NO PASS"
	First  = "first"
	Second = "second"
	Tie    = "tie"
)

// LabelsOf returns what may be said on a dimension.
func LabelsOf(dimension string) []string {
	if dimension == Pair {
		return []string{First, Second, Tie}
	}
	return []string{Pass, NoPass}
}

// Item is what is labelled.
type Item struct {
	Dimension string `json:"dimension"` // or [Pair]
	Hash      string `json:"hash"`      // of the page; of a pair, the page that first stands for
	Other     string `json:"other,omitempty"`
}

// Label is what a rater said about an item: a line of a file of labels.
type Label struct {
	Case    string `json:"case"`
	UseCase string `json:"use_case,omitempty"`
	Item
	Label string    `json:"label"` // "": the rater takes the label back
	Rater string    `json:"rater"`
	At    time.Time `json:"at,omitzero"`
}

// Validate reports every problem at once.
func (l Label) Validate() error {
	var errs []error
	if l.Case == "" || l.Hash == "" || l.Rater == "" || l.Dimension == "" {
		errs = append(errs, errors.New("case, dimension, hash and rater: must not be empty"))
	}
	if (l.Dimension == Pair) != (l.Other != "") {
		errs = append(errs, errors.New("other: a pair has two pages, and nothing else has"))
	}
	known := l.Label == ""
	for _, label := range LabelsOf(l.Dimension) {
		known = known || label == l.Label
	}
	if !known {
		errs = append(errs, fmt.Errorf("label %q: is none of %q", l.Label, LabelsOf(l.Dimension)))
	}
	return errors.Join(errs...)
}

// turned returns the label with the pages of a pair in the order of their hashes, so that
// labels about the same two pages meet.
func (l Label) turned() Label {
	if l.Dimension != Pair || l.Hash <= l.Other {
		return l
	}
	l.Hash, l.Other = l.Other, l.Hash
	switch l.Label {
	case First:
		l.Label = Second
	case Second:
		l.Label = First
	}
	return l
}

// ReadLabels reads labels, one JSON object a line, with those that were taken back or changed
// later; see [Latest]. A last line that is torn was being written when its process was
// killed, and is left out; one that only lacks its end counts.
func ReadLabels(r io.Reader) ([]Label, error) {
	var out []Label
	err := journal.Lines(r, func(line []byte) error {
		l, err := ParseLabel(line)
		out = append(out, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	return out, nil
}

// ParseLabel reads a line of a file of labels.
func ParseLabel(line []byte) (Label, error) {
	var l Label
	if err := json.Unmarshal(line, &l); err != nil {
		return Label{}, err
	}
	return l, l.Validate()
}

// Latest returns the labels that hold: of each rater and item the last that was said, unless
// it was taken back. The last is that of the latest time; of labels of one time, or without
// one, it is that which comes last. They come in the order in which the items were first
// labelled, with the pages of pairs in the order of their hashes.
func Latest(labels []Label) []Label {
	type key struct {
		item  Item
		rater string
	}
	var out []Label
	at := map[key]int{}
	for _, l := range labels {
		l = l.turned()
		k := key{l.Item, l.Rater}
		if i, again := at[k]; again {
			if l.At.IsZero() || !l.At.Before(out[i].At) {
				out[i] = l
			}
			continue
		}
		at[k] = len(out)
		out = append(out, l)
	}
	return slices.DeleteFunc(out, func(l Label) bool { return l.Label == "" })
}
