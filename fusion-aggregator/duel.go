package fusion

import (
	"cmp"
	"context"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/interleave"
	"github.com/parallel-fusion/pfr/schemas"
)

// duelPatience is how long the slower of two tools is waited for, from the answer of the
// other.
const duelPatience = 50 * time.Millisecond

// duel asks two tools for the same section and mixes what they say, so that clicks tell
// which is preferred. Nobody is worse off for it: if one of them has no answer soon after the
// other, the section is the other's alone, and compares nothing.
func (a *Aggregator) duel(ctx context.Context, req schemas.ToolRequest, rival schemas.Rival) reply {
	other := req
	other.Tool = rival.Tool
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ours, theirs := make(chan reply, 1), make(chan reply, 1)
	a.late.Go(func() { ours <- a.ask(ctx, req) })
	a.late.Go(func() { theirs <- a.ask(ctx, other) })
	var first, second *reply
	var patience <-chan time.Time
	for first == nil || second == nil {
		select {
		case r := <-ours:
			first = &r
		case r := <-theirs:
			second = &r
		case <-patience:
			return *cmp.Or(first, second)
		}
		if r := cmp.Or(first, second); patience == nil && r.answered() {
			patience = time.After(duelPatience)
		}
	}
	switch {
	case !second.answered():
		return *first
	case !first.answered():
		return *second
	}
	first.resp.Items = mix(first.resp.Items, second.resp.Items, req, rival)
	first.resp.TookMS = max(first.resp.TookMS, second.resp.TookMS)
	first.repeat = first.repeat || second.repeat
	return *first
}

// answered reports whether a reply has something to show.
func (r *reply) answered() bool { return r.err == nil && len(r.resp.Items) > 0 }

// mix interleaves two rankings by team draft.
func mix(a, b []schemas.Item, req schemas.ToolRequest, rival schemas.Rival) []schemas.Item {
	byID := make(map[string]*schemas.Item, len(a)+len(b))
	ids := func(items []schemas.Item) []string {
		out := make([]string, len(items))
		for i := range items {
			out[i] = items[i].ID
			if byID[out[i]] == nil {
				byID[out[i]] = &items[i]
			}
		}
		return out
	}
	first, second := ids(a), ids(b)
	seed := interleave.Seed{Comparison: rival.Comparison, CorrelationID: req.CorrelationID, Section: req.Section}
	picks := interleave.Mix(first, second, req.Limit, seed)
	out := make([]schemas.Item, len(picks))
	for i, p := range picks {
		out[i] = *byID[p.ID]
		out[i].Team = schemas.Team(p.Team)
	}
	return out
}

// compared reports whether items say whose they are.
func compared(items []schemas.Item) bool {
	for i := range items {
		if items[i].Team != "" {
			return true
		}
	}
	return false
}
