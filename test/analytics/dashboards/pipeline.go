package main

// pipeline is for operators: does it work, where does time go, what piles up.
func pipeline() board {
	return board{
		uid: "pfr-pipeline", title: "pfr: pipeline", about: "Does it work, where does the time go, and what piles up.",
		rows: []row{health(), latency(), deciding(), tools(), streams()},
	}
}

func health() row {
	return row{"Does it work?", []panel{
		{"Ready", "1 while a gateway gets a page for its canary search.", one, yesNo, 4, []query{{"max(pfr_gateway_ready)", "ready"}}},
		{"Searches", "Pages made per second.", one, perSecond, 4, []query{{"pfr:pages:rate5m", "pages"}}},
		{"Pages by status", "Complete: every call was answered. Partial: one was not. Degraded: the router fell back, or nothing mandatory came. Expired: the deadline passed in the queue.", lines, perSecond, 8, []query{
			{"sum by (status) (rate(pfr_fusion_pages_total[5m]))", "{{status}}"},
		}},
		{"Requests refused", "Shed: too many were in hand. Limited: the client asked too often.", lines, perSecond, 8, []query{
			{"sum(rate(pfr_gateway_shed_total[5m]))", "shed"}, {"sum(rate(pfr_gateway_limited_total[5m]))", "limited"},
		}},
	}}
}

func latency() row {
	return row{"Where does the time go?", []panel{
		{"Time of pages", "From submission to the durable page. The aim is 450 ms for three quarters of the pages.", lines, seconds, 8, []query{
			{"pfr:page_seconds:p75_5m", "p75"}, {"pfr:page_seconds:p99_5m", "p99"},
		}},
		{"Time of pages by route, p75", "The same by route: routes with more sections wait for the slowest one.", lines, seconds, 8, []query{
			{"pfr:route:page_seconds:p75_5m", "{{route}}"},
		}},
		{"Time by stage, p95 of the last minute", "Queued: waiting for a router. Router: deciding. Tools: from scatter to gather. Refine: putting items in order. By tier, the worst of them.", lines, seconds, 8, []query{
			{`max by (stage) (pfr_online_latency_seconds{window="1m",cut="tier",quantile="0.95"})`, "{{stage}}"},
		}},
	}}
}

func deciding() row {
	return row{"Who decides, and what does it cost?", []panel{
		{"Decisions by tier", "Share of the tier that made the decision. More fallbacks are worse pages.", lines, ratio, 8, []query{
			{"pfr:tier:decisions:ratio5m", "{{source}}"},
		}},
		{"What tiers answered", "Queries that went through a tier, by what came of it: why a tier did not answer.", lines, perSecond, 8, []query{
			{"sum by (source, outcome) (rate(pfr_router_tiers_total[5m]))", "{{source}} {{outcome}}"},
		}},
		{"Time to decide, p99 by tier", "Deciding alone, without waiting.", lines, seconds, 8, []query{
			{"histogram_quantile(0.99, sum by (source, le) (rate(pfr_router_decision_seconds_bucket[5m])))", "{{source}}"},
		}},
		{"Requests to the language model", "By purpose and outcome.", lines, perSecond, 8, []query{
			{"sum by (operation, outcome) (rate(pfr_llm_requests_total[5m]))", "{{operation}} {{outcome}}"},
		}},
		{"Invalid answers", "Share of the answers of the language model that are no valid decision.", lines, ratio, 8, []query{
			{"pfr:llm_invalid:ratio15m", "invalid"},
		}},
		{"Cost of 1,000 searches", "Of language models, over the last hour.", lines, dollars, 8, []query{
			{"pfr:cost_per_1000_usd:1h", "cost"},
		}},
	}}
}

func tools() row {
	return row{"Which tool is in trouble?", []panel{
		{"Sections not answered", "Share of the calls of a tool without an answer in time.", lines, ratio, 8, []query{
			{"pfr:tool:sections_failed:ratio5m", "{{tool}}"},
		}},
		{"Sections by status", "Of all tools: ok, empty, timeout, error, invalid, shed, no_responder.", lines, perSecond, 8, []query{
			{"sum by (status) (rate(pfr_fusion_sections_total[5m]))", "{{status}}"},
		}},
		{"Time of sections, p95", "From scatter to the end of the section, by tool.", lines, seconds, 8, []query{
			{"histogram_quantile(0.95, sum by (tool, le) (rate(pfr_fusion_section_seconds_bucket[5m])))", "{{tool}}"},
		}},
	}}
}

func streams() row {
	return row{"What piles up?", []panel{
		{"Lag", "Records between the committed offset and the end of the topic.", lines, records, 8, []query{
			{"pfr:lag:records", "{{group}} {{topic}}"},
		}},
		{"Dead letters", "Records that could not be handled, in the last 15 minutes.", lines, records, 8, []query{
			{"sum by (topic, kind) (increase(pfr_stream_dead_letters_total[15m]))", "{{topic}} {{kind}}"},
		}},
		{"Partitions that stand", "Partitions that wait for the dead-letter topic.", lines, records, 8, []query{
			{"max by (topic, group) (pfr_stream_blocked_partitions)", "{{group}} {{topic}}"},
		}},
	}}
}
