// Command pfr is the Parallel Fusion Router: one binary with every role of the pipeline,
// and the tools around it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}, os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "pfr:", err)
		os.Exit(1)
	}
}
