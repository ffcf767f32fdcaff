package main

// experiments is for whoever runs one: may it be read, does an arm harm, does it gain.
func experiments() board {
	const some = `{experiment=~"$experiment"}`
	return board{
		uid: "pfr-experiments", title: "pfr: experiments",
		about:     "May the experiment be read, does an arm harm, does it gain. The decision itself is that of pfr experiments.",
		variables: []variable{{"experiment", "Experiment", "label_values(pfr_experiments_clients, experiment)"}},
		rows: []row{
			{"May it be read?", []panel{
				{"Clients by arm", "Clients that count: those for whose queries the arms differ.", lines, searches, 8, []query{{"max by (experiment, arm) (pfr_experiments_clients" + some + ")", "{{experiment}} {{arm}}"}}},
				{"Sample ratio", "p of the sizes of the arms against their weights. Below 0.001 the numbers mean nothing.", lines, noDecimals, 8, []query{{"min by (experiment) (pfr_experiments_srm_p" + some + ")", "{{experiment}}"}}},
				{"Decision", "What is to be done with an arm, by the rule of docs/experiments.md.", bars, yesNo, 8, []query{{"max by (experiment, arm, decision) (pfr_experiments_decision" + some + ") == 1", "{{experiment}} {{arm}}: {{decision}}"}}},
			}},
			{"What do the arms do? (of this day; for decisions see the readout)", []panel{
				arm("Success", "Share of searches with a success, by arm. Differences of a day are mostly noise.", ratio, "success_rate"),
				arm("Abandonment", "Share of searches that came to nothing, by arm.", ratio, "abandonment_rate"),
				arm("Nothing found", "Share of pages with nothing on them, by arm.", ratio, "zero_result_rate"),
				arm("Fallbacks", "A guardrail: share of fallbacks, by arm.", ratio, "fallback_rate"),
				arm("Cost of 1,000 searches", "A guardrail: cost of language models, by arm.", dollars, "cost_per_1000_usd"),
				{"Time of pages, p95", "A guardrail: time of the whole page, by arm.", lines, seconds, 8, []query{
					{`max by (value) (pfr_online_latency_seconds{window="1d",cut="arm",value=~"($experiment)/.*",stage="total",quantile="0.95"})`, "{{value}}"},
				}},
			}},
		},
	}
}

func arm(title, about, unit, rate string) panel {
	return panel{title, about, lines, unit, 8, []query{
		{`max by (value) (pfr_online_rate{window="1d",cut="arm",value=~"($experiment)/.*",rate="` + rate + `"})`, "{{value}}"},
	}}
}
