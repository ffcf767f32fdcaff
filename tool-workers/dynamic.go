package tools

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// ErrOverloaded marks a call that what stands behind the tool has no room for now.
var ErrOverloaded = errors.New("overloaded")

// ParamType is what the values of a [Param] are.
type ParamType string

// The types of parameters.
const (
	TextParam    ParamType = "string"
	IntegerParam ParamType = "integer"
	ListParam    ParamType = "list" // of texts
)

// Param describes a parameter that is not known before the program runs. It says what the
// tags of a field say in [Typed].
type Param struct {
	Name     string    `yaml:"name"`
	Type     ParamType `yaml:"type"`
	Doc      string    `yaml:"doc"`                // what it means; every parameter has one
	Enum     []string  `yaml:"enum,omitempty"`     // the only texts, also inside a list
	Min      *int      `yaml:"min,omitempty"`      // of an integer, or of the length of a list
	Max      *int      `yaml:"max,omitempty"`      // likewise
	Required bool      `yaml:"required,omitempty"` // must be there; a text or list must not be empty
}

// dynamic is a tool whose parameters are a list.
type dynamic struct {
	name   string
	spec   Spec
	params *params
	run    func(context.Context, Call[schemas.Params]) (Result, error)
}

// Dynamic is [Typed] for parameters that are configured: the schema, the checks and the
// errors are the same. The function must not change Call.Params.
func Dynamic(name string, spec Spec, list []Param, run func(context.Context, Call[schemas.Params]) (Result, error)) (Tool, error) {
	p, err := paramsFrom(list)
	if err != nil {
		return nil, fmt.Errorf("tool %s: parameters: %w", name, err)
	}
	if spec, err = complete(name, spec, p); err != nil {
		return nil, err
	}
	return &dynamic{name: name, spec: spec, params: p, run: run}, nil
}

// Name implements [Tool].
func (t *dynamic) Name() string { return t.name }

// Spec implements [Describer].
func (t *dynamic) Spec() Spec { return t.spec }

// Run implements [Tool].
func (t *dynamic) Run(ctx context.Context, req schemas.ToolRequest) (Result, error) {
	req = t.spec.narrow(req)
	if err := t.params.check(req.Params); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	return t.run(ctx, Call[schemas.Params]{
		Params: req.Params, Query: req.Query, Limit: req.Limit, Market: req.Market, Locale: req.Locale, User: req.User,
	})
}

// paramsFrom returns the parameters of a list, in its order.
func paramsFrom(list []Param) (*params, error) {
	p := &params{}
	var errs []error
	for _, d := range list {
		f, err := d.field()
		if err != nil {
			errs = append(errs, fmt.Errorf("%.64q: %w", d.Name, err))
			continue
		}
		if slices.ContainsFunc(p.fields, func(o field) bool { return o.name == f.name }) {
			errs = append(errs, fmt.Errorf("%q: is there already", d.Name))
		}
		p.fields = append(p.fields, f)
	}
	if len(p.fields) > schemas.MaxParams {
		errs = append(errs, fmt.Errorf("%d parameters, the limit is %d", len(p.fields), schemas.MaxParams))
	}
	return p, errors.Join(errs...)
}

// field writes the parameter as a field of a struct, so that there is one reader of both.
func (p Param) field() (field, error) {
	types := map[ParamType]reflect.Type{
		TextParam: reflect.TypeFor[string](), IntegerParam: reflect.TypeFor[int](), ListParam: reflect.TypeFor[[]string](),
	}
	t, ok := types[p.Type]
	if !ok {
		return field{}, fmt.Errorf("type %.64q: must be string, integer or list", p.Type)
	}
	if p.Type == IntegerParam && p.Enum != nil {
		return field{}, errors.New("enum: is for texts and lists")
	}
	f, err := fieldOf(reflect.StructField{Name: "Param", Type: t, Tag: p.tag()})
	if p.Enum != nil {
		f.enum = slices.Clone(p.Enum) // as it is: a comma inside a text is no separator here
	}
	return f, err
}

func (p Param) tag() reflect.StructTag {
	var b strings.Builder
	add := func(key, value string) { fmt.Fprintf(&b, "%s:%s ", key, strconv.Quote(value)) }
	add("param", p.Name)
	add("doc", p.Doc)
	if p.Enum != nil {
		add("enum", strings.Join(p.Enum, ","))
	}
	if p.Min != nil {
		add("min", strconv.Itoa(*p.Min))
	}
	if p.Max != nil {
		add("max", strconv.Itoa(*p.Max))
	}
	if p.Required {
		add("required", "true")
	}
	return reflect.StructTag(b.String())
}
