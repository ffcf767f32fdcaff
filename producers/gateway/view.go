package gateway

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// The views are what the templates of the web pages draw. The script fills the same
// templates: each view has a prototype with every optional part, for it to clone.

// frame is what every page has around its content.
type frame struct {
	About    About
	Version  string // of the static files
	Title    string // of the document; "" is the name of the product alone
	Kind     string // of page: home, searched, explaining, operating, watching, comparing, entering or lost
	Module   string // the script of the page
	Query    string
	Markets  []marketView
	Composes bool // post-fusion is chosen
	Hints    []hintView
	Proto    prototypes
	SignIn   string // where to sign in and come back; "" where access is not limited
	SignedIn bool   // the browser shows a key, good or not
}

// InSearch reports whether the page is one of the search itself.
func (f frame) InSearch() bool { return f.Kind == "home" || f.Kind == "searched" }

// view is the page of a search, or the first view without one.
type view struct {
	frame

	Searched    bool
	Correlation string
	RouteName   string
	Problem     *problem     // nil: all is well
	Summary     *summaryView // nil: nothing was found out
	Notice      string
	Sections    []sectionView
}

type marketView struct {
	Code   string
	Chosen bool
}

type summaryView struct {
	Route, Status, Source, Confidence, Router, Tools, Total, Coverage, Explain string

	Params []paramView
	Why    whyView
}

type paramView struct{ Name, Value string }

// prototypes are what the script clones.
type prototypes struct {
	Summary summaryView
	Param   paramView
	Bar     barView
	Tier    tierView
	Section sectionView
	Item    itemView
}

func newFrame(about About, version, kind string) frame {
	return frame{
		About: about, Version: version, Kind: kind, Module: "app.js", Markets: markets(""), Hints: hints(),
		Proto: prototypes{
			Section: sectionView{Proto: true}, Item: itemView{Proto: true, Href: "/"},
			Bar: barView{W: "0"}, Tier: tierView{X: "0", W: "0"},
		},
	}
}

// markets are offered on the page. Others work by URL.
func markets(chosen string) []marketView {
	if chosen == "" {
		chosen = "US"
	}
	codes := []string{"US", "GB", "DE", "FR", "ES", "IT", "SE", "BR", "MX", "IN", "JP", "KR", "NG"}
	if !slices.Contains(codes, chosen) {
		codes = append(codes, chosen)
	}
	out := make([]marketView, len(codes))
	for i, c := range codes {
		out[i] = marketView{c, c == chosen}
	}
	return out
}

// fill puts a page into the view, and how its decision came about.
func (v *view) fill(page schemas.SERP, why reasons) {
	v.Correlation, v.RouteName, v.Notice = page.CorrelationID, page.Route.Name, page.Notice
	v.Summary = viewSummary(page, why)
	wide := make([]int, len(page.Sections))
	for i, s := range page.Sections {
		wide[i] = displayOf(s.Display).Width
	}
	spread(wide)
	for i, s := range page.Sections {
		v.Sections = append(v.Sections, viewSection(s, i+1, wide[i]))
	}
}

func viewSummary(page schemas.SERP, why reasons) *summaryView {
	return &summaryView{
		Route: page.Route.Name, Status: string(page.Status), Source: why.DecidedBy, Why: viewWhy(why),
		Confidence: percent(page.Route.Confidence), Router: millis(page.Timings.RouterMS),
		Tools: millis(page.Timings.ToolsMS), Total: millis(page.Timings.TotalMS),
		Coverage: percent(page.Coverage), Explain: "/explain/" + page.CorrelationID,
		Params: viewParams(page.Route.Params),
	}
}

func viewParams(params schemas.Params) []paramView {
	var out []paramView
	for _, name := range slices.Sorted(maps.Keys(params)) {
		out = append(out, paramView{strings.ReplaceAll(name, "_", " "), paramText(params[name])})
	}
	return out
}

func paramText(v any) string {
	if list, ok := v.([]string); ok {
		return strings.Join(list, ", ")
	}
	return fmt.Sprint(v)
}

// percent does not call a share all before it is.
func percent(x float64) string {
	if x > .99 && x < 1 {
		return "> 99 %"
	}
	return fmt.Sprintf("%.0f %%", math.Round(100*x))
}

// millis shows a duration with as many digits as it deserves.
func millis(ms float64) string {
	switch {
	case ms < .1:
		return fmt.Sprintf("%.0f µs", math.Round(1000*ms))
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", math.Round(ms))
}
