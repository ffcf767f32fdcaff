package gateway_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// fullDecision is one of the language model, with every field that explains it.
func fullDecision() schemas.Decision {
	return schemas.Decision{
		Route: "similar_artists", Params: schemas.Params{"artist": "Khruangbin"}, Layout: "artist_exploration",
		Calls:  []schemas.Call{{Tool: "search", Section: "results", Title: "Results", Component: "list", Limit: 10, DeadlineMS: 300}},
		Source: schemas.SourceLLM, Confidence: .88, Arm: "candidate-b",
		Alternatives: []schemas.Alternative{{Route: "search", Confidence: .07}, {Route: "personalized_recs", Confidence: .03}},
		Tiers: []schemas.Tier{
			{Source: schemas.SourceStudent, Outcome: schemas.OutcomeUnsure, Route: "search", Confidence: .41, TookMS: .06},
			{Source: schemas.SourceLLM, Outcome: schemas.OutcomeAnswered, Route: "similar_artists", Confidence: .88, TookMS: 187, Cost: .00042},
		},
		ManifestVersion: "m1", ModelVersion: "some-model", PromptVersion: "p7",
		Tokens: schemas.Tokens{Prompt: 812, Cached: 768, Completion: 24}, Cost: .00042, TookMS: 187.2,
	}
}

// lacking is a decision of the fallback after some tiers.
func lacking(confidence float64, tiers ...schemas.Tier) schemas.Decision {
	d := fullDecision()
	d.Source, d.Degraded, d.Confidence, d.Cost, d.Tokens = schemas.SourceFallback, true, confidence, 0, schemas.Tokens{}
	d.Tiers = append(tiers, schemas.Tier{Source: schemas.SourceFallback, Outcome: schemas.OutcomeAnswered, Route: d.Route, Confidence: confidence})
	return d
}

// answer is a decision of the first tier that was asked.
func answer(s schemas.Source, confidence float64) schemas.Decision {
	d := fullDecision()
	d.Source, d.Confidence, d.Cost = s, confidence, 0
	d.Tiers = []schemas.Tier{{Source: s, Outcome: schemas.OutcomeAnswered, Route: d.Route, Confidence: confidence, TookMS: .004}}
	return d
}

// model is the tier of a language model that was no help.
func model(o schemas.Outcome, took float64) schemas.Tier {
	return schemas.Tier{Source: schemas.SourceLLM, Outcome: o, TookMS: took}
}

func decided(d schemas.Decision, mode schemas.Mode) gateway.Explained {
	now := time.Date(2025, 6, 28, 10, 0, 0, 0, time.UTC)
	return gateway.Explained{
		Query:    schemas.PublicQuery{SchemaVersion: schemas.Version, CorrelationID: someID, Text: "x", Market: "US", Locale: "en-US", Mode: mode, SubmittedAt: now, Deadline: now.Add(time.Second)},
		Decision: d, DecidedAt: now,
	}
}

type told struct {
	Summary  string
	Degraded string
	Mode     schemas.Mode
	Route    string
	Spent    string
	Arm      string
	Tokens   *schemas.Tokens
	CostUSD  float64 `json:"cost_usd"`
	TookMS   float64 `json:"took_ms"`
	Versions struct{ Manifest, Model, Prompt string }
	Tiers    []struct {
		schemas.Tier
		Name, Text string
	}
	Alternatives []schemas.Alternative
}

// tell returns the tiers as lines.
func (w told) tell() (lines []string) {
	for _, t := range w.Tiers {
		lines = append(lines, t.Name+" "+t.Text)
	}
	return lines
}

func explained(t *testing.T, b *backend) told {
	t.Helper()
	w := serve(b.open(t, nil), get(t, "/v1/explain/"+someID))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return decodeInto[struct{ Why told }](t, w.Body).Why
}

