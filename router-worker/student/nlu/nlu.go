// Package nlu learns to read short requests: what is wanted and which words say of what.
// It is pure Go, learns thousands of sentences in seconds and reads one in microseconds.
//
// The vocabulary: an intent is what a text wants; a slot is the part that a run of words
// plays in it, such as artist; a span is such a run. A text is cut into tokens once, and
// what is seen at each token (its features) is computed once for both parts of a [Model]:
// a multinomial logistic regression for the intent, and for each intent a tagger, which is
// a linear-chain conditional random field over B, I and O tags. A dictionary holds the
// words and slot values of the training data. While training, a sentence is read with a
// dictionary that lacks what the sentence itself brought to it, so that the model learns
// how far to trust the dictionary with texts that it has not seen. A hint is a span that
// the caller knows to mean something, from names or word lists of its own.
//
// Everything is deterministic: equal data and settings give equal bytes, whatever the
// number of workers, and reading adds integers only.
package nlu

import (
	"errors"
	"fmt"
	"runtime"
)

// Span is a run of bytes of a text that plays a part in it.
type Span struct {
	From, To int // bytes
	Slot     string
}

// Hint is a run of bytes of a text that the caller knows to be of some kind. Kinds mean
// what the caller makes them mean; the same must be used in training and afterwards.
type Hint struct {
	From, To int // bytes
	Kind     uint8
}

// Example is a text with all that it means.
type Example struct {
	Text   string
	Intent string
	Spans  []Span // in order, not overlapping
	Hints  []Hint
}

// Ranked is an intent and how probable it is.
type Ranked struct {
	Intent string
	P      float64 // calibrated, 0 to 1
}

// Parse is what a [Model] makes of a text.
type Parse struct {
	Ranked
	Alternatives []Ranked // all other intents, the most probable first
	Spans        []Span   // in order
}

// Config configures [Train]. See [DefaultConfig].
type Config struct {
	Seed uint64
	// Epochs is how often the data is gone through.
	Epochs int
	// Rate is the step of learning, as AdaGrad takes it.
	Rate float64
	// Decay pulls weights towards zero (L2).
	Decay float64
	// MinCount is how often a feature must occur to be learnt.
	MinCount int
	// HeldOut is the share of the examples that the confidence is calibrated on. They are
	// learnt afterwards like the others.
	HeldOut float64
	// Values makes the model remember the values of slots, and the words in them. Without, it
	// knows them by hints and by the words around them alone.
	Values bool
	// Workers is how many taggers are learnt at a time. It does not change the result.
	Workers int
	// Source names the data, for the provenance of the model.
	Source string
}

// DefaultConfig returns settings that suit a few thousand sentences an intent.
func DefaultConfig() Config {
	return Config{Seed: 1, Epochs: 16, Rate: 0.2, Decay: 1e-4, MinCount: 2, HeldOut: 0.1, Values: true, Workers: runtime.GOMAXPROCS(0)}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	for name, n := range map[string]int{"epochs": c.Epochs, "min_count": c.MinCount, "workers": c.Workers} {
		if n < 1 {
			errs = append(errs, fmt.Errorf("%s %d: must be positive", name, n))
		}
	}
	if !(c.Rate > 0) {
		errs = append(errs, fmt.Errorf("rate %v: must be positive", c.Rate))
	}
	if !(c.Decay >= 0) {
		errs = append(errs, fmt.Errorf("decay %v: must not be negative", c.Decay))
	}
	if !(c.HeldOut >= 0 && c.HeldOut < 1) {
		errs = append(errs, fmt.Errorf("held_out %v: must be in [0,1)", c.HeldOut))
	}
	return errors.Join(errs...)
}
