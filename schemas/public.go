package schemas

import "maps"

// publicMessage returns the union of the public fields of every message on a topic. It is
// written out, not derived: a new field stays out of dead letters until somebody adds it
// here.
func publicMessage() shape {
	free := shape{anyName: nil}
	params := shape{"params": free}
	item := leaves("id", "type", "title", "subtitle", "artists", "genres", "kind", "release_date", "score", "why", "synthetic", "versions", "team")
	display := shape{"display": leaves("flow", "form", "lead", "numbered", "text", "width", "room")}
	rival := shape{"rival": leaves("tool", "comparison")}
	path := shape{
		"alternatives": leaves("route", "confidence"),
		"tiers":        leaves("source", "outcome", "route", "confidence", "took_ms", "cost_usd"),
	}
	decision := leaves("route", "layout", "notice", "source", "degraded", "confidence",
		"manifest_version", "model_version", "prompt_version", "arm", "exposed", "cost_usd", "took_ms").and(params).and(path).and(shape{
		"calls": leaves("tool", "section", "title", "component", "limit", "spare", "whole", "deadline_ms", "mandatory", "late",
			"per_artist", "diversity", "empty", "last_resort").and(params).and(display).and(rival),
		"tokens": leaves("prompt", "cached", "completion"),
		"refine": leaves("budget_ms", "keep_top"),
		"lead":   leaves("section", "confidence"),
		"quorum": leaves("sections", "patience_ms"),
	})
	query := leaves("schema_version", "correlation_id", "text", "market", "locale", "platform", "client_id", "session_id",
		"mode", "submitted_at", "deadline", "probe").and(shape{"experiments": free})
	section := leaves("id", "title", "component", "tool", "status", "reason", "text", "took_ms", "service_ms",
		"mandatory", "cached", "repeated").and(shape{"items": item}).and(display).and(rival)
	page := leaves("layout", "notice", "status", "coverage", "refined", "cost_usd", "created_at").and(shape{
		"route":    leaves("name", "source", "degraded", "confidence", "manifest_version", "model_version", "arm", "exposed").and(params).and(path),
		"sections": section, "omitted": section,
		"timings": leaves("queued_ms", "router_ms", "tools_ms", "refine_ms", "total_ms"),
		"asked":   leaves("at", "locale", "platform", "mode", "client", "session").and(shape{"experiments": free}),
	})
	interaction := leaves("event_id", "action_name", "query_id", "timestamp", "sent_at", "received_at", "section_id", "section_position",
		"ms_played", "visible_ms").and(shape{"event_attributes": {
		"object":   leaves("object_id", "object_id_type"),
		"position": leaves("ordinal"),
	}})
	histogram := leaves("zero").and(shape{"bins": free})
	online := leaves("window", "start", "revision", "as_of").and(shape{
		"cut": leaves("route", "section", "tool", "tier", "market", "platform", "arm"),
		"counts": leaves("searches", "clicks", "streams", "successes", "success_rate", "typed", "flooded", "viewed", "clicked", "streamed",
			"rescues", "first", "abandoned", "bad_abandoned", "reformulated", "known", "fallbacks", "degraded", "partial", "expired",
			"zero_results", "asked", "invalid", "cost_nano_usd", "sections", "empty", "failed").and(shape{
			"ranks": free, "time_to_success": histogram, "latency": {"total": histogram, "queued": histogram, "router": histogram, "tools": histogram, "refine": histogram},
		}),
		"rates": free,
	})
	records := leaves("decided_at", "route_key", "computed_at", "expires_at", "agreement", "ladder", "arm", "off", "reason", "by", "set_at",
		"id", "clients", "users", "requested_at").
		and(shape{"query": query, "decision": decision, "live": decision, "candidate": decision})
	return query.and(page).and(interaction).and(online).and(records)
}

func leaves(names ...string) shape {
	s := make(shape, len(names))
	for _, name := range names {
		s[name] = nil
	}
	return s
}

// and returns the fields of both.
func (s shape) and(other shape) shape {
	out := maps.Clone(s)
	maps.Copy(out, other)
	return out
}
