package precompute

import (
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Versions is what decisions depend on.
type Versions struct {
	Manifest string `json:"manifest"`
	Student  string `json:"student"`
	Model    string `json:"model,omitempty"` // of language model, prompt and schema; "": there is none
}

// Entry is what is worth knowing of a published record.
type Entry struct {
	Key        string         `json:"key"`
	Query      string         `json:"query"` // normalised
	Route      string         `json:"route"`
	Source     schemas.Source `json:"source"` // the tier that made it
	Confidence float64        `json:"confidence"`
	Manifest   string         `json:"manifest_version"`
	Model      string         `json:"model_version"`
	Prompt     string         `json:"prompt_version,omitempty"`
	CostUSD    float64        `json:"cost_usd"`
	ComputedAt time.Time      `json:"computed_at"`
	ExpiresAt  time.Time      `json:"expires_at"`
}

// EntryOf returns the entry of a record.
func EntryOf(p schemas.PrecomputedRoute) Entry {
	d := p.Decision
	return Entry{
		Key: p.RouteKey, Query: p.Query, Route: d.Route, Source: d.Source, Confidence: d.Confidence,
		Manifest: d.ManifestVersion, Model: d.ModelVersion, Prompt: d.PromptVersion, CostUSD: d.Cost,
		ComputedAt: p.ComputedAt, ExpiresAt: p.ExpiresAt,
	}
}

// State says whether routers take an entry.
type State string

// States.
const (
	Current State = "current"
	Stale   State = "stale" // of other versions
	Expired State = "expired"
)

// State returns the state of an entry for routers of the given versions. Those without a
// language model take what any language model has decided.
func (e Entry) State(v Versions, now time.Time) State {
	switch {
	case e.Manifest != v.Manifest,
		e.Source != schemas.SourceStudent && e.Source != schemas.SourceLLM,
		e.Source == schemas.SourceStudent && e.Model != v.Student,
		e.Source == schemas.SourceLLM && v.Model != "" && e.Prompt != v.Model:
		return Stale
	case now.After(e.ExpiresAt):
		return Expired
	}
	return Current
}

// spent reports whether an entry is in the last seventh of its life, so that a run every
// night renews an entry of a week before it expires.
func (e Entry) spent(now time.Time) bool {
	return now.After(e.ExpiresAt.Add(-e.ExpiresAt.Sub(e.ComputedAt) / 7))
}

// serves reports whether an entry makes it needless to ask a tier: it is current, and no
// better tier is to be asked.
func (e Entry) serves(v Versions, tier schemas.Source, now time.Time) bool {
	return e.State(v, now) == Current && !e.spent(now) && (e.Source == tier || e.Source == schemas.SourceLLM)
}
