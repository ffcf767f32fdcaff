package llmjudge

import (
	"context"
	"fmt"

	"github.com/parallel-fusion/pfr/evaluation/judge"
)

// Pairs is a [judge.Pairwise] that asks a language model about two whole pages.
//
// The longer page is cut to as many items as the shorter one has, but not below
// [Config.Pair]: neither wins by length, and a page that has next to nothing does not drag
// the other down with it. It is safe for concurrent use.
type Pairs struct {
	cfg   Config
	asker Asker
	id    string
}

// NewPairs returns Pairs. Requests and their time are counted by asker.
func NewPairs(cfg Config, asker Asker) (*Pairs, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("judge config: %w", err)
	}
	return &Pairs{cfg, asker, cfg.id("pair", pairSystem, pairSchema)}, nil
}

// ID implements [judge.Pairwise].
func (p *Pairs) ID() string { return p.id }

// Prefer implements [judge.Pairwise]. Its errors are those of [Judge.Judge].
func (p *Pairs) Prefer(ctx context.Context, first, second judge.Subject) (judge.Preference, error) {
	out := judge.Preference{Judge: p.id}
	a, b := p.cfg.look(first.Page), p.cfg.look(second.Page)
	most := min(max(min(a.items(), b.items()), p.cfg.Pair), maxItems)
	a, b = a.cut(most), b.cut(most)
	t := askedBy(first)
	for _, side := range []struct {
		view view
		into **pageView
	}{{a, &t.First}, {b, &t.Second}} {
		d, err := p.cfg.Fresh.count(side.view, first.Today)
		if err != nil {
			return out, fmt.Errorf("compare pages of case %s: %w", first.Case.ID, err)
		}
		*side.into = side.view.show(d)
	}
	cost, err := p.cfg.ask(ctx, p.asker, question{
		operation: "prefer", task: pairTask, turn: t,
		read: func(content string) (err error) {
			out.Choice, out.Reason, err = parsePair(content)
			out.Raw = content
			return err
		},
	})
	out.CostUSD = cost
	if err != nil {
		return out, fmt.Errorf("compare pages of case %s: %w", first.Case.ID, err)
	}
	return out, nil
}
