package gateway_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/parallel-fusion/pfr/schemas"
)

// browserEnv names the browser that drives the web page, such as /usr/bin/chromium.
// shotsEnv may name a folder for pictures of it.
const (
	browserEnv = "PFR_TEST_CHROMIUM"
	shotsEnv   = "PFR_TEST_SCREENSHOTS"
)

// browse opens a browser window of a size. more are flags of the browser.
func browse(t *testing.T, width, height int, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := os.Getenv(browserEnv)
	if path == "" {
		t.Skipf("%s is not set: it names the browser to drive, such as /usr/bin/chromium", browserEnv)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, append(more,
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.WindowSize(width, height))...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	return ctx
}

// shoot keeps a picture of the page, where someone wants pictures.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv(shotsEnv)
	if dir == "" {
		return
	}
	eval[any](t, ctx, `document.getAnimations().forEach((a) => { try { a.finish(); } catch { a.cancel(); } })`)
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

// await polls the page until a script is true.
func await(t *testing.T, ctx context.Context, script string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](script)); err != nil {
		t.Fatalf("waiting for %s: %v", script, err)
	}
}

func TestBrowserSearchesClicksAndPlays(t *testing.T) {
	ctx := browse(t, 1280, 900)
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

	do(t, ctx, chromedp.Navigate(g.url+"/"))
	shoot(t, ctx, "home")
	do(t, ctx, chromedp.SendKeys("#q", "latest albums by lady gaga\r"))
	await(t, ctx, `document.querySelectorAll(".s-ok").length === 1 && document.querySelectorAll(".s-waiting").length === 3`)
	shoot(t, ctx, "progressive")
	close(gate)
	await(t, ctx, `document.querySelectorAll("#sections .section").length === 4 && !document.querySelector(".s-waiting")`)
	shoot(t, ctx, "desktop")
	if got := eval[string](t, ctx, `document.querySelector(".s-timeout .reason").textContent`); got != "no answer within 300 ms" {
		t.Errorf("reason: %q", got)
	}
	if got := eval[string](t, ctx, `location.search`); got != "?q=latest+albums+by+lady+gaga" {
		t.Errorf("address: %q", got)
	}

	do(t, ctx, chromedp.Click(`[data-type="track"] .play`))
	await(t, ctx, `!document.getElementById("player").hidden`)
	shoot(t, ctx, "player")
	await(t, ctx, `document.getElementById("player").hidden`)
	do(t, ctx, chromedp.Click(`[data-type="artist"] .title`))
	await(t, ctx, `document.getElementById("q").value === "artists similar to Lady Gaga" && document.querySelectorAll(".s-ok").length === 3`)

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
	ctx := browse(t, 400, 900)
	b := newBackend(t)
	g := run(t, b.open(t, nil))
	pages := layouts()
	pages["student"], pages["degraded"], pages["composed"] = func(*schemas.SERP) {}, degradedPage, composedPage
	for name, change := range pages {
		t.Run(name, func(t *testing.T) {
			b.follow = followPage(change)
			drawsAsTheServer(t, ctx, g.url+"/?q=lady+gaga")
		})
	}
	eval[any](t, ctx, `document.querySelector(".explained").open = true`)
	for name, size := range map[string][2]int64{"phone": {360, 780}, "desktop": {1280, 900}} {
		do(t, ctx, chromedp.EmulateViewport(size[0], size[1]))
		shoot(t, ctx, name+"-reasons")
		if wide := eval[int](t, ctx, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			t.Errorf("%s: the page is %d pixels too wide", name, wide)
		}
	}
}

// drawsAsTheServer opens the page of a search and has the script search again.
func drawsAsTheServer(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	const shape = `["summary", "sections"].map((id) => document.getElementById(id).innerHTML
		.replace(/explain\/[-0-9a-f]+/g, "explain/").replace(/ style="min-height: \d+px;"/g, "")
		.replace(/\s+/g, " ").replaceAll("> <", "><").trim()).join()`
	do(t, ctx, chromedp.Navigate(url))
	await(t, ctx, `document.documentElement.classList.contains("js")`)
	server := eval[string](t, ctx, shape)
	eval[any](t, ctx, `document.querySelector("#search button").click()`)
	await(t, ctx, `performance.getEntriesByType("resource").some((e) => e.name.includes("/v1/search")) && !document.body.classList.contains("loading")`)
	script := eval[string](t, ctx, shape)
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
	ctx := browse(t, 800, 900)
	b := newBackend(t)
	b.follow = followPage(func(page *schemas.SERP) { page.Route, page.Notice = hostileRoute(hostile), hostile })
	g := run(t, b.open(t, nil))
	do(t, ctx, chromedp.Navigate(g.url+"/"), chromedp.SendKeys("#q", "x\r"))
	await(t, ctx, `document.querySelectorAll(".tiers li").length === 2 && !document.body.classList.contains("loading")`)
	if n := eval[int](t, ctx, `document.querySelectorAll("#summary img, #summary script, #notice img").length`); n > 0 {
		t.Errorf("%d elements were made from text", n)
	}
	if got := eval[string](t, ctx, `document.querySelector(".chosen span").textContent`); got != hostile {
		t.Errorf("route %q", got)
	}
	if title := eval[string](t, ctx, `document.title`); title != "x · Parallel Fusion" {
		t.Errorf("title %q", title)
	}
}

// The switch is reached and moved with the keyboard, goes into the search and the address,
// and comes back with them. What a listener has opened stays open.
func TestBrowserComposes(t *testing.T) {
	ctx := browse(t, 800, 900)
	b := newBackend(t)
	b.follow = followPage(composedPage)
	g := run(t, b.open(t, nil))
	mode := func() string { return eval[string](t, ctx, `document.getElementById("search").elements.mode.value`) }
	search := func(text, open string) {
		t.Helper()
		eval[any](t, ctx, `document.getElementById("q").value = ""`)
		do(t, ctx, chromedp.SendKeys("#q", text+"\r"))
		await(t, ctx, `new URLSearchParams(location.search).get("q") === "`+text+`" && !document.body.classList.contains("loading")`+open)
	}
	do(t, ctx, chromedp.Navigate(g.url+"/"))
	search("one", "")
	do(t, ctx, chromedp.Focus(`[name="mode"]:checked`), chromedp.SendKeys(`[name="mode"]:checked`, kb.ArrowRight))
	search("two", "")
	if got := eval[string](t, ctx, `location.search`); mode() != "post-fusion" || got != "?q=two&mode=post-fusion" {
		t.Errorf("mode %q at %q", mode(), got)
	}
	for _, q := range b.queries() {
		if want := map[string]schemas.Mode{"one": schemas.PreFusion, "two": schemas.PostFusion}[q.Text]; q.Mode != want {
			t.Errorf("%s asked for %q", q.Text, q.Mode)
		}
	}
	do(t, ctx, chromedp.Focus(".explained summary"), chromedp.SendKeys(".explained summary", kb.Enter))
	search("three", ` && document.querySelector(".explained").open`)
	eval[any](t, ctx, `history.go(-2)`)
	await(t, ctx, `document.getElementById("q").value === "one" && document.getElementById("search").elements.mode.value === "pre-fusion"`)
}
