package gateway

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/parallel-fusion/pfr/schemas"
)

// The views are what the templates of the web page draw. The script fills the same
// templates: each view has a prototype with every optional part, for it to clone.

// view is the whole page.
type view struct {
	About       About
	Version     string // of the static files
	Query       string
	Searched    bool
	Markets     []marketView
	Composes    bool // post-fusion is chosen
	Correlation string
	RouteName   string
	Problem     *problem     // nil: all is well
	Summary     *summaryView // nil: nothing was found out
	Notice      string
	Sections    []sectionView
	Proto       prototypes
}

type marketView struct {
	Code   string
	Chosen bool
}

type summaryView struct {
	Route, Status, Source, Confidence, Router, Tools, Total, Coverage, Explain string

	Params []paramView
	Why    whyView
	Spans  []spanView
}

type paramView struct{ Name, Value string }

type spanView struct{ Name, Kind, X, W, Took string }

type sectionView struct {
	ID, Title, Component, Status, State, Tool, Took, Reason, Text string

	Position int // from 1
	Scrolls  bool
	Items    []itemView
	Proto    bool
}

type itemView struct {
	ID, Type, Title, Sub, Why, Kind, Date, Genres, Art, Mono, Href, PlayLabel string

	Ordinal                    int // from 1
	Playable, Synthetic, Proto bool
}

// prototypes are what the script clones.
type prototypes struct {
	Summary summaryView
	Param   paramView
	Bar     barView
	Tier    tierView
	Span    spanView
	Section sectionView
	Item    itemView
}

func newView(about About, version string) view {
	return view{
		About: about, Version: version,
		Proto: prototypes{
			Section: sectionView{Proto: true}, Item: itemView{Proto: true, Href: "/"},
			Span: spanView{X: "0", W: "0"}, Bar: barView{W: "0"}, Tier: tierView{X: "0", W: "0"},
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
	for i, s := range page.Sections {
		v.Sections = append(v.Sections, viewSection(s, i+1))
	}
}

func viewSummary(page schemas.SERP, why reasons) *summaryView {
	s := &summaryView{
		Route: page.Route.Name, Status: string(page.Status), Source: why.DecidedBy, Why: viewWhy(why),
		Confidence: percent(page.Route.Confidence), Router: millis(page.Timings.RouterMS),
		Tools: millis(page.Timings.ToolsMS), Total: millis(page.Timings.TotalMS),
		Coverage: percent(page.Coverage), Explain: explainPath(page.CorrelationID),
	}
	for _, name := range slices.Sorted(maps.Keys(page.Route.Params)) {
		s.Params = append(s.Params, paramView{strings.ReplaceAll(name, "_", " "), paramText(page.Route.Params[name])})
	}
	total := max(page.Timings.TotalMS, 1e-6)
	for _, sp := range waterfall(page) {
		kind := "wait"
		switch {
		case sp.Name == spanRouter:
			kind = "router"
		case sp.Tool != "":
			kind = "tool"
		}
		x, w := stretch(sp.StartMS, sp.TookMS, total)
		s.Spans = append(s.Spans, spanView{Name: sp.Name, Kind: kind, X: x, W: w, Took: millis(sp.TookMS)})
	}
	return s
}

func paramText(v any) string {
	if list, ok := v.([]string); ok {
		return strings.Join(list, ", ")
	}
	return fmt.Sprint(v)
}

func viewSection(s schemas.Section, position int) sectionView {
	out := sectionView{
		ID: s.ID, Title: s.Title, Component: s.Component, Status: string(s.Status), State: stateWord(s.Status), Tool: s.Tool,
		Took: millis(s.TookMS), Reason: s.Reason, Text: s.Text, Position: position, Scrolls: s.Component == "carousel",
	}
	if out.Reason == "" && s.Status == schemas.SectionEmpty {
		out.Reason = "Nothing was found."
	}
	for i, it := range s.Items {
		out.Items = append(out.Items, viewItem(it, i+1))
	}
	return out
}

// stateWord is how a status is shown. That all is well need not be said.
func stateWord(s schemas.SectionStatus) string {
	if s == schemas.SectionOK {
		return ""
	}
	return strings.ReplaceAll(string(s), "_", " ")
}

func viewItem(it schemas.Item, ordinal int) itemView {
	v := itemView{
		ID: it.ID, Type: string(it.Type), Title: it.Title, Sub: it.Subtitle, Why: it.Why,
		Date: it.ReleaseDate, Art: artClass(it.ID),
		Mono: monogram(it.Title), Href: "/?q=" + url.QueryEscape(followUp(it)), PlayLabel: "Play " + it.Title + " (simulated)",
		Ordinal: ordinal, Playable: it.Type == "track" || it.Type == "episode", Synthetic: it.Synthetic,
	}
	if v.Sub == "" {
		v.Sub = strings.Join(it.Artists, ", ")
	}
	if v.Sub == "" || v.Playable && !strings.HasPrefix(strings.ToLower(v.Sub), v.Type) { // or the subtitle says it
		v.Kind = v.Type
	}
	if len(it.Genres) > 0 && !strings.Contains(v.Sub, it.Genres[0]) {
		v.Genres = strings.Join(it.Genres[:min(len(it.Genres), 2)], ", ")
	}
	return v
}

// followUp is the search that an item leads to.
func followUp(it schemas.Item) string {
	text := it.Title
	switch {
	case it.Type == "artist":
		text = "artists similar to " + it.Title
	case it.Type == "show":
		text = "latest episodes of " + it.Title
	case len(it.Artists) > 0:
		text += " " + it.Artists[0]
	}
	if runes := []rune(text); len(runes) > schemas.MaxQueryRunes {
		text = string(runes[:schemas.MaxQueryRunes])
	}
	return text
}

// Covers are drawn by the style sheet from one of so many hues and patterns.
const (
	artHues     = 24
	artPatterns = 6
)

// artClass names the generated cover of an item. It depends on the id alone. The script
// computes the same.
func artClass(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	n := h.Sum32()
	n = (n ^ n>>15) * 0x2c1b3c6d // FNV alone gives similar ids similar covers
	n ^= n >> 13
	return "h" + strconv.Itoa(int(n%artHues)) + " p" + strconv.Itoa(int(n/artHues%artPatterns))
}

// monogram is the first letter or digit of a title, for its cover.
func monogram(title string) string {
	for _, r := range title {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "♪"
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
