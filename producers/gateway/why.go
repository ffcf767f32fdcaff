package gateway

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// composedRoute is the name of decisions that a language model composed. No route of a
// manifest may have it.
const composedRoute = "composed"

// reasons says how a decision came about: the numbers, and the words for them.
type reasons struct {
	Summary      string                `json:"summary"`            // one sentence
	Degraded     string                `json:"degraded,omitempty"` // what was lacking; "" if nothing was
	Mode         schemas.Mode          `json:"mode,omitempty"`     // that was asked for; "" if that is not known
	Route        string                `json:"route"`
	Confidence   float64               `json:"confidence"`
	Source       schemas.Source        `json:"source"`
	DecidedBy    string                `json:"decided_by"` // the source in words
	Tiers        []reason              `json:"tiers"`      // in the order they were asked
	Alternatives []schemas.Alternative `json:"alternatives"`
	Arm          string                `json:"arm,omitempty"`
	Versions     versions              `json:"versions"`
	TookMS       float64               `json:"took_ms"` // all tiers together
	CostUSD      float64               `json:"cost_usd"`
	Tokens       *schemas.Tokens       `json:"tokens"` // nil: not known
	Spent        string                `json:"spent"`  // tokens and cost in words
}

// reason is a tier and what came of it, in words that continue its name.
type reason struct {
	schemas.Tier
	Name string `json:"name"`
	Text string `json:"text"`
}

type versions struct {
	Manifest string `json:"manifest"`
	Model    string `json:"model,omitempty"`
	Prompt   string `json:"prompt,omitempty"`
}

// reasonsOf explains what a page or its first event says of its decision. mode is what was
// asked for, or "".
func reasonsOf(r schemas.RouteSummary, mode schemas.Mode) reasons {
	why := reasons{
		Mode: mode, Route: r.Name, Confidence: r.Confidence, Source: r.Source, DecidedBy: tierName(r.Source),
		Tiers: make([]reason, len(r.Tiers)), Alternatives: r.Alternatives, Arm: r.Arm,
		Versions: versions{Manifest: r.ManifestVersion, Model: r.ModelVersion},
	}
	if why.Alternatives == nil {
		why.Alternatives = []schemas.Alternative{}
	}
	for i, t := range r.Tiers {
		why.Tiers[i] = reason{t, tierName(t.Source), why.tierText(t, r.Tiers[i+1:])}
		why.TookMS += t.TookMS
		why.CostUSD += t.Cost
	}
	if r.Degraded {
		why.Degraded = why.lack()
	}
	why.Summary, why.Spent = why.sentence(), why.spent()
	return why
}

// reasonsOfDecision explains a decision, of which more is known than its page tells.
func reasonsOfDecision(d schemas.Decision, mode schemas.Mode) reasons {
	why := reasonsOf(schemas.RouteSummary{
		Name: d.Route, Source: d.Source, Degraded: d.Degraded, Confidence: d.Confidence,
		ManifestVersion: d.ManifestVersion, ModelVersion: d.ModelVersion,
		Arm: d.Arm, Alternatives: d.Alternatives, Tiers: d.Tiers,
	}, mode)
	why.Versions.Prompt = d.PromptVersion
	why.Tokens, why.CostUSD, why.TookMS = &d.Tokens, d.Cost, d.TookMS
	why.Spent = why.spent()
	return why
}

// reasonsOfPage explains the decision of a finished page, with all that the archive has of
// it by now.
func (g *Gateway) reasonsOfPage(page schemas.SERP, mode schemas.Mode) reasons {
	if e, err := g.ports.Decisions.Explain(page.CorrelationID); err == nil {
		return reasonsOfDecision(e.Decision, e.Query.Mode)
	}
	return reasonsOfSERP(page, mode)
}

func reasonsOfSERP(page schemas.SERP, mode schemas.Mode) reasons {
	why := reasonsOf(page.Route, mode)
	why.CostUSD, why.TookMS = page.Cost, page.Timings.RouterMS
	why.Spent = why.spent()
	return why
}

// tierName is what a tier is called in a sentence.
func tierName(s schemas.Source) string {
	switch s {
	case schemas.SourceLLM:
		return "language model"
	case schemas.SourcePrecomputed:
		return "precomputed routes"
	case schemas.SourceCache, schemas.SourceStudent, schemas.SourceFallback:
	}
	return string(s)
}

// tierText says what came of a tier. after are the tiers that were asked next.
func (why reasons) tierText(t schemas.Tier, after []schemas.Tier) string {
	switch t.Outcome {
	case schemas.OutcomeAnswered:
		return why.answerText(t)
	case schemas.OutcomeUnsure:
		return why.unsureText(t, after)
	case schemas.OutcomeMiss:
		return "had no decision for this query"
	case schemas.OutcomeOff:
		return "is switched off for this query"
	case schemas.OutcomeLimited:
		return "was not asked, being over a limit of requests, tokens or money"
	case schemas.OutcomeOpen:
		return "was not asked, because its servers fail or have enough to do"
	case schemas.OutcomeTimeout:
		if t.TookMS < 1 {
			return "had no time left to answer"
		}
		return "did not answer within " + millis(t.TookMS)
	case schemas.OutcomeInvalid:
		return "answered with something that is no valid decision"
	case schemas.OutcomeError:
		return "failed after " + millis(t.TookMS)
	}
	return string(t.Outcome)
}

