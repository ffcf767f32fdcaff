package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/internal/app"
)

type evaluateTestsetCmd struct {
	Stats      testsetStatsCmd      `cmd:"" help:"How many cases there are, by use case and split."`
	Check      testsetCheckCmd      `cmd:"" help:"Fail if cases are wrong, or if what is to test on overlaps what is to learn from."`
	Synthesise testsetSynthesiseCmd `cmd:"" help:"Make more cases, from a catalogue or from what listeners asked."`
	Export     testsetExportCmd     `cmd:"" help:"Write the cases that come with pfr."`
}

// casesOf reads a file of cases; "" is those that come with the program.
func casesOf(file string) ([]testset.Case, error) {
	if file == "" {
		return testset.Own()
	}
	return testset.ReadFile(file)
}

type testsetStatsCmd struct {
	JSON bool   `name:"json" help:"As JSON."`
	File string `arg:"" optional:"" type:"existingfile" help:"A file of cases (default: those that come with pfr)."`
}

// Run counts.
func (c *testsetStatsCmd) Run(p *program) error {
	cs, err := casesOf(c.File)
	if err != nil {
		return err
	}
	counts := testset.Count(cs)
	if c.JSON {
		out := json.NewEncoder(p.out)
		out.SetIndent("", "  ")
		return out.Encode(counts)
	}
	return testset.WriteCounts(p.out, counts)
}

type testsetCheckCmd struct {
	Catalog string   `type:"existingdir" help:"Folder of the catalogue whose names are masked (default: the embedded sample)." placeholder:"DIR"`
	Against []string `type:"existingfile" sep:"none" help:"What is learnt from: a file of cases, of JSON lines with a member query, or of queries with tabs after them. Can be repeated." placeholder:"FILE"`
	Most    int      `default:"20" help:"How many overlaps to list."`
	File    string   `arg:"" optional:"" type:"existingfile" help:"A file of cases (default: those that come with pfr)."`
}

var errOverlap = errors.New("test and training data overlap")

// Run checks the cases, then compares its test split with its other splits and with other
// files.
func (c *testsetCheckCmd) Run(p *program) error {
	cs, err := casesOf(c.File)
	if err != nil {
		return err
	}
	names, err := app.NewTestNames(c.Catalog)
	if err != nil {
		return err
	}
	learnt := testset.Texts(append(testset.In(cs, testset.Train), testset.In(cs, testset.Development)...))
	for _, name := range c.Against {
		more, err := textsOf(name)
		if err != nil {
			return err
		}
		learnt = append(learnt, more...)
	}
	tested := testset.Texts(testset.In(cs, testset.Test))
	pairs := testset.Overlap(learnt, tested, names)
	for _, pair := range pairs[:min(len(pairs), c.Most)] {
		fmt.Fprintln(p.out, pair)
	}
	if len(pairs) > 0 {
		return fmt.Errorf("%w: %d of %d queries", errOverlap, len(pairs), len(tested))
	}
	_, err = fmt.Fprintf(p.out, "%d cases are well formed; none of the %d to test on is among %d to learn from\n", len(cs), len(tested), len(learnt))
	return err
}

func textsOf(file string) ([]testset.Text, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	texts, err := testset.ReadTexts(f)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", file, err)
	}
	return texts, nil
}

type testsetSynthesiseCmd struct {
	Catalog  string  `type:"existingdir" help:"Folder of the catalogue (default: the embedded sample)." placeholder:"DIR"`
	N        int     `name:"n" default:"500" help:"How many cases."`
	Seed     uint64  `default:"1" help:"Equal seeds make equal cases."`
	Typos    float64 `default:"0.1" help:"Share of the names that are misspelt."`
	Market   string  `default:"US" help:"Market of every case." placeholder:"CODE"`
	Log      string  `type:"existingfile" help:"Take cases from lines of query, tab, times asked, and if known tab and the query before, instead of making them up." placeholder:"FILE"`
	MinCount int     `default:"5" help:"Of a log: leave out what was asked fewer times."`
	Out      string  `type:"path" help:"File to write (default: standard output)." placeholder:"FILE"`
}

// Run makes the cases and writes them.
func (c *testsetSynthesiseCmd) Run(p *program) error {
	names, err := app.NewTestNames(c.Catalog)
	if err != nil {
		return err
	}
	cs, err := c.cases(names)
	if err != nil {
		return err
	}
	return writeCases(p.out, c.Out, cs)
}

func (c *testsetSynthesiseCmd) cases(names *app.TestNames) ([]testset.Case, error) {
	if c.Log == "" {
		return testset.Synthesise(testset.Synthesis{Count: c.N, Seed: c.Seed, Market: c.Market, Typos: c.Typos}, names)
	}
	f, err := os.Open(c.Log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cfg := testset.DefaultSampling()
	cfg.Count, cfg.Market, cfg.AsOf, cfg.MinCount = c.N, c.Market, names.AsOf(), c.MinCount
	cfg.TailMost = max(cfg.TailMost, c.MinCount)
	cs, err := testset.FromLog(f, cfg, names)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", c.Log, err)
	}
	return cs, nil
}

// writeCases writes to a file, or to w if there is none.
func writeCases(w io.Writer, file string, cs []testset.Case) error {
	if file == "" {
		return testset.Write(w, cs)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(testset.Write(f, cs), f.Close())
}

type testsetExportCmd struct {
	Split string `enum:",train,development,test" default:"" help:"Only this split: train, development or test."`
	Out   string `type:"path" help:"File to write (default: standard output)." placeholder:"FILE"`
}

// Run writes the cases.
func (c *testsetExportCmd) Run(p *program) error {
	cs, err := testset.Own()
	if err != nil {
		return err
	}
	if c.Split != "" {
		cs = testset.In(cs, testset.Split(c.Split))
	}
	return writeCases(p.out, c.Out, cs)
}
