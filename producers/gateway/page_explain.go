package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// explainView is the page that explains one search: how its query was understood, and
// where the time went.
type explainView struct {
	frame

	ID, Asked string
	Facts     []paramView
	Route     string // "" while there is no decision
	Params    []paramView
	Why       whyView
	Status    string // of the page; "" while there is none
	Notice    string
	Ticks     []tickView
	Calls     []callView
	Money     []paramView
	Docs      []docView
}

// tickView is a mark on the time line of a waterfall.
type tickView struct{ X, Text string }

// callView is one bar of the waterfall. The inner bar is the time in the tool itself; it is
// drawn in the middle, as how the rest splits into the ways there and back is not known.
type callView struct {
	Name, Title, Kind, Status, State, Reason, Took, Service, Params string

	X, W, InnerX, InnerW string // percent of the line

	Items int
	Marks []string
}

// docView is a raw document.
type docView struct{ Name, JSON string }

// explainPage serves the trace of a query for people. /v1/explain is that for programs.
func (g *Gateway) explainPage(w http.ResponseWriter, r *http.Request) *problem {
	decided, p := lookup(r, g.ports.Decisions.Explain)
	page, pageProblem := lookup(r, g.page)
	if p != nil && pageProblem != nil {
		return g.nothingToExplain(w, r, p)
	}
	v := explainView{frame: g.frame(r, "explaining"), ID: r.PathValue("id")}
	v.Module, v.Title = "explain.js", "Explained"
	if pageProblem == nil {
		v.page(page, decided.Decision)
	}
	if p == nil {
		v.decision(decided)
	}
	return g.render(w, http.StatusOK, "explain.html", v)
}

// missingView says that there is nothing of an id, and what to do.
type missingView struct {
	frame

	ID      string
	Problem *problem
}

func (g *Gateway) nothingToExplain(w http.ResponseWriter, r *http.Request, p *problem) *problem {
	v := missingView{frame: g.frame(r, "lost"), ID: r.PathValue("id"), Problem: p}
	v.Module, v.Title = "explain.js", p.Title
	return g.render(w, p.Status, "missing.html", v)
}

// decision adds what the router decided.
func (v *explainView) decision(e Explained) {
	d := e.Decision
	v.Query, v.Asked, v.Title = e.Query.Text, e.Query.Text, e.Query.Text+" explained"
	v.Facts = facts(
		"asked", e.Query.SubmittedAt.UTC().Format(time.RFC3339), "market", e.Query.Market, "locale", e.Query.Locale,
		"platform", e.Query.Platform, "mode", string(e.Query.Mode), "time given", millis(float64(e.Query.Deadline.Sub(e.Query.SubmittedAt).Milliseconds())),
		"decided", e.DecidedAt.UTC().Format(time.RFC3339), "layout", d.Layout,
	)
	v.Route, v.Params, v.Why = d.Route, viewParams(d.Params), viewWhy(reasonsOfDecision(d, e.Query.Mode))
	v.Money = append(v.Money, facts(
		"decision", dollars(d.Cost), "prompt tokens", strconv.Itoa(d.Tokens.Prompt),
		"of them cached", strconv.Itoa(d.Tokens.Cached), "tokens written", strconv.Itoa(d.Tokens.Completion),
	)...)
	v.Docs = append([]docView{document("Query", e.Query), document("Decision", d)}, v.Docs...)
}

// page adds what came of the calls.
func (v *explainView) page(page schemas.SERP, d schemas.Decision) {
	v.Query, v.Asked, v.Title = page.Query, page.Query, page.Query+" explained"
	v.Status, v.Notice = string(page.Status), page.Notice
	v.Facts = facts("market", page.Market, "layout", page.Layout, "made", page.CreatedAt.UTC().Format(time.RFC3339))
	v.Route, v.Params = page.Route.Name, viewParams(page.Route.Params)
	v.Why = viewWhy(reasonsOfSERP(page, ""))
	v.Money = facts("page", dollars(page.Cost), "answered", percent(page.Coverage), "refined", yesNo(page.Refined))
	v.Calls = viewCalls(page, d)
	v.Ticks = ticks(page.Timings.TotalMS)
	v.Docs = []docView{document("Page", page)}
}

