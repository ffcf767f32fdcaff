package rpc_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// BenchmarkRequest is one request and its reply over the loopback interface.
func BenchmarkRequest(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			url := startServer(b)
			echoService(b, dial(b, url, nil), "pfr.tool.v1.echo")
			conn := dial(b, url, nil)
			payload := make([]byte, size)
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), time.Second)
				if _, err := conn.Request(ctx, "pfr.tool.v1.echo", payload); err != nil {
					b.Fatal(err)
				}
				cancel()
			}
		})
	}
}

// BenchmarkFanOut asks several tools in parallel and waits for all.
func BenchmarkFanOut(b *testing.B) {
	for _, tools := range []int{3, 10} {
		b.Run(fmt.Sprintf("%d", tools), func(b *testing.B) {
			url := startServer(b)
			worker, conn := dial(b, url, nil), dial(b, url, nil)
			var subjects []string
			for i := range tools {
				subjects = append(subjects, fmt.Sprintf("pfr.tool.v1.echo%d", i))
				echoService(b, worker, subjects[i])
			}
			payload := make([]byte, 1<<10)
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), time.Second)
				var calls sync.WaitGroup
				for _, s := range subjects {
					calls.Go(func() {
						if _, err := conn.Request(ctx, s, payload); err != nil {
							b.Error(err)
						}
					})
				}
				calls.Wait()
				cancel()
			}
		})
	}
}
