// Package host lets a language model host a mix: it orders tracks, opens with a few words
// and says why each is there.
//
// The vocabulary: the crate is what the recommenders found, and all that can be played.
// The plain mix is what is played without a model. A pick is the number of a track in the
// crate; numbers are all that the model has to choose with, so nothing that it writes can
// become a track or a link. What it says is checked, and left out where the check fails.
package host

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// Asker asks a language model; an [llm.Agent] is one. The error of an answer that is no
// use is an [llm.ErrOutput].
type Asker interface {
	Ask(ctx context.Context, q llm.Question) (llm.Usage, error)
}

// Host hosts mixes. It is safe for concurrent use. A nil Host plays every mix plain.
type Host struct {
	model Asker
	log   *slog.Logger
	m     *metrics
}

// New returns a Host that asks model.
func New(model Asker, log *slog.Logger, reg prometheus.Registerer) *Host {
	return &Host{model: model, log: log, m: newMetrics(reg)}
}

// Set is what a mix is made of.
type Set struct {
	Query string         // as typed
	Crate []schemas.Item // tracks, best first
	Plain []schemas.Item // the plain mix
	// Intro returns the words that open a mix where the model has none.
	Intro func(mix []schemas.Item) string
}

// maxCrate is how many tracks the model chooses from.
const maxCrate = 24

// fellBack is the version of mixes that a model should have hosted: they are not kept.
const fellBack = "plain"

// Play returns the words and the tracks of a mix. Its tracks are those of the crate and
// the plain mix, each once, as many as the plain mix has; all but their order, Score and
// Why is untouched. Where the model does not answer before ctx ends, or not well, the mix
// is the plain one, of a version of its own, so that the next call asks again.
func (h *Host) Play(ctx context.Context, s Set) tools.Result {
	if h == nil || len(s.Plain) == 0 {
		return s.plain()
	}
	mix, err := h.ask(ctx, s)
	h.m.mixes.WithLabelValues(outcome(err)).Inc()
	if err != nil {
		h.log.Debug("mix is played plain", "err", err)
		mix = s.plain()
		mix.Version = fellBack
	}
	return mix
}

// plain returns the plain mix.
func (s Set) plain() tools.Result { return tools.Result{Text: s.Intro(s.Plain), Items: s.Plain} }

// ask returns the mix of the model.
func (h *Host) ask(ctx context.Context, s Set) (tools.Result, error) {
	crate := s.Crate[:min(len(s.Crate), maxCrate)]
	turn, err := userTurn(s.Query, crate, len(s.Plain))
	if err != nil {
		return tools.Result{}, err
	}
	var spoken said
	used, err := h.model.Ask(ctx, llm.Question{
		Operation: "dj", Task: task, User: turn,
		Read: func(r llm.Reply) (err error) {
			spoken, err = parse(r.Content, len(crate))
			return err
		},
	})
	if err != nil {
		return tools.Result{}, err
	}
	h.log.Debug("mix is hosted", "model", used.Model, "tokens", used.Tokens.Prompt+used.Tokens.Completion, "cost_usd", used.CostUSD)
	return h.compose(s, crate, spoken), nil
}

// outcome names how a mix is played, for metrics.
func outcome(err error) string {
	switch {
	case err == nil:
		return "hosted"
	case errors.Is(err, llm.ErrSkipped):
		return "skipped"
	case errors.Is(err, llm.ErrOutput):
		return "invalid"
	default:
		return "failed"
	}
}

// compose plays the picks and fills up with the plain mix.
func (h *Host) compose(s Set, crate []schemas.Item, spoken said) tools.Result {
	known := names(s.Query, crate)
	mix := make([]schemas.Item, 0, len(s.Plain))
	taken := map[string]bool{}
	add := func(item schemas.Item) {
		if len(mix) < len(s.Plain) && !taken[item.ID] {
			taken[item.ID] = true
			item.Score = s.Plain[len(mix)].Score // the order is the score
			mix = append(mix, item)
		}
	}
	for _, p := range spoken.picks {
		item := crate[p.n-1]
		if why, ok := known.speak(p.why, maxWhy); ok {
			item.Why = why
		}
		add(item)
	}
	for _, item := range s.Plain {
		add(item)
	}
	intro, ok := known.speak(spoken.intro, maxIntro)
	if !ok {
		h.m.muted.Inc()
		intro = s.Intro(mix)
	}
	return tools.Result{Text: intro, Items: slices.Clip(mix)}
}
