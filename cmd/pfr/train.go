package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
)

type trainCmd struct {
	Student trainStudentCmd `cmd:"" help:"Train the student from labelled queries; the same data give the same bytes."`
	Recs    trainRecsCmd    `cmd:"" help:"Train the recommenders on what listeners played."`
}

type trainStudentCmd struct {
	Data   string `type:"existingdir" help:"Folder of labelled queries and names (default: the embedded ones)." placeholder:"DIR"`
	Public string `type:"existingdir" env:"PFR_QUERY_DATA" help:"Folder of the public query sets whose labels come with the data; without it they are left out." placeholder:"DIR"`
	Rows   string `type:"existingfile" help:"Rows of post-training (rows.jsonl of a run) to learn the routes from, instead of the labelled and public queries." placeholder:"FILE"`
	Out    string `type:"existingdir" default:"." help:"Folder for model.bin and tagger.bin; serve them with --set router.student=DIR." placeholder:"DIR"`
	Report bool   `help:"Train without public queries and without each public set in turn, and say how good that is; write nothing."`
	Split  string `help:"Write this file of public labels again, with new halves to learn from and to test on." placeholder:"FILE"`
}

// Run trains, reports or splits.
func (c *trainStudentCmd) Run(p *program) error {
	training := app.StudentTraining{Data: c.Data, Public: c.Public, Rows: c.Rows}
	switch {
	case c.Split != "":
		return training.Split(c.Split)
	case c.Report:
		return training.Report(p.out)
	}
	return training.Train(c.Out, p.out)
}

type trainRecsCmd struct {
	Catalog      string `type:"existingdir" help:"Folder of a catalogue: its interactions are learnt from, and its tools get the models." placeholder:"DIR"`
	Interactions string `type:"existingfile" help:"CSV of user,item,weight[,timestamp] to learn from instead; items are ids of the catalogue, if one is given." placeholder:"FILE"`
	Out          string `help:"Folder for the models (default: in that of the catalogue)." placeholder:"DIR"`
	Seed         uint64 `default:"42" help:"Equal seeds and data give equal models."`

	Spark      string `type:"existingdir" help:"Take the factors of an ALSModel that Spark saved, instead of training." placeholder:"DIR"`
	SparkUsers string `type:"existingfile" help:"CSV of id,user for Spark's users (default: the ids themselves)." placeholder:"FILE"`
	SparkItems string `type:"existingfile" help:"CSV of id,item for Spark's items (default: the ids themselves)." placeholder:"FILE"`
	SparkSpace string `default:"track" enum:"artist,track,show" help:"What Spark's items are: ${enum}."`
}

// Run trains, or imports what was trained elsewhere.
func (c *trainRecsCmd) Run(ctx context.Context, p *program) error {
	if c.Catalog == "" && c.Out == "" {
		return errors.New("say where the models go: --catalog DIR or --out DIR")
	}
	training := app.RecsTraining{Catalog: c.Catalog, Interactions: c.Interactions, Out: c.Out, Seed: c.Seed}
	if c.Spark != "" {
		version, err := training.ImportSpark(app.SparkModel{Dir: c.Spark, Users: c.SparkUsers, Items: c.SparkItems, Space: c.SparkSpace})
		if err == nil {
			fmt.Fprintf(p.out, "version %s is current\n", version)
		}
		return err
	}
	if c.Catalog == "" && c.Interactions == "" {
		return errors.New("say what to learn from: --catalog DIR or --interactions FILE")
	}
	bar := &progress{out: p.err}
	begin := time.Now()
	trained, err := training.Train(ctx, func(space, stage string, done, of int) { bar.show(space+"s: "+stage, int64(done), int64(of)) })
	bar.end()
	if err != nil {
		return err
	}
	for _, space := range slices.Sorted(maps.Keys(trained.Spaces)) {
		m := trained.Spaces[space]
		fmt.Fprintf(p.out, "%ss: %d listeners, %d items, mix %.2f item-item, %.2f factors, %.2f popularity\n",
			space, m.Users(), m.Items(), m.Mix().Linear, m.Mix().Factors, m.Mix().Popularity)
	}
	if trained.Unknown > 0 {
		fmt.Fprintf(p.out, "%d interactions with items that the catalogue does not have\n", trained.Unknown)
	}
	if c.Catalog == "" {
		fmt.Fprintln(p.out, "without --catalog the tools cannot serve these models")
	}
	fmt.Fprintf(p.out, "version %s is current, after %.1f s\n", trained.Version, time.Since(begin).Seconds())
	return nil
}
