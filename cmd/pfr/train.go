package main

import (
	"github.com/parallel-fusion/pfr/internal/app"
)

type trainCmd struct {
	Student trainStudentCmd `cmd:"" help:"Train the student from labelled queries; the same data give the same bytes."`
}

type trainStudentCmd struct {
	Data   string `type:"existingdir" help:"Folder of labelled queries and names (default: the embedded ones)." placeholder:"DIR"`
	Public string `type:"existingdir" env:"PFR_QUERY_DATA" help:"Folder of the public query sets whose labels come with the data; without it they are left out." placeholder:"DIR"`
	Out    string `type:"existingdir" default:"." help:"Folder for model.bin and tagger.bin; serve them with --set router.student=DIR." placeholder:"DIR"`
	Report bool   `help:"Train without public queries and without each public set in turn, and say how good that is; write nothing."`
	Split  string `help:"Write this file of public labels again, with new halves to learn from and to test on." placeholder:"FILE"`
}

// Run trains, reports or splits.
func (c *trainStudentCmd) Run(p *program) error {
	training := app.StudentTraining{Data: c.Data, Public: c.Public}
	switch {
	case c.Split != "":
		return training.Split(c.Split)
	case c.Report:
		return training.Report(p.out)
	}
	return training.Train(c.Out, p.out)
}
