package gateway_test

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/parallel-fusion/pfr/internal/webtest"
	"github.com/parallel-fusion/pfr/schemas"
)

// week is what listeners did in the last hours, in windows of an hour, and over all time.
func week(now time.Time) []schemas.OnlineMetrics {
	var out []schemas.OnlineMetrics
	cuts := []schemas.Cut{
		{},
		{Route: "search"},
		{Route: "personalized_recs"},
		{Route: "new_releases"},
		{Route: "similar_artists"},
		{Route: "search", Section: "results"},
		{Route: "new_releases", Section: "latest_releases"},
		{Route: "new_releases", Section: "recent_tracks"},
		{Route: "new_releases", Section: "release_date"},
		{Tier: "cache"},
		{Tier: "student"},
		{Tier: "llm"},
		{Tier: "fallback"},
		{Market: "US"},
		{Market: "SE"},
	}
	for i, cut := range cuts {
		sum := schemas.SearchCounts{}
		for ago := range 60 {
			at := now.Truncate(time.Hour).Add(-time.Duration(ago) * time.Hour)
			day := 1 + .6*math.Sin(float64(at.Hour())/24*2*math.Pi+float64(i))
			searches := int(day*400/float64(i+1)) + 8
			c := schemas.SearchCounts{
				Searches: searches, Clicks: searches / 2, Clicked: searches * 2 / 5, Streams: searches / 4, Streamed: searches / 4, Viewed: searches * 9 / 10,
				Successes: searches * (40 + 3*i + ago%5) / 100, Rescues: searches / 9, First: searches / (3 + i), Abandoned: searches / 3, BadAbandoned: searches / 4,
				Reformulated: searches / 14, ZeroResults: searches / 50, Sections: searches, Empty: searches / 20, Failed: searches / 80, Partial: searches / 40, CostNanoUSD: int64(searches) * 12_000,
			}
			c.SuccessRate = float64(c.Successes) / float64(c.Searches)
			out = append(out, schemas.OnlineMetrics{Window: "1h", Start: at, Cut: cut, Revision: 1, Counts: c, AsOf: now, Rates: map[string]float64{
				"success_rate": c.SuccessRate, "rescue_rate": float64(c.Rescues) / float64(c.Successes), "latency_total_p50_ms": 40 * day, "latency_total_p75_ms": 80 * day,
				"latency_total_p95_ms": 190 * day, "latency_total_p99_ms": 420 * day, "cost_per_1000_usd": .012,
			}})
			sum.Searches, sum.Successes = sum.Searches+c.Searches, sum.Successes+c.Successes
		}
		sum.SuccessRate = float64(sum.Successes) / float64(sum.Searches)
		out = append(out, schemas.OnlineMetrics{Window: "all", Cut: cut, Revision: 1, Counts: sum, AsOf: now, Rates: map[string]float64{"success_rate": sum.SuccessRate}})
	}
	return out
}

// narrow fails the test if the page is wider than the window.
func narrow(t *testing.T, tab *webtest.Browser, where string) {
	t.Helper()
	if wide := webtest.Eval[int](tab, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		t.Errorf("%s: the page is %d pixels too wide", where, wide)
	}
}

// looks takes pictures of a page in both themes at three widths, and audits it.
func looks(t *testing.T, tab *webtest.Browser, name, url, ready string) {
	t.Helper()
	for _, width := range []int64{1280, 375, 320} {
		tab.Do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(url))
		tab.Await(ready)
		for _, theme := range []string{"light", "dark"} {
			webtest.Eval[any](tab, `document.documentElement.dataset.theme = "`+theme+`"`)
			where := fmt.Sprintf("%s-%d-%s", name, width, theme)
			tab.Shoot(where)
			narrow(t, tab, where)
			if os.Getenv(webtest.AxeEnv) != "" {
				accessible(t, tab, where)
			}
		}
	}
}

