package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/parallel-fusion/pfr/internal/webtest"
	"github.com/parallel-fusion/pfr/schemas"
)

// front is a gateway with some of its answers made up. What is asked of those is kept.
type front struct {
	url string

	mu    sync.Mutex
	asked []string // "METHOD path?query body"
}

// stand puts a server before b, with made answers by path. An answer of "401" to "599" is a
// problem of that status.
func stand(t *testing.T, b *backend, answers map[string]string) *front {
	t.Helper()
	f := &front{}
	pages := b.open(t, nil).Handler()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		answer, ok := answers[r.Method+" "+r.URL.Path]
		if ok {
			body, _ := io.ReadAll(r.Body)
			f.asked = append(f.asked, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization")+" "+string(body))
		}
		f.mu.Unlock()
		switch {
		case !ok:
			pages.ServeHTTP(w, r)
		case len(answer) == 3:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(map[string]int{"401": 401, "403": 403, "503": 503}[answer])
			fmt.Fprintf(w, `{"title":"Problem %s","status":%s,"detail":"Said by the server."}`, answer, answer)
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, answer)
		}
	}))
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

func (f *front) requests(prefix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.asked), func(s string) bool { return !strings.HasPrefix(s, prefix) })
}

const operatorState = `{"as_of":"2025-06-28T10:00:00Z","window_s":300,
	"pages":{"total":1240,"by_status":{"complete":1100,"partial":100,"degraded":36,"expired":4},"per_second":4.1,"p50_ms":180,"p95_ms":420},
	"tiers":[{"source":"cache","pages":700,"share":0.565,"p50_ms":0.02,"p95_ms":0.05,"p99_ms":0.4},{"source":"student","pages":400,"share":0.322,"p50_ms":0.06,"p95_ms":0.2,"p99_ms":0.9},{"source":"llm","pages":140,"share":0.113,"p50_ms":210,"p95_ms":390,"p99_ms":610}],
	"tools":[{"tool":"search","calls":1500,"by_status":{"ok":1490,"empty":10},"p50_ms":9,"p95_ms":30,"cached":310,"repeated":2},{"tool":"dj","calls":200,"by_status":{"ok":150,"timeout":40,"error":10},"p50_ms":220,"p95_ms":300,"cached":0,"repeated":11}],
	"cost_usd":0.0421,"lag":[{"topic":"pfr.queries.v1","group":"pfr-router","lag":3},{"topic":"pfr.route-decisions.v1","group":"pfr-fusion","lag":2400}],
	"online":{"search":{"searches":610,"clicks":300,"streams":200,"successes":400,"success_rate":0.656},"new_releases":{"searches":100,"clicks":70,"streams":50,"successes":80,"success_rate":0.8}},
	"ladder":{"in_force":"llm","reason":"","by":"","set_at":"0001-01-01T00:00:00Z"},"may_operate":false}`