func TestExplainTellsWhy(t *testing.T) {
	unsure := schemas.Tier{Source: schemas.SourceStudent, Outcome: schemas.OutcomeUnsure, Route: "search", Confidence: .41}
	composed, kept := fullDecision(), fullDecision()
	composed.Route, composed.Tiers[1].Route = "composed", "composed"
	kept.Source, kept.Route, kept.Confidence = schemas.SourceStudent, "search", .41
	kept.Tiers[1].Outcome, kept.Tiers[1].Confidence = schemas.OutcomeUnsure, .3
	withdrawn := lacking(0, schemas.Tier{Source: schemas.SourceCache, Outcome: schemas.OutcomeAnswered, Route: "dj", Confidence: .9})
	instead := answer(schemas.SourceStudent, .94)
	instead.Degraded = true

	for name, c := range map[string]struct {
		decision schemas.Decision
		mode     schemas.Mode
		summary  string
		line     string // one of the tiers
	}{
		"student":           {answer(schemas.SourceStudent, .94), "", "The student was sure enough: 94 %.", "student was sure enough: 94 % for similar_artists"},
		"cache":             {answer(schemas.SourceCache, .9), "", "An equal query was decided before.", "cache knew the decision for an equal query"},
		"precomputed":       {answer(schemas.SourcePrecomputed, .9), "", "The query was decided ahead of time.", "precomputed routes had this query, decided ahead of time"},
		"language model":    {fullDecision(), "", "The language model answered similar_artists in 187 ms for $0.00042.", "student was unsure: 41 % for search is below the threshold"},
		"kept":              {kept, "", "The student's guess stands: it was surer than the language model.", "language model answered similar_artists in 187 ms for $0.00042, and was not followed: 30 %"},
		"composed":          {composed, schemas.PostFusion, "The language model composed a page in 187 ms for $0.00042.", "student was not followed, as a composed page was asked for: 41 % for search"},
		"timeout":           {lacking(.41, unsure, model(schemas.OutcomeTimeout, 250)), "", "The language model did not answer within 250 ms; the student's guess was safe.", "fallback took the student's guess, which was safe: 41 % for similar_artists"},
		"no time":           {lacking(0, unsure, model(schemas.OutcomeTimeout, .01)), "", "The language model had no time left to answer; plain search stands in.", "fallback took similar_artists"},
		"invalid":           {lacking(0, unsure, model(schemas.OutcomeInvalid, 90)), "", "The language model answered with something that is no valid decision; plain search stands in.", ""},
		"limited":           {lacking(0, unsure, model(schemas.OutcomeLimited, 0)), "", "The language model was not asked, being over a limit of requests, tokens or money; plain search stands in.", ""},
		"open":              {lacking(0, unsure, model(schemas.OutcomeOpen, 0)), "", "The language model was not asked, because its servers fail or have enough to do; plain search stands in.", ""},
		"off":               {lacking(0, unsure, model(schemas.OutcomeOff, 0)), "", "The language model is switched off for this query; plain search stands in.", ""},
		"error":             {lacking(0, unsure, model(schemas.OutcomeError, 12)), "", "The language model failed after 12 ms; plain search stands in.", ""},
		"none there":        {lacking(.41, unsure), "", "The student was unsure and there is no language model to ask; the student's guess was safe.", ""},
		"nobody asked":      {lacking(0), "", "No model was asked: plain search stands in.", ""},
		"withdrawn":         {withdrawn, "", "What was decided is not offered to this query: plain search stands in.", ""},
		"composing failed":  {lacking(0, unsure, model(schemas.OutcomeError, 12)), schemas.PostFusion, "A composed page was asked for, and the language model failed after 12 ms; plain search stands in.", ""},
		"plain search":      {answer(schemas.SourceFallback, 0), schemas.PlainSearch, "Plain search was asked for: nothing was decided.", ""},
		"nobody to compose": {instead, schemas.PostFusion, "A composed page was asked for, and there is no language model to ask; this is the page of a route.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			b.why[someID] = decided(c.decision, c.mode)
			why := explained(t, b)
			if why.Summary != c.summary {
				t.Errorf("summary %q\nwant    %q", why.Summary, c.summary)
			}
			if lines := strings.Join(why.tell(), "\n"); !strings.Contains(lines, c.line) {
				t.Errorf("tiers\n%s\nlack\n%s", lines, c.line)
			}
			if lacks := why.Degraded != ""; lacks != c.decision.Degraded {
				t.Errorf("degraded: %q", why.Degraded)
			}
		})
	}
}

