package experiment_test

import (
	"fmt"

	"github.com/parallel-fusion/pfr/evaluation/experiment"
)

func ExampleReadout() {
	plan := experiment.DefaultPlan()
	plan.Name, plan.Control, plan.PlannedUnits = "reranker", "control", 4000
	plan.Arms = []experiment.Arm{{Name: "control", Weight: 1}, {Name: "new", Weight: 1}}
	plan.Metrics = []experiment.Metric{{Name: "success", Kind: experiment.Success, Direction: experiment.Higher}}

	// Clients with ten searches each, of which 4 or 5 succeed, or 5 or 6.
	data := experiment.Data{Arms: map[string]experiment.Counts{}}
	for name, successes := range map[string]int64{"control": 4, "new": 5} {
		var sums experiment.Moments
		for client := range int64(2000) {
			if err := sums.Add(experiment.Unit{X: 10, Y: successes + client%2}); err != nil {
				fmt.Println(err)
			}
		}
		data.Arms[name] = experiment.Counts{Units: sums.N, Metrics: map[string]experiment.Moments{"success": sums}}
	}
	report, err := experiment.Readout(plan, data)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(report.Decision)
	for _, reason := range report.Arms[1].Reasons {
		fmt.Println(reason)
	}
	// Output:
	// ship
	// 1 of 1 success metrics better, every guardrail within its margin, none worse
	// success is better: +22.22 %, interval +21.46 % to +22.99 %
}