// An operator sees what goes on, and pulls the kill switch after a second thought.
func TestBrowserOperates(t *testing.T) {
	tab := webtest.Open(t, 1280, 1000)
	answers := map[string]string{"GET /v1/operator": operatorState, "POST /v1/operator/ladder": "401"}
	f := stand(t, newBackend(t), answers)
	tab.Do(chromedp.Navigate(f.url + "/operator"))
	tab.Await(`document.querySelectorAll("#tier-table tbody tr").length === 3 && document.querySelectorAll("#online-table tbody tr").length === 2`)
	for script, want := range map[string]string{
		`document.querySelector("#numbers [data-name=complete] b").textContent`:       "89 %",
		`document.querySelector("#tool-table tr[data-key=dj] .hot").textContent`:      "150 ok, 40 timeout, 10 error",
		`document.querySelector("#lag-table .hot").textContent`:                       "2400",
		`document.querySelector("#tier-table tr[data-key=llm]").cells[5].textContent`: "610 ms",
		`document.getElementById("force").textContent`:                                "In force: llm. Everything is on.",
	} {
		if got := webtest.Eval[string](tab, script); got != want {
			t.Errorf("%s is %q", script, got)
		}
	}
	tab.Shoot("operator")
	set := func(status, says string) {
		t.Helper()
		f.mu.Lock()
		answers["POST /v1/operator/ladder"] = status
		f.mu.Unlock()
		before := len(f.requests("POST"))
		tab.Do(chromedp.Click("#set"))
		tab.Await(`!document.getElementById("confirm").hidden && document.activeElement.id === "sure"`)
		if len(f.requests("POST")) != before {
			t.Error("it was set without a second thought")
		}
		tab.Do(chromedp.Click("#sure"))
		tab.Await(`document.getElementById("told").textContent.includes("` + says + `")`)
	}
	tab.Do(chromedp.Click(`.rungs label:nth-of-type(2)`), chromedp.SendKeys(`[name=reason]`, "costs too much"))
	set("401", "Enter an operator key")
	tab.Do(chromedp.SendKeys(`[name=key]`, "secret\t"))
	set("403", "This key may not")
	set("503", "Nothing was changed")
	set(`{"in_force":"student"}`, "Set. Routers follow")
	tab.Shoot("operator-set")
	posts := f.requests("POST")
	if want := `POST /v1/operator/ladder Bearer secret {"ladder":"student","reason":"costs too much"}`; posts[len(posts)-1] != want {
		t.Errorf("asked %s", posts[len(posts)-1])
	}
	if webtest.Eval[string](tab, `sessionStorage.getItem("pfr-operator-key")`) != "secret" || webtest.Eval[bool](tab, `Object.values(localStorage).includes("secret")`) {
		t.Error("the key is kept elsewhere than in the tab")
	}
}

const comparedPages = `{"query":"sleepy guitars","verdict":null,
	"left":{"why":{"decided_by":"student","summary":"The student was sure enough: 94 %."},"page":{"correlation_id":"l","route":{"name":"search","params":{"text":"sleepy guitars"},"source":"student","confidence":0.94,"manifest_version":"m1"},"status":"complete","coverage":1,"cost_usd":0,
		"timings":{"router_ms":0.1,"tools_ms":20,"total_ms":24},"sections":[{"id":"results","title":"Results","component":"list","tool":"search","status":"ok","took_ms":12,"items":[
		{"id":"track:a","type":"track","title":"Alpha","subtitle":"One"},{"id":"track:b","type":"track","title":"Beta","subtitle":"Two"},{"id":"track:c","type":"track","title":"Gamma","subtitle":"Three"}]}]}},
	"right":{"why":{"decided_by":"language model","summary":"The language model composed a page in 312 ms."},"page":{"correlation_id":"r","route":{"name":"composed","params":{},"source":"llm","confidence":1,"manifest_version":"m1"},"status":"partial","coverage":0.5,"cost_usd":0.0011,
		"timings":{"router_ms":312,"tools_ms":20,"total_ms":340},"sections":[{"id":"results","title":"Results","component":"list","tool":"search","status":"ok","took_ms":12,"items":[
		{"id":"track:b","type":"track","title":"Beta","subtitle":"Two"},{"id":"track:a","type":"track","title":"Alpha","subtitle":"One"},{"id":"track:d","type":"track","title":"Delta","subtitle":"Four"}]},
		{"id":"mix","title":"A mix","component":"mix","tool":"dj","status":"timeout","reason":"no answer within 300 ms","took_ms":300,"items":[]}]}}}`