func (why reasons) answerText(t schemas.Tier) string {
	switch t.Source {
	case schemas.SourceCache:
		return "knew the decision for an equal query"
	case schemas.SourcePrecomputed:
		return "had this query, decided ahead of time"
	case schemas.SourceStudent:
		return "was sure enough: " + likely(t)
	case schemas.SourceLLM:
		if t.Route == composedRoute {
			return "composed a page in " + millis(t.TookMS) + forCost(t.Cost)
		}
		return "answered " + t.Route + " in " + millis(t.TookMS) + forCost(t.Cost)
	case schemas.SourceFallback:
		if t.Confidence > 0 {
			return "took the student's guess, which was safe: " + likely(t)
		}
		return "took " + t.Route
	}
	return "answered " + t.Route
}

func (why reasons) unsureText(t schemas.Tier, after []schemas.Tier) string {
	switch {
	case t.Route == "":
		return "had no route that is offered to this query"
	case t.Source == schemas.SourceLLM:
		return fmt.Sprintf("answered %s in %s%s, and was not followed: %s",
			t.Route, millis(t.TookMS), forCost(t.Cost), percent(t.Confidence))
	case why.Mode == schemas.PostFusion && slices.ContainsFunc(after, isModel):
		return "was not followed, as a composed page was asked for: " + likely(t)
	}
	return "was unsure: " + likely(t) + " is below the threshold"
}

func likely(t schemas.Tier) string { return percent(t.Confidence) + " for " + t.Route }

func isModel(t schemas.Tier) bool { return t.Source == schemas.SourceLLM }

// model returns what came of the language model. ok is false if it was not considered.
func (why reasons) model() (r reason, ok bool) {
	i := slices.IndexFunc(why.Tiers, func(r reason) bool { return isModel(r.Tier) })
	if i < 0 {
		return r, false
	}
	return why.Tiers[i], true
}

// sentence is the whole story in one sentence.
func (why reasons) sentence() string {
	llm, asked := why.model()
	switch {
	case why.Degraded != "":
		return why.Degraded
	case why.Mode == schemas.PlainSearch:
		return "Plain search was asked for: nothing was decided."
	case why.Source == schemas.SourceCache:
		return "An equal query was decided before."
	case why.Source == schemas.SourcePrecomputed:
		return "The query was decided ahead of time."
	case why.Source == schemas.SourceLLM && asked:
		return "The language model " + llm.Text + "."
	case why.Source == schemas.SourceStudent && asked:
		return "The student's guess stands: it was surer than the language model."
	case why.Source == schemas.SourceStudent:
		return "The student was sure enough: " + percent(why.Confidence) + "."
	}
	return "Decided by the " + why.DecidedBy + "."
}

// lack says in one sentence why the page is less than it could be.
func (why reasons) lack() string {
	llm, asked := why.model()
	wanted := "The student was unsure and "
	switch {
	case len(why.Tiers) == 0:
		return "A better tier was away: " + why.standIn() + "."
	case why.withdrawn():
		return "What was decided is not offered to this query: " + why.standIn() + "."
	case why.Source != schemas.SourceFallback || why.Mode == schemas.PostFusion:
		wanted = "A composed page was asked for, and "
	case asked:
		wanted = ""
	case len(why.Tiers) < 2:
		return "No model was asked: " + why.standIn() + "."
	}
	cause := "there is no language model to ask"
	if asked && llm.Outcome != schemas.OutcomeAnswered {
		cause = "the language model " + llm.Text
	}
	return upperFirst(wanted + cause + "; " + why.standIn() + ".")
}

// withdrawn reports whether the fallback came after a tier that had answered.
func (why reasons) withdrawn() bool {
	return why.Source == schemas.SourceFallback && slices.ContainsFunc(why.Tiers, func(r reason) bool {
		return r.Outcome == schemas.OutcomeAnswered && r.Source != schemas.SourceFallback
	})
}

// standIn says what the page is instead.
func (why reasons) standIn() string {
	switch {
	case why.Source != schemas.SourceFallback:
		return "this is the page of a route"
	case why.Confidence > 0:
		return "the student's guess was safe"
	}
	return "plain search stands in"
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// spent tells what the language model read, wrote and cost.
func (why reasons) spent() string {
	if _, asked := why.model(); !asked {
		return "nothing, as no language model was asked"
	}
	text := dollars(why.CostUSD)
	if t := why.Tokens; t != nil && t.Prompt+t.Completion > 0 {
		text += fmt.Sprintf(" · %d prompt tokens", t.Prompt)
		if t.Cached > 0 {
			text += fmt.Sprintf(" (%d cached)", t.Cached)
		}
		text += fmt.Sprintf(" · %d written", t.Completion)
	}
	return text
}

func forCost(usd float64) string {
	if usd == 0 {
		return ""
	}
	return " for " + dollars(usd)
}

// dollars shows two digits of however small an amount.
func dollars(usd float64) string {
	if usd <= 0 {
		return "$0"
	}
	digits := 1 - int(math.Floor(math.Log10(usd)))
	return fmt.Sprintf("$%.*f", min(max(digits, 2), 9), usd)
}
