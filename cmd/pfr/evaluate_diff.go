package main

import (
	"fmt"
	"os"

	"github.com/parallel-fusion/pfr/evaluation/serps"
)

type evaluateDiffCmd struct {
	Later   string `arg:"" type:"existingfile" help:"report.json of 'pfr evaluate serps'."`
	Earlier string `arg:"" type:"existingfile" help:"An earlier one, by the same judge."`
	Gate    bool   `help:"Fail if a use case is worse than before beyond chance."`
}

// Run compares two reports.
func (c *evaluateDiffCmd) Run(p *program) error {
	later, err := readReport(c.Later)
	if err != nil {
		return err
	}
	earlier, err := readReport(c.Earlier)
	if err != nil {
		return err
	}
	d, err := serps.Compare(later, earlier)
	if err != nil {
		return err
	}
	if err := d.Write(p.out); err != nil || !c.Gate {
		return err
	}
	return d.Gate()
}

func readReport(file string) (serps.Report, error) {
	f, err := os.Open(file)
	if err != nil {
		return serps.Report{}, err
	}
	defer f.Close()
	r, err := serps.Read(f)
	if err != nil {
		return serps.Report{}, fmt.Errorf("%s: want report.json of 'pfr evaluate serps': %w", file, err)
	}
	return r, nil
}