func TestExplainHasTheNumbers(t *testing.T) {
	b := newBackend(t)
	d := fullDecision()
	b.why[someID] = decided(d, schemas.PostFusion)
	why := explained(t, b)
	if why.Route != d.Route || why.Arm != d.Arm || why.Mode != schemas.PostFusion || why.CostUSD != d.Cost || why.TookMS != d.TookMS || *why.Tokens != d.Tokens {
		t.Errorf("%+v", why)
	}
	if why.Versions.Manifest != "m1" || why.Versions.Model != "some-model" || why.Versions.Prompt != "p7" || len(why.Alternatives) != 2 {
		t.Errorf("%+v", why)
	}
	if why.Tiers[1].Tier != d.Tiers[1] {
		t.Errorf("tier %+v, want %+v", why.Tiers[1].Tier, d.Tiers[1])
	}
	if want := "$0.00042 · 812 prompt tokens (768 cached) · 24 written"; why.Spent != want {
		t.Errorf("spent %q, want %q", why.Spent, want)
	}

	delete(b.why, someID) // the page says less, and enough
	page := samplePage(schemas.Query{PublicQuery: schemas.PublicQuery{CorrelationID: someID}})
	page.Cost = .0123
	page.Route.Tiers = d.Tiers
	b.pages[someID] = page
	if why := explained(t, b); why.Tokens != nil || why.CostUSD != page.Cost || why.TookMS != page.Timings.RouterMS || why.Spent != "$0.012" {
		t.Errorf("from the page: %+v", why)
	}
}

// The first event of a stream says why. The last is the page, and nothing but the page.
func TestStreamTellsWhy(t *testing.T) {
	b := newBackend(t)
	b.answers(followPage(degradedPage))
	events := parse(t, streamed(t, b).Body.String())
	var data struct{ Why told }
	if err := json.Unmarshal([]byte(events[0].data), &data); err != nil {
		t.Fatal(err)
	}
	if want := "The language model did not answer within 250 ms; the student's guess was safe."; data.Why.Degraded != want || len(data.Why.Tiers) != 3 {
		t.Errorf("route: %+v", data.Why)
	}
	if last := events[len(events)-1]; strings.Contains(last.data, `"decided_by"`) {
		t.Errorf("%s: %s", last.name, last.data)
	}
}

func TestWebPageTellsWhy(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*schemas.SERP)
		parts  []string
	}{
		"degraded": {degradedPage, []string{
			`<details class="explained degraded">`, "did not answer within 250 ms; the student", `<li class="o-timeout">`, ">$0<", "arm candidate-b · manifest m1",
			`<li class="chosen"><span data-f="name">new_releases</span>`, `width="41.00"`, ">fallback<",
		}},
		"composed": {composedPage, []string{
			`<details class="explained ">`, "The language model composed a page in 312 ms for $0.0011.", ">composed<", ">Found: pixies<", `data-component="cards"`, `<li class="o-unsure">`, ">100 %<",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			b.answers(followPage(c.change))
			page := serve(b.open(t, nil), get(t, "/?q=x&mode=post-fusion")).Body.String()
			for _, part := range c.parts {
				if !strings.Contains(page, part) {
					panel := regexp.MustCompile(`(?s)<details class="explained.*?</details>`).FindString(page)
					t.Errorf("no %q in\n%s", part, panel)
				}
			}
		})
	}
}
