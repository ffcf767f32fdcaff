// Package tools is what a tool is, the kit to write one, and the worker that serves it.
//
// A [Tool] answers one kind of call: it gets a request with canonical parameters, the
// listener and a deadline, and returns items of the catalogue, best first. Each tool is a
// package of its own; siblings never import each other. [Typed] makes a tool of a function
// with typed parameters; its [Spec] says what it takes and how its answers may be used. A
// [Worker] puts the wire around a tool, [Results] keeps answers for equal calls, and a
// [Swappable] changes the data or model behind a tool while it serves.
package tools

import (
	"context"
	"errors"
	"fmt"

	"github.com/parallel-fusion/pfr/schemas"
)

var (
	// ErrBadRequest marks a call that the tool can never answer.
	ErrBadRequest = errors.New("bad tool request")
	// ErrTooLate marks a call that was not run, since its answer would have come after its
	// deadline. It is a [context.DeadlineExceeded].
	ErrTooLate = fmt.Errorf("too little time left: %w", context.DeadlineExceeded)
	// ErrInHand refuses the repeat of a call that the worker has in hand: it is meant for
	// another worker.
	ErrInHand = errors.New("this call is in hand here")
	// ErrSlow refuses a call that is no repeat because this worker is slower than it was:
	// another one should have it. A caller that finds no other sends it as a repeat.
	ErrSlow = errors.New("this worker is slow")
)

// Tool answers calls. It is safe for concurrent use.
type Tool interface {
	// Name is the tool's name in the manifest.
	Name() string
	// Run answers req before ctx ends. It returns at most req.Limit items; no items is a
	// good answer. It must not keep req.User.
	Run(ctx context.Context, req schemas.ToolRequest) (Result, error)
}

// Result is what a tool found. Equal calls may share one: nobody changes it.
type Result struct {
	Text  string // an answer or an introduction; may be empty
	Items []schemas.Item
	// Version names the data or model that answered, for tools that change it while they
	// serve; "" means that of [VersionOf]. An answer of any other version than that is not
	// kept for equal calls: so tools mark one that is less than the next may be.
	Version string
}

// Versioned is implemented by tools that know the version of the data or model behind
// them.
type Versioned interface{ Version() string }

// VersionOf returns the version that tool reports of its data, or otherwise.
func VersionOf(tool Tool, otherwise string) string {
	if v, ok := tool.(Versioned); ok && v.Version() != "" {
		return v.Version()
	}
	return otherwise
}

// Warmer is implemented by tools that are slow at first: it loads what they need. It is
// called before the tool gets calls.
type Warmer interface {
	Warm(ctx context.Context) error
}

// Warm warms tool if it can be warmed. Its error names the tool.
func Warm(ctx context.Context, tool Tool) error {
	w, ok := tool.(Warmer)
	if !ok {
		return nil
	}
	if err := w.Warm(ctx); err != nil {
		return fmt.Errorf("warm %s: %w", tool.Name(), err)
	}
	return nil
}