// facts makes pairs of names and values. Those without a value are left out.
func facts(pairs ...string) []paramView {
	var out []paramView
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			out = append(out, paramView{pair[0], pair[1]})
		}
	}
	return out
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// viewCalls is the waterfall: the way to the calls, every call, and what came after them.
// Omitted sections are there too.
func viewCalls(page schemas.SERP, d schemas.Decision) []callView {
	t := page.Timings
	total := max(t.TotalMS, 1e-6)
	decided := t.QueuedMS + t.RouterMS
	gathered := max(decided, t.TotalMS-t.RefineMS)
	scatter := min(max(decided, t.TotalMS-t.ToolsMS-t.RefineMS), gathered)
	step := func(name, title, kind string, start, took float64) callView {
		c := callView{Name: name, Title: title, Kind: kind, Took: millis(took)}
		c.X, c.W = stretch(start, took, total)
		return c
	}
	out := []callView{
		step(spanQueue, "waited for a router", "wait", 0, t.QueuedMS),
		step(spanRouter, "decided", "router", t.QueuedMS, t.RouterMS),
		step(spanHop, "on its way to the tools", "wait", decided, scatter-decided),
	}
	waits := waited(page, d)
	for _, s := range page.Sections {
		out = append(out, viewCall(s, d, scatter+waits[s.ID], total))
	}
	for _, s := range page.Omitted {
		c := viewCall(s, d, scatter, total)
		c.Marks = append(c.Marks, "left out of the page")
		out = append(out, c)
	}
	if t.RefineMS > 0 {
		out = append(out, step("refinement", "put the items in order", "router", gathered, t.RefineMS))
	}
	return out
}

func viewCall(s schemas.Section, d schemas.Decision, start, total float64) callView {
	c := callView{
		Name: s.Tool, Title: s.Title, Kind: "tool", Status: string(s.Status), State: strings.ReplaceAll(string(s.Status), "_", " "),
		Reason: s.Reason, Took: millis(s.TookMS), Items: len(s.Items),
	}
	c.X, c.W = stretch(start, s.TookMS, total)
	if s.ServiceMS > 0 {
		inside := min(s.ServiceMS, s.TookMS)
		c.Service = millis(s.ServiceMS)
		c.InnerX, c.InnerW = stretch(start+(s.TookMS-inside)/2, inside, total)
	}
	for _, m := range []struct {
		on   bool
		text string
	}{{s.Mandatory, "mandatory"}, {s.Cached, "cached"}, {s.Repeated, "answered at the second try"}} {
		if m.on {
			c.Marks = append(c.Marks, m.text)
		}
	}
	if i := slices.IndexFunc(d.Calls, func(call schemas.Call) bool { return call.Section == s.ID }); i >= 0 {
		c.Marks = append(c.Marks, "had "+strconv.Itoa(d.Calls[i].DeadlineMS)+" ms")
		c.Params = paramsLine(d.Calls[i].Params)
		if d.Calls[i].LastResort {
			c.Marks = append(c.Marks, "asked last, as nothing else was found")
		}
	}
	return c
}

func paramsLine(params schemas.Params) string {
	var parts []string
	for _, p := range viewParams(params) {
		parts = append(parts, p.Name+": "+p.Value)
	}
	return strings.Join(parts, " · ")
}

// ticks divides a time line into quarters.
func ticks(total float64) []tickView {
	var out []tickView
	for _, share := range []float64{0, .25, .5, .75, 1} {
		out = append(out, tickView{strconv.FormatFloat(100*share, 'f', 0, 64), millis(share * total)})
	}
	out[0].Text = "0"
	return out
}

// document is a message as it is on its topic, for people to read.
func document(name string, v any) docView {
	data, err := codec.Marshal(v)
	if err != nil {
		return docView{name, err.Error()}
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return docView{name, err.Error()}
	}
	return docView{name, out.String()}
}
