package judge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Panel is several judges that vote. Each dimension passes if more than half of them say
// so: an even panel that is divided says NO PASS. A judge that fails fails the panel, since
// otherwise who happened to answer would decide; the answers of the others are kept where
// they stand behind a [Store].
type Panel struct{ judges []Absolute }

// NewPanel returns a panel of at least one judge, each of them once.
func NewPanel(judges ...Absolute) (*Panel, error) {
	ids := make([]string, len(judges))
	for i, j := range judges {
		ids[i] = j.ID()
	}
	return &Panel{judges}, distinct(ids)
}

func distinct(ids []string) error {
	if len(ids) == 0 {
		return errors.New("panel: has no judge")
	}
	sorted := slices.Sorted(slices.Values(ids))
	if len(slices.Compact(sorted)) < len(ids) {
		return fmt.Errorf("panel: a judge sits on it twice: %s", strings.Join(ids, ", "))
	}
	return nil
}

// ID implements [Absolute].
func (p *Panel) ID() string {
	ids := make([]string, len(p.judges))
	for i, j := range p.judges {
		ids[i] = j.ID()
	}
	return "panel(" + strings.Join(ids, ",") + ")"
}

// Judge implements [Absolute]. The evidence of a verdict is that of the judges who agree
// with it, the reason is that of the first of them.
func (p *Panel) Judge(ctx context.Context, s Subject) (Judgment, error) {
	out := Judgment{Judge: p.ID(), Verdicts: map[Dimension]Verdict{}, Cached: true}
	votes := make([]Judgment, 0, len(p.judges))
	for _, j := range p.judges {
		vote, err := j.Judge(ctx, s)
		out.CostUSD += vote.CostUSD
		out.Cached = out.Cached && vote.Cached
		if err != nil {
			return out, err
		}
		votes = append(votes, vote)
	}
	for _, d := range Dimensions() {
		out.Verdicts[d] = count(votes, d)
	}
	return out, nil
}

// count counts the votes on a dimension.
func count(votes []Judgment, d Dimension) Verdict {
	passes := 0
	for _, v := range votes {
		if v.Verdicts[d].Pass {
			passes++
		}
	}
	out := Verdict{Pass: 2*passes > len(votes)}
	agree := 0
	for _, v := range votes {
		verdict := v.Verdicts[d]
		if verdict.Pass != out.Pass {
			continue
		}
		if agree++; agree == 1 {
			out.Reason = verdict.Reason
		}
		for _, id := range verdict.Evidence {
			if !slices.Contains(out.Evidence, id) {
				out.Evidence = append(out.Evidence, id)
			}
		}
	}
	if len(votes) > 1 {
		out.Reason = fmt.Sprintf("%d of %d: %s", agree, len(votes), out.Reason)
	}
	return out
}

// PanelPairs is a panel that compares. A page is better if more than half of the judges
// say so; all else is a tie.
type PanelPairs struct{ judges []Pairwise }

// NewPanelPairs returns a panel of at least one judge, each of them once.
func NewPanelPairs(judges ...Pairwise) (*PanelPairs, error) {
	ids := make([]string, len(judges))
	for i, j := range judges {
		ids[i] = j.ID()
	}
	return &PanelPairs{judges}, distinct(ids)
}

// ID implements [Pairwise].
func (p *PanelPairs) ID() string {
	ids := make([]string, len(p.judges))
	for i, j := range p.judges {
		ids[i] = j.ID()
	}
	return "panel(" + strings.Join(ids, ",") + ")"
}

// Prefer implements [Pairwise].
func (p *PanelPairs) Prefer(ctx context.Context, first, second Subject) (Preference, error) {
	out := Preference{Judge: p.ID(), Choice: Tie, Cached: true}
	votes := map[Choice][]string{}
	for _, j := range p.judges {
		vote, err := j.Prefer(ctx, first, second)
		out.CostUSD += vote.CostUSD
		out.Cached = out.Cached && vote.Cached
		if err != nil {
			return out, err
		}
		votes[vote.Choice] = append(votes[vote.Choice], vote.Reason)
	}
	for _, choice := range []Choice{First, Second} {
		if 2*len(votes[choice]) > len(p.judges) {
			out.Choice = choice
		}
	}
	if reasons := votes[out.Choice]; len(reasons) > 0 {
		out.Reason = fmt.Sprintf("%d of %d: %s", len(reasons), len(p.judges), reasons[0])
	}
	return out, nil
}
