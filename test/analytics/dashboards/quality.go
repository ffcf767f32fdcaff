package main

// quality is for product teams: do people find what they look for.
func quality() board {
	return board{
		uid: "pfr-quality", title: "pfr: search quality",
		about: "Do people find what they look for: by route, tier, market, platform or arm. Definitions: docs/metrics.md.",
		variables: []variable{
			{"window", "Window", "label_values(pfr_online_searches, window)"},
			{"cut", "Cut by", "label_values(pfr_online_searches, cut)"},
			{"value", "Value", `label_values(pfr_online_searches{cut=~"$cut"}, value)`},
		},
		rows: []row{success(), effort(), guardrails(), completeness()},
	}
}

// rateOf is a panel of one rate.
func rateOf(title, about, name string) panel {
	return panel{title, about, lines, ratio, 8, []query{{`pfr_online_rate{` + chosen + `,rate="` + name + `"}`, "{{window}} {{value}}"}}}
}

// chosen restricts a query to what the reader chose.
const chosen = `window=~"$window",cut=~"$cut",value=~"$value"`

func success() row {
	return row{"Do people find it?", []panel{
		{"Searches", "Searches of the last complete minute or hour, or of this day.", lines, searches, 8, []query{{"pfr_online_searches{" + chosen + "}", "{{window}} {{value}}"}}},
		rateOf("Success", "Share of searches with a click, or a stream of 30 s or more, within 30 minutes. The last minute leans low: its searches may still succeed.", "success_rate"),
		rateOf("Click-through", "Share of searches with a click.", "click_through_rate"),
		rateOf("Streams", "Share of searches with a stream of 30 s or more.", "stream_rate"),
		rateOf("Rescue", "Share of successes that began outside the first section: what further sections add.", "rescue_rate"),
	}}
}

func effort() row {
	return row{"Do people give up?", []panel{
		rateOf("Abandonment", "Share of searches without a click, a stream or another wording.", "abandonment_rate"),
		rateOf("Bad abandonment", "Abandoned, and no answer was on the page that needs no click.", "bad_abandonment_rate"),
		rateOf("Reformulation", "Share of searches that the same client worded otherwise within 5 minutes.", "reformulation_rate"),
	}}
}

func guardrails() row {
	return row{"What do people get?", []panel{
		rateOf("Nothing found", "Share of pages with nothing on them.", "zero_result_rate"),
		rateOf("Fallbacks", "Share of searches that got plain search because nothing better decided.", "fallback_rate"),
		rateOf("Known queries", "Share of searches decided from the cache or ahead of time.", "hit_ratio"),
		rateOf("Invalid", "Share of the searches for which the language model was asked and said nothing valid.", "invalid_rate"),
		{"Cost of 1,000 searches", "Of language models.", lines, dollars, 8, []query{{`pfr_online_rate{` + chosen + `,rate="cost_per_1000_usd"}`, "{{window}} {{value}}"}}},
		{"Time of pages", "Quantiles of the whole page, from mergeable histograms with an error of 1 %.", lines, seconds, 8, []query{
			{`pfr_online_latency_seconds{` + chosen + `,stage="total",quantile=~"0.75|0.99"}`, "{{window}} {{value}} p{{quantile}}"},
		}},
	}}
}

func completeness() row {
	return row{"Are the numbers complete?", []panel{
		{"Events by outcome", "What became of clicks and streams. Joined count for a search; the others do not, and say why.", lines, perSecond, 8, []query{
			{"sum by (outcome) (rate(pfr_outcome_events_total[5m]))", "{{outcome}}"},
		}},
		{"Events that count for nothing", "Share of events that are too old, of an unknown page, or of a section that it does not have.", lines, ratio, 8, []query{
			{"pfr:events:lost_ratio30m", "lost"},
		}},
		{"Behind", "How far the join of searches and events is behind the clock.", lines, seconds, 8, []query{
			{"time() - max(pfr_outcome_watermark_timestamp_seconds > 0)", "behind"},
		}},
	}}
}
