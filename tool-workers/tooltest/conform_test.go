package tooltest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

type params struct {
	Genre string   `param:"genre" doc:"a genre" required:"true"`
	Weeks int      `param:"weeks" doc:"age at most" min:"1" max:"52"`
	Types []string `param:"types" doc:"what is wanted" enum:"track,album"`
}

// behaviour is how a tool answers.
type behaviour func(ctx context.Context, c tools.Call[params]) (tools.Result, error)

func good(_ context.Context, c tools.Call[params]) (tools.Result, error) {
	var r tools.Result
	for i := range min(3, c.Limit) {
		r.Items = append(r.Items, schemas.Item{ID: fmt.Sprintf("track:%d", i), Type: "track", Title: fmt.Sprint("Track ", i)})
	}
	return r, nil
}

func spec() tools.Spec {
	return tools.Spec{
		Version: "1.0.0", For: "finds three tracks", Results: []schemas.ItemType{"track"},
		Example: tools.Example{Query: "rock", Params: schemas.Params{"genre": "rock", "weeks": 4}},
	}
}

func tool(t *testing.T, s tools.Spec, run behaviour) tools.Tool {
	t.Helper()
	made, err := tools.Typed("three", s, run)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAGoodToolConforms(t *testing.T) {
	tooltest.Conform(t, tool(t, spec(), good), tooltest.Call{Params: schemas.Params{"genre": "rock", "types": []string{"album"}}})
}

// loose is a tool with a spec that it does not keep to.
type loose struct {
	tools.Tool
	run func(ctx context.Context, req schemas.ToolRequest) (tools.Result, error)
}

func (l loose) Spec() tools.Spec {
	s, _ := tools.SpecOf(l.Tool)
	return s
}

func (l loose) Run(ctx context.Context, req schemas.ToolRequest) (tools.Result, error) {
	return l.run(ctx, req)
}

// broken is one tool for each part of the contract, named by the part that it breaks.
func broken(t *testing.T) map[string]tools.Tool {
	whole := tool(t, spec(), good)
	item := func(title string) tools.Result {
		return tools.Result{Items: []schemas.Item{{ID: "track:x", Type: "track", Title: title}}}
	}
	personal := spec()
	personal.Personal = true
	var calls atomic.Int64
	return map[string]tools.Tool{
		"AnswersItsExample": tool(t, spec(), func(_ context.Context, c tools.Call[params]) (tools.Result, error) {
			if c.Params.Weeks == 4 {
				return tools.Result{}, nil
			}
			return item("x"), nil
		}),
		"KeepsTheLimit": tool(t, spec(), func(ctx context.Context, c tools.Call[params]) (tools.Result, error) {
			c.Limit++
			return good(ctx, c)
		}),
		"GivesEqualAnswersToEqualCallsAtOnce": tool(t, spec(), func(context.Context, tools.Call[params]) (tools.Result, error) {
			return item(fmt.Sprint(calls.Add(1))), nil
		}),
		"SaysNothingOfTheUser": tool(t, personal, func(_ context.Context, c tools.Call[params]) (tools.Result, error) {
			if c.User == nil {
				return item("x"), nil
			}
			return item("for " + c.User.ID), nil
		}),
		"ReturnsWhenTimeIsUp": loose{whole, func(ctx context.Context, req schemas.ToolRequest) (tools.Result, error) {
			if errors.Is(ctx.Err(), context.Canceled) {
				<-time.After(2500 * time.Millisecond)
			}
			return whole.Run(context.WithoutCancel(ctx), req)
		}},
		"GivesTheTypesThatItNames": tool(t, spec(), func(context.Context, tools.Call[params]) (tools.Result, error) {
			return tools.Result{Items: []schemas.Item{{ID: "album:x", Type: "album", Title: "x"}}}, nil
		}),
		"RefusesWhatItsSchemaForbids": loose{whole, func(ctx context.Context, req schemas.ToolRequest) (tools.Result, error) {
			if r, err := whole.Run(ctx, req); !errors.Is(err, tools.ErrBadRequest) {
				return r, err
			}
			return item("x"), nil
		}},
		"TakesWhatItsSchemaAllows": loose{whole, func(ctx context.Context, req schemas.ToolRequest) (tools.Result, error) {
			req.Params = maps.Clone(req.Params)
			delete(req.Params, "other")
			return whole.Run(ctx, req)
		}},
		"DependsOnNothingElse": loose{whole, func(ctx context.Context, req schemas.ToolRequest) (tools.Result, error) {
			if r, err := whole.Run(ctx, req); err != nil {
				return r, err
			}
			return item(req.Query), nil
		}},
		"SurvivesHostileText": loose{whole, func(ctx context.Context, req schemas.ToolRequest) (tools.Result, error) {
			r, err := whole.Run(ctx, req)
			if req.Params.Int("era_from") != 0 {
				return r, errors.New("a failure where a bad request belongs")
			}
			return r, err
		}},
	}
}

const brokenEnv = "PFR_TEST_BROKEN_TOOL"

// The suite runs in a process of its own for each broken tool, where it has to fail.
func TestABrokenToolFails(t *testing.T) {
	if name := os.Getenv(brokenEnv); name != "" {
		call := tooltest.Call{Params: schemas.Params{"genre": "rock"}}
		if name == "TakesWhatItsSchemaAllows" {
			call.Params["other"] = "x"
		}
		tooltest.Conform(t, broken(t)[name], call)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range broken(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestABrokenToolFails$", "-test.v")
			cmd.Env = append(os.Environ(), brokenEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if _, failed := errors.AsType[*exec.ExitError](err); !failed {
				t.Fatalf("the suite passes: %v\n%s", err, out)
			}
			if want := "--- FAIL: TestABrokenToolFails/" + name; !slices.ContainsFunc(strings.Split(string(out), "\n"), func(line string) bool {
				return strings.HasPrefix(strings.TrimSpace(line), want)
			}) {
				t.Errorf("the suite fails elsewhere:\n%s", out)
			}
		})
	}
}