// Two ways stand side by side, and what differs is marked.
func TestBrowserCompares(t *testing.T) {
	tab := webtest.Open(t, 1280, 1000)
	answers := map[string]string{"GET /v1/compare": `{"modes":["pre-fusion","post-fusion","search"],"peers":["other"]}`, "POST /v1/compare": comparedPages}
	f := stand(t, newBackend(t), answers)
	tab.Do(chromedp.Navigate(f.url + "/compare?q=sleepy+guitars"))
	tab.Await(`document.querySelectorAll(".column .item").length === 6`)
	if got := f.requests("POST"); len(got) != 1 || !strings.Contains(got[0], `"left":{"mode":"pre-fusion"},"right":{"mode":"search"}`) {
		t.Errorf("asked %q", got)
	}
	for script, want := range map[string]string{
		`[...document.querySelectorAll(".d-only.item")].map((e) => e.dataset.id).join()`:                   "track:c,track:d",
		`[...document.querySelectorAll("[data-side=left] .d-moved")].map((e) => e.dataset.id).join()`:      "track:a,track:b",
		`[...document.querySelectorAll(".section.d-only")].map((e) => e.dataset.section).join()`:           "mix",
		`document.querySelector("[data-side=left] .d-moved .differs").textContent`:                         "2 on the other side",
		`document.querySelector(".said-of").textContent`:                                                   "2 items on both sides, 1 only left, 1 only right.",
		`document.querySelector("#verdict p").textContent.slice(0, 12)`:                                    "No judge ran",
		`document.querySelector("[data-side=right] .facts-of").textContent.includes("$0.0011").toString()`: "true",
	} {
		if got := webtest.Eval[string](tab, script); got != want {
			t.Errorf("%s is %q, want %q", script, got, want)
		}
	}
	tab.Shoot("compare")
	tab.Do(chromedp.EmulateViewport(360, 780))
	tab.Shoot("phone-compare")
	if wide := webtest.Eval[int](tab, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		t.Errorf("the page is %d pixels too wide", wide)
	}
	f.mu.Lock()
	answers["POST /v1/compare"] = "503"
	f.mu.Unlock()
	tab.Do(chromedp.Click("#swap"))
	tab.Await(`!document.getElementById("problem").hidden`)
	if got := webtest.Eval[string](tab, `location.search`); !strings.Contains(got, "left_mode=search") {
		t.Errorf("address %q", got)
	}
}

// The page that explains reads well at both widths.
func TestBrowserExplains(t *testing.T) {
	tab := webtest.Open(t, 1280, 1000)
	b := newBackend(t)
	b.explained(t)
	f := stand(t, b, nil)
	for name, width := range map[string]int64{"explain": 1280, "phone-explain": 360} {
		tab.Do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(f.url+"/explain/"+someID))
		tab.Shoot(name)
		if wide := webtest.Eval[int](tab, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			t.Errorf("%s: the page is %d pixels too wide", name, wide)
		}
	}
	tab.Do(chromedp.Navigate(f.url + "/explain/nothing"))
	tab.Shoot("missing")
}

// The search box offers what others search for and what was searched before, by keyboard.
func TestBrowserSuggests(t *testing.T) {
	tab := webtest.Open(t, 1000, 800)
	f := stand(t, newBackend(t), map[string]string{
		"GET /v1/suggest": `{"suggestions":[{"query":"sad songs","source":"popular"},{"query":"sad songs for a rainy day","source":"example"},{"query":"<b>sa</b>","source":"popular"}]}`,
	})
	tab.Do(chromedp.Navigate(f.url + "/"))
	tab.Await(`document.getElementById("q").getAttribute("role") === "combobox"`)
	tab.Do(chromedp.SendKeys("#q", "sa"))
	tab.Await(`document.querySelectorAll("#suggestions [role=option]").length === 3`)
	if got := webtest.Eval[string](tab, `document.getElementById("offered").textContent`); got != "3 suggestions" {
		t.Errorf("it says %q", got)
	}
	tab.Shoot("suggestions")
	selected := `(document.getElementById(document.getElementById("q").getAttribute("aria-activedescendant"))?.querySelector(".words").textContent ?? "")`
	tab.Do(chromedp.SendKeys("#q", kb.ArrowUp))
	if got := webtest.Eval[string](tab, selected); got != "<b>sa</b>" {
		t.Errorf("up: %q", got)
	}
	tab.Do(chromedp.SendKeys("#q", kb.Escape))
	if !webtest.Eval[bool](tab, `document.getElementById("offers").hidden && document.getElementById("q").value === "sa" && document.getElementById("q").ariaExpanded === "false"`) {
		t.Error("Escape does not close the list alone")
	}
	tab.Do(chromedp.SendKeys("#q", kb.ArrowDown))
	tab.Await(`!document.getElementById("offers").hidden`)
	tab.Do(chromedp.SendKeys("#q", kb.ArrowDown), chromedp.SendKeys("#q", kb.ArrowDown), chromedp.SendKeys("#q", kb.Enter))
	tab.Await(`new URLSearchParams(location.search).get("q") === "sad songs for a rainy day" && !document.body.classList.contains("loading")`)

	webtest.Eval[any](tab, `document.getElementById("q").value = ""`)
	tab.Do(chromedp.Click("#q"))
	tab.Await(`document.querySelector("#suggestions [data-source=recent]")?.textContent.includes("rainy day")`)
	tab.Do(chromedp.Click("#forget"))
	tab.Await(`!document.querySelector("#suggestions [data-source=recent]") && localStorage.getItem("pfr-history") === null`)
	if got := f.requests("GET /v1/suggest?q=sa&market=US&limit=8"); len(got) == 0 {
		t.Errorf("asked %q", f.requests("GET"))
	}
}

