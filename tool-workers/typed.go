package tools

import (
	"context"
	"errors"
	"fmt"

	"github.com/parallel-fusion/pfr/schemas"
)

// Call is a request with typed parameters.
type Call[P any] struct {
	Params P             // checked; what was left out is its default or its zero value
	Query  string        // the text as typed; "" unless the Spec says Text
	Limit  int           // items wanted at most
	Market string        // ISO 3166-1
	Locale string        // BCP 47; may be empty
	User   *schemas.User // nil for anonymous calls, and unless the Spec says Personal
}

// typed is a tool made of a function.
type typed[P any] struct {
	name   string
	spec   Spec
	params *params
	run    func(context.Context, Call[P]) (Result, error)
}

// Typed returns a tool that runs a function with typed parameters. P is a struct whose
// fields are strings, ints or lists of strings, each a parameter:
//
//	type params struct {
//		Genre string   `param:"genre" doc:"a genre of the catalogue" required:"true"`
//		Weeks int      `param:"max_weeks_from_release" doc:"age at most" min:"1" max:"520" default:"26"`
//		Types []string `param:"entity_types" doc:"what is wanted" enum:"track,album" max:"2"`
//	}
//
// min and max bound an integer, or how many entries a list has. A required text or list
// must not be empty. spec.Params must be nil: the schema is generated. Calls that break it
// are answered with [ErrBadRequest], which names each parameter, what it got and what it
// wants, and quotes no text. A typed tool whose spec says neither Personal nor Text passes
// neither on.
func Typed[P any](name string, spec Spec, run func(context.Context, Call[P]) (Result, error)) (Tool, error) {
	p, err := paramsOf[P]()
	if err != nil {
		return nil, fmt.Errorf("tool %s: parameters: %w", name, err)
	}
	if spec, err = complete(name, spec, p); err != nil {
		return nil, err
	}
	return &typed[P]{name: name, spec: spec, params: p, run: run}, nil
}

// complete returns spec with the schema of the parameters, once everything is checked.
func complete(name string, spec Spec, p *params) (Spec, error) {
	var errs []error
	if !toolName.MatchString(name) {
		errs = append(errs, fmt.Errorf("name %q: must be 1 to 64 letters, digits, '-' or '_'", name))
	}
	if spec.Params != nil {
		errs = append(errs, errors.New("params: are generated"))
	}
	var err error
	if spec.Params, err = p.schema(); err != nil {
		errs = append(errs, err)
	}
	if spec.Example.Params == nil {
		spec.Example.Params = schemas.Params{}
	}
	if err := p.check(spec.Example.Params); err != nil {
		errs = append(errs, fmt.Errorf("example: %w", err))
	}
	if err := errors.Join(append(errs, spec.Validate())...); err != nil {
		return spec, fmt.Errorf("tool %s: %w", name, err)
	}
	return spec, nil
}

// Name implements [Tool].
func (t *typed[P]) Name() string { return t.name }

// Spec implements [Describer].
func (t *typed[P]) Spec() Spec { return t.spec }

// Run implements [Tool].
func (t *typed[P]) Run(ctx context.Context, req schemas.ToolRequest) (Result, error) {
	req = t.spec.narrow(req)
	call := Call[P]{Query: req.Query, Limit: req.Limit, Market: req.Market, Locale: req.Locale, User: req.User}
	if err := t.params.decode(req.Params, &call.Params); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	return t.run(ctx, call)
}

// narrow returns req without what a tool of this Spec must not depend on.
func (s Spec) narrow(req schemas.ToolRequest) schemas.ToolRequest {
	if !s.Personal {
		req.User = nil
	}
	if !s.Text {
		req.Query = ""
	}
	return req
}
