package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/parallel-fusion/pfr/internal/webtest"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestBrowserSearchesClicksAndPlays(t *testing.T) {
	tab := webtest.Open(t, 1280, 900)
	b := newBackend(t)
	gate := make(chan struct{})
	b.follow = func(ctx context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
		if q.Probe || strings.HasPrefix(q.Text, "artists similar") {
			return followAll(ctx, q, onStep)
		}
		page := samplePage(q)
		onStep(schemas.Progress{Kind: schemas.ProgressRoute, Route: slots(page)})
		onStep(schemas.Progress{Kind: schemas.ProgressSection, Section: &page.Sections[0]})
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return page, nil
	}
	g := run(t, b.open(t, nil))

	tab.Do(chromedp.Navigate(g.url + "/"))
	tab.Shoot("home")
	tab.Do(chromedp.SendKeys("#q", "latest albums by lady gaga\r"))
	tab.Await(`document.querySelectorAll(".s-ok").length === 1 && document.querySelectorAll(".s-waiting").length === 3`)
	tab.Shoot("progressive")
	close(gate)
	tab.Await(`document.querySelectorAll("#sections .section").length === 4 && !document.querySelector(".s-waiting")`)
	tab.Shoot("desktop")
	if got := webtest.Eval[string](tab, `document.querySelector(".s-timeout .reason").textContent`); got != "no answer within 300 ms" {
		t.Errorf("reason: %q", got)
	}
	if got := webtest.Eval[string](tab, `location.search`); got != "?q=latest+albums+by+lady+gaga" {
		t.Errorf("address: %q", got)
	}

	tab.Do(chromedp.Click(`[data-type="track"] .play`))
	tab.Await(`!document.getElementById("player").hidden`)
	tab.Shoot("player")
	tab.Await(`document.getElementById("player").hidden`)
	tab.Do(chromedp.Click(`[data-type="artist"] .title`))
	tab.Await(`document.getElementById("q").value === "artists similar to Lady Gaga" && document.querySelectorAll(".s-ok").length === 3`)

	stream, click := waitEvent(t, b, schemas.ActionStream), waitEvent(t, b, schemas.ActionClick)
	if !stream.Streamed() || stream.SectionID != "recent_tracks" || stream.SectionPosition != 3 || stream.EventAttributes.Position.Ordinal != 1 {
		t.Errorf("stream: %+v", stream)
	}
	if click.EventAttributes.Object.ObjectID != "artist:lady-gaga" || click.Route != "new_releases" || click.QueryID != stream.QueryID {
		t.Errorf("click: %+v", click)
	}
}