// Everything can be done from the keyboard.
func TestBrowserKeys(t *testing.T) {
	tab := webtest.Open(t, 1280, 900)
	b := newBackend(t)
	b.answers(followPage(layouts()["release"]))
	f := stand(t, b, map[string]string{"GET /v1/suggest": `{"suggestions":[]}`})
	tab.Do(chromedp.Navigate(f.url + "/?q=lady+gaga"))
	tab.Await(`document.querySelector("#theme span").textContent === "system"`)
	at := func() string {
		return webtest.Eval[string](tab, `(() => { const i = document.activeElement.closest(".item"), s = document.activeElement.closest(".section");
			return [s?.dataset.section ?? document.activeElement.id, i?.dataset.ordinal].filter(Boolean).join(" "); })()`)
	}
	for _, step := range []struct{ key, want string }{
		{"/", "q"}, {kb.Escape, "q"}, {kb.Tab, "market"},
	} {
		tab.Do(chromedp.KeyEvent(step.key))
		if got := at(); got != step.want {
			t.Errorf("after %q at %q", step.key, got)
		}
	}
	webtest.Eval[any](tab, `document.activeElement.blur()`)
	for _, step := range []struct{ key, want string }{
		{"j", "latest_releases 1"},
		{kb.ArrowRight, "latest_releases 2"},
		{kb.End, "latest_releases 9"},
		{kb.Home, "latest_releases 1"},
		{"j", "release_date 1"},
		{"j", "recent_tracks 1"},
		{kb.ArrowDown, "recent_tracks 2"},
		{kb.ArrowUp, "recent_tracks 1"},
		{kb.End, "recent_tracks 5"},
		{"a", "recent_tracks 5"},
		{kb.ArrowDown, "recent_tracks 6"},
		{"a", "recent_tracks 5"},
		{"k", "release_date 1"},
	} {
		tab.Do(chromedp.KeyEvent(step.key))
		if got := at(); got != step.want {
			t.Errorf("after %q at %q, want %q", step.key, got, step.want)
		}
	}
	tab.Do(chromedp.KeyEvent("j"), chromedp.KeyEvent("p"))
	tab.Await(`!document.getElementById("player").hidden`)
	tab.Do(chromedp.KeyEvent(kb.Escape))
	tab.Await(`document.getElementById("player").hidden`)
	tab.Do(chromedp.KeyEvent("?"))
	tab.Await(`document.getElementById("keys").open`)
	tab.Shoot("keys")
	tab.Do(chromedp.KeyEvent(kb.Escape))
	tab.Await(`!document.getElementById("keys").open`)
	tab.Do(chromedp.KeyEvent(kb.Enter))
	tab.Await(`document.getElementById("q").value !== "lady gaga"`)
}

