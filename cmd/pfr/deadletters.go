package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/schemas"
)

type deadLettersCmd struct {
	List   deadLettersListCmd   `cmd:"" default:"withargs" help:"List dead letters, oldest first."`
	Replay deadLettersReplayCmd `cmd:"" help:"Put the original of a dead letter on its topic again."`
}

type deadLettersListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line, with the redacted payload."`
	brokers
}

// Run lists what could not be handled.
func (c *deadLettersListCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	admin, err := app.NewAdmin(cfg, p.log)
	if err != nil {
		return err
	}
	defer admin.Close()
	n := 0
	err = admin.DeadLetters(ctx, func(d schemas.DeadLetter) error {
		n++
		if c.JSON {
			return json.NewEncoder(p.out).Encode(d)
		}
		fmt.Fprintf(p.out, "%s  %s/%d@%d  %s after %d: %s\n",
			d.FailedAt.Format(time.RFC3339), d.Topic, d.Partition, d.Offset, d.ErrorKind, d.Attempts, d.Error)
		return nil
	})
	if err == nil && n == 0 && !c.JSON {
		fmt.Fprintln(p.out, "no dead letters")
	}
	return err
}

type deadLettersReplayCmd struct {
	Topic     string `arg:"" help:"Topic of the original, as listed."`
	Partition int    `arg:"" help:"Partition of the original."`
	Offset    int64  `arg:"" help:"Offset of the original."`
	brokers
}

// Run reads the original, while the topic still has it, and publishes it once more.
func (c *deadLettersReplayCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	admin, err := app.NewAdmin(cfg, p.log)
	if err != nil {
		return err
	}
	defer admin.Close()
	partition, offset, err := admin.Replay(ctx, c.Topic, c.Partition, c.Offset)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s/%d@%d is on its topic again, at %d@%d\n", c.Topic, c.Partition, c.Offset, partition, offset)
	return nil
}
