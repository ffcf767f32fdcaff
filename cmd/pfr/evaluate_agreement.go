package main

import (
	"encoding/json"

	"github.com/parallel-fusion/pfr/internal/app"
)

type evaluateAgreementCmd struct {
	Labels    []string `required:"" type:"existingfile" help:"What people said, as 'pfr evaluate label' writes it. Can be repeated." placeholder:"FILE"`
	Judgments string   `required:"" type:"existingdir" help:"Folder in which judges keep their answers." placeholder:"DIR"`
	JSON      bool     `name:"json" help:"The report as JSON."`
}

// Run compares every judge in the folder with the people.
func (c *evaluateAgreementCmd) Run(p *program) error {
	people, err := app.ReadLabels(c.Labels)
	if err != nil {
		return err
	}
	report, err := app.Agreement(people, c.Judgments)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.out)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return report.Write(p.out)
}
