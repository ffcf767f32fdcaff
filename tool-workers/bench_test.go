package tools_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// BenchmarkHandle is what the worker adds to a tool of twenty items that takes no time:
// without memory for answers, and with the answer in it.
func BenchmarkHandle(b *testing.B) {
	kept, err := tools.NewResults(tools.DefaultResultsConfig(), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer kept.Close()
	for name, options := range map[string][]tools.WorkerOption{"run": nil, "kept": {tools.WithResults(kept)}} {
		b.Run(name, func(b *testing.B) {
			tool := &counted{spec: caching(), do: func(context.Context, int) (tools.Result, error) {
				return tools.Result{Items: items(20)}, nil
			}}
			w := tools.NewWorker(tool, "v1", slog.New(slog.DiscardHandler), nil, options...)
			payload := request(func(r *schemas.ToolRequest) { r.Limit, r.Deadline = 20, time.Now().Add(time.Hour) })
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Handle(context.Background(), payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