// waitEvent returns the first interaction of an action.
func waitEvent(t *testing.T, b *backend, action string) schemas.Interaction {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(10 * time.Second); ; {
		for _, ev := range b.published() {
			if ev.ActionName == action {
				return ev
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no %s was published", action)
		}
	}
}

// The page that the server draws and the one that the script draws are the same.
func TestBrowserDrawsAsTheServer(t *testing.T) {
	tab := webtest.Open(t, 400, 900)
	b := newBackend(t)
	g := run(t, b.open(t, nil))
	pages := layouts()
	pages["student"], pages["degraded"], pages["composed"] = func(*schemas.SERP) {}, degradedPage, composedPage
	for name, change := range pages {
		t.Run(name, func(t *testing.T) {
			b.answers(followPage(change))
			drawsAsTheServer(t, tab, g.url+"/?q=lady+gaga")
		})
	}
	webtest.Eval[any](tab, `document.querySelector(".explained").open = true`)
	for name, size := range map[string][2]int64{"phone": {360, 780}, "desktop": {1280, 900}} {
		tab.Do(chromedp.EmulateViewport(size[0], size[1]))
		tab.Shoot(name + "-reasons")
		if wide := webtest.Eval[int](tab, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			t.Errorf("%s: the page is %d pixels too wide", name, wide)
		}
	}
}

// drawsAsTheServer opens the page of a search and has the script search again.
func drawsAsTheServer(t *testing.T, tab *webtest.Browser, url string) {
	t.Helper()
	const shape = `["summary", "sections"].map((id) => document.getElementById(id).innerHTML
		.replace(/explain\/[-0-9a-f]+/g, "explain/").replace(/ style="min-height: \d+px;"/g, "")
		.replace(/\s+/g, " ").replaceAll("> <", "><").trim()).join()`
	tab.Do(chromedp.Navigate(url))
	tab.Await(`document.documentElement.classList.contains("js")`)
	server := webtest.Eval[string](tab, shape)
	webtest.Eval[any](tab, `document.querySelector("#search button").click()`)
	tab.Await(`performance.getEntriesByType("resource").some((e) => e.name.includes("/v1/search")) && !document.body.classList.contains("loading")`)
	script := webtest.Eval[string](tab, shape)
	for i := range min(len(script), len(server)) {
		if script[i] != server[i] {
			t.Fatalf("the script draws\n…%.200s\nthe server draws\n…%.200s", script[i:], server[i:])
		}
	}
	if len(script) != len(server) || len(server) < 1000 {
		t.Errorf("the script draws %d bytes, the server %d", len(script), len(server))
	}
}

// Whatever stands in a route, the script shows it as text.
func TestBrowserEscapes(t *testing.T) {
	const hostile = `<img src=x onerror="document.title='pwned'"><script>document.title='pwned'</script>`
	tab := webtest.Open(t, 800, 900)
	b := newBackend(t)
	b.answers(followPage(func(page *schemas.SERP) { page.Route, page.Notice = hostileRoute(hostile), hostile }))
	g := run(t, b.open(t, nil))
	tab.Do(chromedp.Navigate(g.url+"/"), chromedp.SendKeys("#q", "x\r"))
	tab.Await(`document.querySelectorAll(".tiers li").length === 2 && !document.body.classList.contains("loading")`)
	if n := webtest.Eval[int](tab, `document.querySelectorAll("#summary img, #summary script, #notice img").length`); n > 0 {
		t.Errorf("%d elements were made from text", n)
	}
	if got := webtest.Eval[string](tab, `document.querySelector(".chosen span").textContent`); got != hostile {
		t.Errorf("route %q", got)
	}
	if title := webtest.Eval[string](tab, `document.title`); title != "x · Parallel Fusion" {
		t.Errorf("title %q", title)
	}
}

// The switch is reached and moved with the keyboard, goes into the search and the address,
// and comes back with them. What a listener has opened stays open.
func TestBrowserComposes(t *testing.T) {
	tab := webtest.Open(t, 800, 900)
	b := newBackend(t)
	b.answers(followPage(composedPage))
	g := run(t, b.open(t, nil))
	mode := func() string {
		return webtest.Eval[string](tab, `document.getElementById("search").elements.mode.value`)
	}
	search := func(text, open string) {
		t.Helper()
		webtest.Eval[any](tab, `document.getElementById("q").value = ""`)
		tab.Do(chromedp.SendKeys("#q", text+"\r"))
		tab.Await(`new URLSearchParams(location.search).get("q") === "` + text + `" && !document.body.classList.contains("loading")` + open)
	}
	tab.Do(chromedp.Navigate(g.url + "/"))
	search("one", "")
	tab.Do(chromedp.Focus(`[name="mode"]:checked`), chromedp.SendKeys(`[name="mode"]:checked`, kb.ArrowRight))
	search("two", "")
	if got := webtest.Eval[string](tab, `location.search`); mode() != "post-fusion" || got != "?q=two&mode=post-fusion" {
		t.Errorf("mode %q at %q", mode(), got)
	}
	for _, q := range b.queries() {
		if want := map[string]schemas.Mode{"one": schemas.PreFusion, "two": schemas.PostFusion}[q.Text]; q.Mode != want {
			t.Errorf("%s asked for %q", q.Text, q.Mode)
		}
	}
	tab.Do(chromedp.Focus(".explained summary"), chromedp.SendKeys(".explained summary", kb.Enter))
	search("three", ` && document.querySelector(".explained").open`)
	webtest.Eval[any](tab, `history.go(-2)`)
	tab.Await(`document.getElementById("q").value === "one" && document.getElementById("search").elements.mode.value === "pre-fusion"`)
}
