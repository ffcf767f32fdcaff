package serps

import (
	"context"
	"errors"

	"github.com/parallel-fusion/pfr/evaluation/judge"
)

// Panel is who judges.
type Panel struct {
	Pages judge.Absolute
	Pairs judge.Pairwise
	Run   judge.RunConfig
}

// Outcome is what judges said of both pages of a case.
type Outcome struct {
	Pages
	CandidateVerdicts map[judge.Dimension]judge.Verdict `json:"candidate_verdicts,omitempty"`
	BaselineVerdicts  map[judge.Dimension]judge.Verdict `json:"baseline_verdicts,omitempty"`
	// Preference is the candidate's outcome in both orders: first is a win, second a loss.
	Preference judge.Choice `json:"preference,omitempty"`
	Reason     string       `json:"reason,omitempty"`   // of the preference, candidate first
	Unjudged   string       `json:"unjudged,omitempty"` // why a judge has not answered; the case is left out
}

// Judged is the outcomes of a run.
type Judged struct {
	Outcomes  []Outcome
	Positions judge.Positions
	CostUSD   float64 // of judging
}

// Judge has all pages judged, each by itself and in pairs. A case whose judge did not
// answer is left unjudged. The error says why the run stopped before its end; what was
// judged until then is returned too.
func Judge(ctx context.Context, p Panel, pages []Pages) (Judged, error) {
	subjects := make([]judge.Subject, 0, 2*len(pages))
	pairs := make([]judge.Pair, len(pages))
	for i, one := range pages {
		a, b := one.subject(one.Candidate), one.subject(one.Baseline)
		subjects = append(subjects, a, b)
		pairs[i] = judge.Pair{Page: a, Other: b}
	}
	judged, err := judge.RunPages(ctx, p.Run, p.Pages, subjects)
	var compared []judge.Compared
	if err == nil {
		compared, err = judge.RunPairs(ctx, p.Run, p.Pairs, pairs)
	} else {
		compared = make([]judge.Compared, len(pairs))
		for i := range compared {
			compared[i].Err = judge.ErrUnasked
		}
	}
	out := Judged{Outcomes: make([]Outcome, len(pages))}
	var comparisons []judge.Comparison
	for i, one := range pages {
		a, b, c := judged[2*i], judged[2*i+1], compared[i]
		out.Outcomes[i] = outcome(one, a, b, c)
		out.CostUSD += a.Judgment.CostUSD + b.Judgment.CostUSD + c.Comparison.Cost()
		if c.Err == nil {
			comparisons = append(comparisons, c.Comparison)
		}
	}
	out.Positions = judge.CountPositions(comparisons)
	return out, err
}

func outcome(p Pages, a, b judge.Judged, c judge.Compared) Outcome {
	if err := errors.Join(a.Err, b.Err, c.Err); err != nil {
		return Outcome{Pages: p, Unjudged: err.Error()}
	}
	return Outcome{
		Pages: p, CandidateVerdicts: p.Candidate.verdicts(a.Judgment), BaselineVerdicts: p.Baseline.verdicts(b.Judgment),
		Preference: p.preference(c.Comparison.Outcome), Reason: c.Comparison.There.Reason,
	}
}

// preference returns what a judge prefers. A page that came is better than one that did not.
func (p Pages) preference(judged judge.Choice) judge.Choice {
	switch a, b := p.Candidate.Error == "", p.Baseline.Error == ""; {
	case a && !b:
		return judge.First
	case b && !a:
		return judge.Second
	}
	return judged
}

// verdicts returns what a judge said of a page. One that did not come does not pass, though
// a judge may find an empty page right: that it is empty is a fault and not an answer.
func (m Made) verdicts(j judge.Judgment) map[judge.Dimension]judge.Verdict {
	if m.Error == "" {
		return j.Verdicts
	}
	out := map[judge.Dimension]judge.Verdict{}
	for _, d := range judge.Dimensions() {
		out[d] = judge.Verdict{Reason: "there is no page"}
	}
	return out
}
