package tools_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// echo is a tool that does what a function says.
type echo func(ctx context.Context, req schemas.ToolRequest) (tools.Result, error)

func (echo) Name() string { return "echo" }

func (e echo) Run(ctx context.Context, req schemas.ToolRequest) (tools.Result, error) {
	return e(ctx, req)
}

func request(change func(*schemas.ToolRequest)) []byte {
	req := schemas.ToolRequest{
		SchemaVersion: schemas.Version, CorrelationID: "0197b7a0-0000-7000-8000-000000000001", Tool: "echo", Section: "results",
		Query: "lady gaga", Params: schemas.Params{"text": "lady gaga"}, Limit: 2, Market: "US", Deadline: time.Now().Add(time.Minute),
	}
	if change != nil {
		change(&req)
	}
	payload, err := codec.Marshal(req)
	if err != nil {
		panic(err)
	}
	return payload
}

func items(n int) []schemas.Item {
	out := make([]schemas.Item, n)
	for i := range out {
		out[i] = schemas.Item{ID: "track:t" + strings.Repeat("x", i), Type: "track", Title: "T"}
	}
	return out
}

func TestWorkerAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		found int
		want  int
	}{"nothing": {0, 0}, "some": {1, 1}, "more than asked for": {5, 2}} {
		t.Run(name, func(t *testing.T) {
			w := tools.NewWorker(echo(func(_ context.Context, req schemas.ToolRequest) (tools.Result, error) {
				return tools.Result{Text: "you said " + req.Params.Text("text"), Items: items(c.found)}, nil
			}), "v7", slog.New(slog.DiscardHandler), nil)
			reply, err := w.Handle(t.Context(), request(nil))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := codec.Decode[schemas.ToolResponse](reply)
			if err != nil {
				t.Fatal(err)
			}
			if len(resp.Items) != c.want || resp.Text != "you said lady gaga" || resp.Version != "v7" || resp.Section != "results" ||
				resp.CorrelationID != "0197b7a0-0000-7000-8000-000000000001" {
				t.Errorf("%+v", resp)
			}
		})
	}
}

func TestWorkerRefusesWhatItCanNeverAnswer(t *testing.T) {
	w := tools.NewWorker(echo(func(context.Context, schemas.ToolRequest) (tools.Result, error) {
		t.Error("the tool was called")
		return tools.Result{}, nil
	}), "v", slog.New(slog.DiscardHandler), nil)
	for name, payload := range map[string][]byte{
		"no JSON": []byte("nonsense"), "nothing": nil, "another tool": request(func(r *schemas.ToolRequest) { r.Tool = "search" }),
		"no limit": request(func(r *schemas.ToolRequest) { r.Limit = 0 }), "no query": request(func(r *schemas.ToolRequest) { r.Query = "" }),
		"another version": request(func(r *schemas.ToolRequest) { r.SchemaVersion = "9.0" }),
	} {
		if _, err := w.Handle(t.Context(), payload); !errors.Is(err, tools.ErrBadRequest) {
			t.Errorf("%s: error %v, want a bad request", name, err)
		}
	}
}

func TestWorkerPassesErrorsAndTheDeadlineOn(t *testing.T) {
	broken := errors.New("broken")
	var deadline time.Time
	w := tools.NewWorker(echo(func(ctx context.Context, _ schemas.ToolRequest) (tools.Result, error) {
		deadline, _ = ctx.Deadline()
		return tools.Result{}, broken
	}), "v", slog.New(slog.DiscardHandler), nil)
	want := time.Now().Add(time.Minute).Truncate(time.Second)
	_, err := w.Handle(t.Context(), request(func(r *schemas.ToolRequest) { r.Deadline = want }))
	if !errors.Is(err, broken) || errors.Is(err, tools.ErrBadRequest) {
		t.Errorf("error %v, want the tool's own", err)
	}
	if !deadline.Equal(want) {
		t.Errorf("deadline %v, want %v", deadline, want)
	}
}

// All tools of a process count under one name, told apart by label.
func TestWorkersCountTheirCalls(t *testing.T) {
	reg := prometheus.NewRegistry()
	w := tools.NewWorker(echo(func(_ context.Context, req schemas.ToolRequest) (tools.Result, error) {
		if req.Query == "break" {
			return tools.Result{}, errors.New("broken")
		}
		return tools.Result{}, nil
	}), "v", slog.New(slog.DiscardHandler), reg)
	for _, query := range []string{"x", "break", "y"} {
		_, _ = w.Handle(t.Context(), request(func(r *schemas.ToolRequest) { r.Query = query }))
	}
	want := `
# HELP pfr_tool_empty_total Calls that found nothing.
# TYPE pfr_tool_empty_total counter
pfr_tool_empty_total{tool="echo"} 2
# HELP pfr_tool_errors_total Calls that failed.
# TYPE pfr_tool_errors_total counter
pfr_tool_errors_total{tool="echo"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pfr_tool_empty_total", "pfr_tool_errors_total"); err != nil {
		t.Error(err)
	}
}
