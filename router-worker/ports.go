package router

import (
	"context"
	"errors"

	"github.com/parallel-fusion/pfr/schemas"
)

// Guess is what a model makes of a query.
type Guess struct {
	Route      string
	Params     schemas.Params // need not be canonical
	Confidence float64        // calibrated P(Route is right)
	// Alternatives are the next best routes, best first; nil: the model does not say.
	Alternatives []schemas.Alternative
}

// Model guesses. It is safe for concurrent use and always has an answer.
type Model interface {
	Guess(text string) Guess
	// Version names the model; decisions of another version are not reused.
	Version() string
}

// LLM asks a language model what a query means. It is safe for concurrent use. Both
// methods return what the attempt cost, with an error too: an answer that is no use has
// been paid for.
type LLM interface {
	// Route picks a route and its parameters, which are valid for the manifest but need
	// not be canonical. An answer that is not a valid decision is an [ErrOutput].
	Route(ctx context.Context, text string) (Answer, error)
	// Compose picks tool calls instead of a route (post-fusion).
	Compose(ctx context.Context, text string) (Answer, error)
	// Version names model, prompt, schema and sampling settings; decisions of another
	// version are not reused.
	Version() string
}

// Answer is what a language model made of a query, and what that took.
type Answer struct {
	Guess                    // of Route
	Calls   []schemas.Chosen // of Compose, in the order of the page
	Model   string           // as the server names it
	Prompt  string           // version of the prompt and the schema
	Tokens  schemas.Tokens
	CostUSD float64
}

// Ask is a question for a language model.
type Ask struct {
	Text   string
	Mode   schemas.Mode // PreFusion: pick a route; PostFusion: compose calls
	Market string       // whose limits it counts against; no part of the prompt
	Batch  bool         // can wait: live queries go first
}

// Asker asks a language model within limits of time and money. It is safe for concurrent
// use. What an attempt cost is in the answer, with an error too.
type Asker interface {
	Ask(ctx context.Context, q Ask) (Answer, error)
	// Version names model, prompt, schema and sampling settings.
	Version() string
}

// What can come of asking a language model, beside an answer and a transport's own errors.
var (
	// ErrOutput marks an answer that is not a valid decision: a refusal, a truncated or
	// malformed object, a route or a tool that does not exist.
	ErrOutput = errors.New("invalid model output")
	// ErrLimited marks a request over a limit of requests, tokens or money.
	ErrLimited = errors.New("over the limit")
	// ErrUnavailable marks a request that no server could be asked: breakers are open, or
	// enough is in flight.
	ErrUnavailable = errors.New("no server available")
)

// Outcome returns what an error of a tier comes to. That of nil is OutcomeAnswered.
func Outcome(err error) schemas.Outcome {
	switch {
	case err == nil:
		return schemas.OutcomeAnswered
	case errors.Is(err, ErrOutput):
		return schemas.OutcomeInvalid
	case errors.Is(err, ErrLimited):
		return schemas.OutcomeLimited
	case errors.Is(err, ErrUnavailable):
		return schemas.OutcomeOpen
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return schemas.OutcomeTimeout
	}
	return schemas.OutcomeError
}