// The theme is kept, and is there before the first paint.
func TestBrowserKeepsTheme(t *testing.T) {
	tab := webtest.Open(t, 1000, 800)
	f := stand(t, newBackend(t), map[string]string{"GET /v1/suggest": `{"suggestions":[]}`})
	tab.Do(chromedp.Navigate(f.url + "/?q=lady+gaga"))
	tab.Await(`document.querySelector("#theme span").textContent === "system"`)
	tab.Do(chromedp.Click("#theme"), chromedp.Click("#theme"), chromedp.Navigate(f.url+"/"), chromedp.Navigate(f.url+"/?q=x"))
	if got := webtest.Eval[string](tab, `document.documentElement.dataset.theme + " " + getComputedStyle(document.body).backgroundColor`); got != "dark rgb(16, 14, 22)" {
		t.Errorf("theme %q", got)
	}
	tab.Shoot("dark")
}

// No page has a serious fault of accessibility, in any theme, at any width.
func TestBrowserIsAccessible(t *testing.T) {
	if os.Getenv(webtest.AxeEnv) == "" {
		t.Skipf("%s is not set: it names axe.min.js of axe-core", webtest.AxeEnv)
	}
	tab := webtest.Open(t, 1280, 1000)
	b := newBackend(t)
	b.explained(t)
	f := stand(t, b, map[string]string{
		"GET /v1/suggest": `{"suggestions":[{"query":"sad songs","source":"popular"}]}`, "GET /v1/operator": operatorState,
		"GET /v1/compare": `{"peers":["other"]}`, "POST /v1/compare": comparedPages,
	})
	visit := func(name, path, ready string) { // the themes change in the other width
		for i, width := range []int64{1280, 360} {
			tab.Do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(f.url+path))
			tab.Await(ready)
			for _, theme := range []string{"light", "dark"} {
				if name != "home" && name != "fates" && (theme == "dark") == (i == 0) {
					continue
				}
				webtest.Eval[any](tab, `document.documentElement.dataset.theme = "`+theme+`"`)
				accessible(t, tab, fmt.Sprintf("%s %s %d", name, theme, width))
			}
		}
	}
	ready := `document.querySelector("#theme span").textContent === "system"`
	visit("home", "/", ready)
	all := layouts()
	for _, layout := range slices.Sorted(maps.Keys(all)) {
		b.answers(followPage(all[layout]))
		visit(layout, "/?q=lady+gaga", ready)
	}
	visit("problem", "/?q=+", ready)
	visit("explain", "/explain/"+someID, ready)
	visit("missing", "/explain/none", ready)
	visit("operator", "/operator", `document.querySelectorAll("tbody").length === 4`)
	visit("compare", "/compare?q=sleepy+guitars", `document.querySelectorAll(".column .item").length === 6`)
	tab.Do(chromedp.Navigate(f.url+"/"), chromedp.SendKeys("#q", "sa"))
	tab.Await(`!document.getElementById("offers").hidden`)
	accessible(t, tab, "suggestions")
}

func accessible(t *testing.T, tab *webtest.Browser, where string) {
	t.Helper()
	for _, f := range tab.Audit() {
		t.Errorf("%s: %s, %s: %s", where, f.ID, f.Help, strings.Join(f.Nodes[:min(len(f.Nodes), 3)], " | "))
	}
}

// A search whose stream cannot be had is asked for as a whole; a problem is told in the
// words of the server.
func TestBrowserWithoutStream(t *testing.T) {
	tab := webtest.Open(t, 1000, 800)
	b := newBackend(t)
	page := samplePage(schemas.Query{PublicQuery: schemas.PublicQuery{CorrelationID: someID, Text: "x"}})
	whole := asJSON(t, page)
	answers := map[string]string{"GET /v1/suggest": `{"suggestions":[]}`, "GET /v1/search": whole}
	f := stand(t, b, answers)
	tab.Do(chromedp.Navigate(f.url+"/"), chromedp.SendKeys("#q", "x\r"))
	tab.Await(`document.querySelectorAll(".s-ok .item").length > 5 && !document.body.classList.contains("loading")`)
	f.mu.Lock()
	answers["GET /v1/search"] = "503"
	f.mu.Unlock()
	webtest.Eval[any](tab, `document.querySelector("#search button").click()`)
	tab.Await(`document.getElementById("problem").textContent.includes("Said by the server.") && !document.body.classList.contains("loading")`)
	tab.Shoot("problem")
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