// What listeners do is drawn over time, by what one chooses, and read off with the keyboard.
func TestBrowserShowsInsights(t *testing.T) {
	tab := webtest.Open(t, 1280, 1000)
	b := newBackend(t)
	b.online = week(time.Now().UTC())
	g := run(t, b.open(t, nil))
	ready := `document.querySelectorAll("#plot path.line").length > 0 && document.querySelectorAll("#guard-table tbody tr").length === 4`
	looks(t, tab, "insights", g.url+"/insights", ready)
	tab.Do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(g.url+"/insights?cut=tier&metric=latency_total_p95_ms"))
	tab.Await(`document.querySelectorAll("#plot path.line").length === 4 && document.querySelector("#lines-table tbody th")?.textContent === "llm" || document.querySelectorAll("#lines-table tbody tr").length === 4`)
	for script, want := range map[string]string{
		`document.querySelector("#choose [name=metric]").selectedOptions[0].textContent`:                  "Time of a page, p95",
		`[...document.querySelectorAll("#lines-table tbody th")].map((e) => e.textContent).sort().join()`: "cache,fallback,llm,student",
		`document.getElementById("none").hidden.toString()`:                                               "true",
		`document.querySelector("#plot svg").getAttribute("aria-label").slice(0, 22)`:                     "Time of a page, p95 of",
	} {
		if got := webtest.Eval[string](tab, script); got != want {
			t.Errorf("%s is %q", script, got)
		}
	}
	before := webtest.Eval[string](tab, `document.querySelector("#lines-table thead th:nth-of-type(2)").textContent`)
	tab.Do(chromedp.Focus("#cursor input"), chromedp.SendKeys("#cursor input", kb.ArrowLeft))
	tab.Await(`document.querySelector("#plot .now") !== null`)
	if after := webtest.Eval[string](tab, `document.querySelector("#lines-table thead th:nth-of-type(2)").textContent`); after == before {
		t.Errorf("the table still shows %s", after)
	}
	webtest.Eval[any](tab, `(() => { const s = document.querySelector("#choose [name=cut]"); s.value = "market"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	tab.Await(`document.querySelectorAll("#plot path.line").length === 2`)
	if got := webtest.Eval[string](tab, `location.search`); got != "?window=1h&cut=market&metric=latency_total_p95_ms" {
		t.Errorf("address %s", got)
	}
	webtest.Eval[any](tab, `(() => { const s = document.getElementById("route"); s.value = "new_releases"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	if got := webtest.Eval[string](tab, `[...document.querySelectorAll("#sections-table tbody th")].map((e) => e.textContent).join()`); got != "latest_releases,recent_tracks,release_date" {
		t.Errorf("sections %s", got)
	}
	if c := tab.Complaints(); len(c) > 0 {
		t.Errorf("the page complains: %q", c)
	}
}

// Before anybody has searched the page says so.
func TestBrowserShowsNoInsights(t *testing.T) {
	tab := webtest.Open(t, 1280, 1000)
	b := newBackend(t)
	b.experiments = &trials{}
	g := run(t, b.open(t, nil))
	looks(t, tab, "insights-none", g.url+"/insights", `document.getElementById("guard-table").textContent.includes("No searches yet.")`)
	if !webtest.Eval[bool](tab, `!document.getElementById("none").hidden && !document.querySelector("#plot svg")`) {
		t.Error("something is drawn of nothing")
	}
	looks(t, tab, "experiments-none", g.url+"/experiments", `!document.getElementById("none").hidden`)
	looks(t, tab, "experiment-missing", g.url+"/experiments/x", `document.getElementById("problem").textContent.includes("no experiment of this name")`)
}

// An experiment is listed, read, and its arm switched off after a second thought.
func TestBrowserShowsExperiments(t *testing.T) {
	tab := webtest.Open(t, 1280, 1000)
	b := newBackend(t)
	exps := newTrials(t)
	exps.arms = nil
	b.experiments = exps
	answers := map[string]string{"POST /v1/operator/arms": "401"}
	f := stand(t, b, answers)
	looks(t, tab, "experiments", f.url+"/experiments", `document.querySelectorAll("#list li").length === 2`)
	if got := webtest.Eval[string](tab, `[...document.querySelectorAll("#list .badge")].map((e) => e.textContent).join()`); got != "hold,hold" && got != "ship,hold" {
		t.Errorf("badges %s", got)
	}
	ready := `document.querySelectorAll(".metric svg.plot").length === 4`
	looks(t, tab, "experiment-over", f.url+"/experiments/a%2Fb%3F", ready)
	for script, want := range map[string]string{
		`document.querySelectorAll("#changes .notice").length.toString()`:                           "2",
		`document.querySelector("#changes").textContent.includes("when new was switched off") + ""`: "true",
		`document.querySelector("#changes").textContent.includes("The plan was changed") + ""`:      "true",
		`document.querySelector("#arms-table tr[data-key=new]").cells[6].textContent`:               "no more",
		`document.querySelector("#arms-table tr[data-key=control]").cells[6].textContent`:           "yes",
	} {
		if got := webtest.Eval[string](tab, script); got != want {
			t.Errorf("an experiment that is over: %s is %q", script, got)
		}
	}
	looks(t, tab, "experiment", f.url+"/experiments/reranker", ready)
	tab.Do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(f.url+"/experiments/reranker"))
	tab.Await(ready)
	for script, want := range map[string]string{
		`document.querySelector("h1 .badge").textContent`:                                                                                                 "hold",
		`document.querySelector("[data-metric=success] tr[data-key=new]").cells[3].textContent`:                                                           "+5.23 %",
		`document.querySelector("[data-metric=success] tr[data-key=new]").cells[4].textContent`:                                                           "+0.60 % to +10.1 %",
		`document.querySelector("[data-metric=streams] .role").textContent`:                                                                               "guardrail, more is better, may be worse by 5 %",
		`document.querySelector("[data-metric=over_1s] tr[data-key=new]").cells[8].textContent`:                                                           "within its margin",
		`document.querySelectorAll("[data-metric=success] .margin").length + "," + document.querySelectorAll("[data-metric=streams] line.margin").length`: "0,1",
		`document.querySelectorAll("[data-metric=success] path.boundary.c0").length.toString()`:                                                           "3", // two in the plot, one in its key
		`document.getElementById("srm").textContent.slice(0, 38)`:                                                                                         "The shares of the arms are what they s",
		`document.querySelectorAll(".because-list li").length.toString()`:                                                                                 "3",
		`document.getElementById("set").textContent`:                                                                                                      "Switch off…",
	} {
		if got := webtest.Eval[string](tab, script); got != want {
			t.Errorf("%s is %q", script, got)
		}
	}
	set := func(status, says string) {
		t.Helper()
		f.mu.Lock()
		answers["POST /v1/operator/arms"] = status
		f.mu.Unlock()
		before := len(f.requests("POST"))
		tab.Do(chromedp.Focus("#set"), chromedp.SendKeys("#set", kb.Enter))
		tab.Await(`!document.getElementById("confirm").hidden && document.activeElement.id === "sure"`)
		if len(f.requests("POST")) != before {
			t.Error("it was set without a second thought")
		}
		tab.Do(chromedp.SendKeys("#sure", kb.Enter))
		tab.Await(`document.getElementById("told").textContent.includes("` + says + `")`)
	}
	tab.Do(chromedp.SendKeys(`#switch [name=reason]`, "it is slow"))
	set("401", "Enter an operator key")
	tab.Do(chromedp.SendKeys(`#switch [name=key]`, "secret\t"))
	set("503", "Nothing was changed")
	set(`{"arm":"reranker/new","off":true}`, "reranker/new is off")
	posts := f.requests("POST")
	if want := `POST /v1/operator/arms Bearer secret {"arm":"reranker/new","off":true,"reason":"it is slow"}`; posts[len(posts)-1] != want {
		t.Errorf("asked %s", posts[len(posts)-1])
	}
	if c := slices.DeleteFunc(tab.Complaints(), func(s string) bool { return strings.Contains(s, "Failed to load resource") }); len(c) > 0 {
		t.Errorf("the page complains: %q", c)
	}
}
