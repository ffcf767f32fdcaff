// Command trainer writes model.bin, the embedded model of package student, from its
// embedded training data and, where they are at hand, from the public queries that
// data/public/labels.tsv labels for training.
//
//	trainer [-public DIR] [-report] [-split]
//
// -report trains and tests instead: without public queries, and without each public set in
// turn. -split writes data/public/labels.tsv again, with new halves to learn from and to
// test on; it is for when labels were added.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

func main() {
	if err := run(os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "trainer:", err)
		os.Exit(1)
	}
}

func run(args []string, env func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("trainer", flag.ContinueOnError)
	public := flags.String("public", env("PFR_QUERY_DATA"), "folder of the public query sets; empty: train without")
	report := flags.Bool("report", false, "train and test without some of the data; write nothing")
	split := flags.Bool("split", false, "write the halves of data/public/labels.tsv again")
	if err := flags.Parse(args); err != nil {
		return err
	}
	data, err := trainingData()
	if err != nil {
		return err
	}
	switch {
	case *public == "" && (*report || *split):
		return errors.New("-report and -split need -public")
	case *split:
		return writeSplit(filepath.Join("data", "public", "labels.tsv"), *public, data)
	case *report:
		return writeReport(out, *public, data)
	case *public == "":
		fmt.Fprintln(out, "trainer: no public queries: the model learns from the data of this repository alone")
	default:
		if data, err = withPublic(*public, data); err != nil {
			return err
		}
	}
	return writeModel("model.bin", data)
}

func trainingData() (student.TrainingData, error) {
	manifest, err := routes.Music()
	if err != nil {
		return student.TrainingData{}, err
	}
	dir, err := student.Data()
	if err != nil {
		return student.TrainingData{}, err
	}
	return student.ReadTrainingData(dir, manifest.Names())
}

func withPublic(dir string, data student.TrainingData) (student.TrainingData, error) {
	labels, hash, err := student.Labels()
	if err != nil {
		return data, err
	}
	learn, _, err := student.ReadPublic(os.DirFS(dir), labels)
	if err != nil {
		return data, err
	}
	return data.WithPublic(learn, hash), nil
}

func writeModel(file string, data student.TrainingData) error {
	m, err := student.Train(student.DefaultTrainConfig(), data)
	if err != nil {
		return err
	}
	raw, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o644)
}

func writeSplit(file, dir string, data student.TrainingData) error {
	labels, _, err := student.Labels()
	if err != nil {
		return err
	}
	if err := student.Split(os.DirFS(dir), labels, data.Gazetteer); err != nil {
		return err
	}
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.String() + "\n")
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// writeReport says what to expect on queries of a kind that was not learnt.
func writeReport(out io.Writer, dir string, data student.TrainingData) error {
	labels, hash, err := student.Labels()
	if err != nil {
		return err
	}
	learn, test, err := student.ReadPublic(os.DirFS(dir), labels)
	if err != nil {
		return err
	}
	all := append(learn, test...)
	if err := measure(out, "no public queries", data, all); err != nil {
		return err
	}
	for _, source := range student.Sources() {
		var with, without []student.Example
		for _, e := range all {
			if e.Source == source {
				without = append(without, e)
			} else {
				with = append(with, e)
			}
		}
		if err := measure(out, "all but "+source, data.WithPublic(with, hash), without); err != nil {
			return err
		}
	}
	return nil
}

func measure(out io.Writer, name string, data student.TrainingData, test []student.Example) error {
	m, err := student.Train(student.DefaultTrainConfig(), data)
	if err != nil {
		return err
	}
	cfg := student.DefaultConfig()
	if cfg.Model, err = m.MarshalBinary(); err != nil {
		return err
	}
	manifest, err := routes.Music()
	if err != nil {
		return err
	}
	s, err := student.New(cfg, data.Gazetteer, manifest)
	if err != nil {
		return err
	}
	for _, source := range student.Sources() {
		var part []student.Example
		for _, e := range test {
			if e.Source == source {
				part = append(part, e)
			}
		}
		if len(part) > 0 {
			fmt.Fprintf(out, "learnt from %s, tested on %s: %s", name, source, student.Evaluate(s, part))
		}
	}
	return nil
}
