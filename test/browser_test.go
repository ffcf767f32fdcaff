package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/internal/webtest"
	"github.com/parallel-fusion/pfr/schemas"
)

// routeQueries has a query for every route of the manifest.
var routeQueries = map[string]string{
	"search": "lady gaga", "similar_artists": "artists similar to khruangbin", "new_releases": "latest albums by lady gaga",
	"personalized_recs": "sad songs for a rainy day", "podcast_recs": "true crime podcasts",
	"podcast_episodes": "latest episode of the daily", "out_of_scope": "what is the weather in berlin",
}

// landed is true once a page is whole.
const landed = `!document.body.classList.contains("loading") && !!document.querySelector("#sections .section") && !document.querySelector(".s-waiting")`

// searchFor types a query and waits until its page is whole.
func searchFor(b *webtest.Browser, query string) {
	b.Exec(`document.getElementById("q").value = ""`)
	b.Type("#q", query+"\r")
	b.Await(`new URLSearchParams(location.search).get("q") === ` + quoted(query) + ` && ` + landed)
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// checkPage wants a page of results that is quiet, still, and without faults of
// accessibility.
func checkPage(t *testing.T, b *webtest.Browser, what string) {
	t.Helper()
	if s := b.Shift(); s.All > 0.02 {
		t.Errorf("%s: the layout shifts by %.4f (%.4f without input):\n%s", what, s.All, s.Unexpected, s.Worst)
	}
	checkView(t, b, what)
}

// checkView wants any page quiet, no wider than the screen, and without faults of
// accessibility.
func checkView(t *testing.T, b *webtest.Browser, what string) {
	t.Helper()
	for _, f := range b.Audit() {
		t.Errorf("%s: %s fault of accessibility, %s: %s\n%s", what, f.Impact, f.ID, f.Help, strings.Join(f.Nodes, "\n"))
	}
	if wide := webtest.Eval[int](b, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		t.Errorf("%s: the page is %d pixels too wide", what, wide)
	}
	if said := b.Complaints(); len(said) > 0 {
		t.Errorf("%s: the console says %q", what, said)
	}
}

// A person searches every route, on a desktop and on a phone, in the light and in the dark.
func TestBrowserWalksEveryRoute(t *testing.T) {
	b := webtest.Open(t, 1280, 900)
	p := up(t, "")
	for _, screen := range []struct {
		name, scheme  string
		width, height int
	}{{"desktop", "light", 1280, 900}, {"phone", "dark", 360, 780}} {
		b.Resize(screen.width, screen.height)
		b.Prefer("prefers-color-scheme", screen.scheme)
		b.Go(p.http + "/")
		b.Await(`document.documentElement.classList.contains("js")`)
		b.Shoot("home-" + screen.name)
		checkPage(t, b, "home on a "+screen.name)
		for route, query := range routeQueries {
			b.Go(p.http + "/") // a page of its own, so that its shifts are
			b.Await(`document.documentElement.classList.contains("js")`)
			searchFor(b, query)
			if got := webtest.Eval[string](b, `document.getElementById("main").dataset.route`); got != route {
				t.Errorf("%s takes %s", query, got)
			}
			if n := webtest.Eval[int](b, `document.querySelectorAll("#sections .item").length`); n == 0 && route != "out_of_scope" {
				t.Errorf("%s: nothing to see", query)
			}
			b.Shoot(route + "-" + screen.name)
			checkPage(t, b, route+" on a "+screen.name)
		}
	}
}

// slowDJ serves the DJ: each call waits until the test lets it go.
func slowDJ(t *testing.T, nats string) (release func()) {
	t.Helper()
	gate := make(chan struct{})
	serveDJ(t, nats, func(ctx context.Context, payload []byte) ([]byte, error) {
		req, err := codec.Decode[schemas.ToolRequest](payload)
		if err != nil {
			return nil, rpc.Errorf(rpc.CodeBadRequest, "%v", err)
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return codec.Encode(schemas.ToolResponse{
			SchemaVersion: schemas.Version, CorrelationID: req.CorrelationID, Section: req.Section, Text: "Here we go.",
			Items: []schemas.Item{{ID: "track:one", Type: "track", Title: "One", Artists: []string{"Someone"}, Score: 1}},
		})
	})
	return func() { close(gate) }
}

// djPipeline is a pipeline whose DJ is served by the test.
func djPipeline(t *testing.T) *pipeline {
	t.Helper()
	return up(t, "", "--set", allButDJ)
}

// Sections are on the screen as they land; the slow one has its room meanwhile, and when
// it lands nothing moves.
func TestBrowserSeesSectionsArrive(t *testing.T) {
	b := webtest.Open(t, 1280, 900)
	p := djPipeline(t)
	release := slowDJ(t, p.nats)
	b.Go(p.http + "/")
	b.Await(`document.documentElement.classList.contains("js")`)
	b.Exec(patient)
	b.Type("#q", "italian 80s disco nostalgia\r")
	b.Await(`document.querySelectorAll(".s-ok").length === 2 && document.querySelectorAll(".s-waiting").length === 1`)
	b.Shoot("arriving")
	release()
	b.Await(landed + ` && document.querySelectorAll(".s-ok").length === 3`)
	b.Shoot("arrived")
	checkPage(t, b, "sections one by one")
}

// patient makes the searches of a page wait longer than a listener would.
const patient = `
	const native = window.EventSource;
	window.EventSource = class extends native { constructor(url) { super(url + "&deadline_ms=20000"); } };`

// firstDrawn resolves, once a section is on the screen, to the time of that.
const firstDrawn = `
	window.__first = new Promise((done) => new MutationObserver((_, o) => {
		if (!document.querySelector(".s-ok")) return;
		o.disconnect();
		requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = () => done(Date.now()); c.port2.postMessage(0); });
	}).observe(document.getElementById("sections"), { childList: true, subtree: true, attributes: true }));`

// The first section is on the screen within a tenth of a second of the first answer, by
// the median of some searches.
func TestBrowserShowsTheFirstSectionAtOnce(t *testing.T) {
	if os.Getenv("PFR_TEST_RATIOS") == "" {
		t.Skip("PFR_TEST_RATIOS is not set: times mean something only when nothing else runs")
	}
	b := webtest.Open(t, 1280, 900)
	p := up(t, "")
	var delays []time.Duration
	for range 9 {
		b.Go(p.http + "/")
		b.Await(`document.documentElement.classList.contains("js")`)
		b.Exec(firstDrawn)
		searchFor(b, routeQueries["personalized_recs"])
		drawn := time.UnixMilli(int64(webtest.Eval[float64](b, `window.__first`)))
		delays = append(delays, drawn.Sub(fastestAnswer(p.shown(t, b))))
	}
	slices.Sort(delays)
	t.Logf("answer to screen: median %v of %v", delays[len(delays)/2], delays)
	if delays[len(delays)/2] > 100*time.Millisecond {
		t.Errorf("the first section is on the screen %v after its answer", delays[len(delays)/2])
	}
}

// shown returns the page that a browser shows.
func (p *pipeline) shown(t *testing.T, b *webtest.Browser) (page schemas.SERP) {
	t.Helper()
	body := webtest.Eval[string](b, `fetch("/v1/serps/" + document.getElementById("main").dataset.correlation).then((r) => r.text())`)
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	return page
}

// fastestAnswer is when the first tool of a page had answered.
func fastestAnswer(page schemas.SERP) time.Time {
	first := slices.MinFunc(page.Sections, func(a, b schemas.Section) int { return int(1000 * (a.TookMS - b.TookMS)) })
	since := page.Timings.TotalMS - page.Timings.ToolsMS - page.Timings.RefineMS + first.TookMS
	submitted := page.CreatedAt.Add(-time.Duration(page.Timings.TotalMS * float64(time.Millisecond)))
	return submitted.Add(time.Duration(since * float64(time.Millisecond)))
}

// One tool hangs: the rest of the page is there and usable at once, and the section says
// what happened.
func TestBrowserWithAHungTool(t *testing.T) {
	b := webtest.Open(t, 1280, 900)
	p := djPipeline(t)
	slowDJ(t, p.nats)
	b.Go(p.http + "/")
	b.Type("#q", "italian 80s disco nostalgia\r")
	b.Await(`document.querySelectorAll(".s-ok").length === 2`)
	b.Click(`[data-section="for_you"] .item .title`) // it need not be whole to be used
	b.Await(`new URLSearchParams(location.search).get("q") !== "italian 80s disco nostalgia" && ` + landed)
	searchFor(b, "italian 80s disco nostalgia")
	if got := webtest.Eval[string](b, `document.querySelector(".s-timeout").dataset.section + ": " + document.querySelector(".s-timeout .reason").textContent`); !strings.HasPrefix(got, "mix: ") || len(got) < 20 {
		t.Errorf("reason: %q", got)
	}
	b.Shoot("hung-tool")
	checkPage(t, b, "a hung tool")
}

// What is played on the page is found in the online metrics.
func TestBrowserPlays(t *testing.T) {
	b := webtest.Open(t, 1280, 900)
	p := up(t, "")
	b.Go(p.http + "/")
	searchFor(b, routeQueries["personalized_recs"])
	b.Click(`[data-section="mix"] .play`)
	b.Await(`!document.getElementById("player").hidden`)
	b.Shoot("player")
	eventually(t, "the stream in the online metrics", func() bool {
		return webtest.Eval[int](b, `fetch("/v1/metrics/online").then((r) => r.json()).then((m) => m.routes.personalized_recs?.streams ?? 0)`) == 1
	})
}

// Everything can be reached without a mouse: the box, a result, where it leads, and back.
func TestBrowserByKeyboard(t *testing.T) {
	b := webtest.Open(t, 1280, 900)
	p := up(t, "")
	b.Go(p.http + "/")
	b.Await(`document.documentElement.classList.contains("js")`)
	b.Exec(`document.activeElement.blur()`)
	b.Press("/")
	b.Await(`document.activeElement.id === "q"`)
	b.Exec(`document.getElementById("q").value = ""`) // the driver types the slash as well
	b.Press("artists similar to khruangbin", kb.Enter)
	b.Await(landed)
	for i := 0; !webtest.Eval[bool](b, `document.activeElement.matches('[data-section="similar_artists"] .title')`); i++ {
		if i > 60 {
			t.Fatal("no result can be reached by the tab key")
		}
		b.Press(kb.Tab)
	}
	if webtest.Eval[string](b, `getComputedStyle(document.activeElement, "::after").outlineStyle + getComputedStyle(document.activeElement).outlineStyle`) == "nonenone" {
		t.Error("the focus cannot be seen")
	}
	b.Press(kb.Enter)
	b.Await(`document.getElementById("q").value.startsWith("artists similar to ") && !document.getElementById("q").value.endsWith("khruangbin") && ` + landed)
	b.Exec(`history.back()`)
	b.Await(`document.getElementById("q").value === "artists similar to khruangbin" && ` + landed)
	checkPage(t, b, "by keyboard")
}

// A plain search works without scripts, its links too.
func TestBrowserWithoutScripts(t *testing.T) {
	b := webtest.Open(t, 1280, 900)
	p := up(t, "")
	b.WithoutScripts()
	b.Go(p.http + "/")
	b.Type("#q", routeQueries["new_releases"]+"\r")
	b.Await(`document.querySelectorAll("#sections .section").length === 3`)
	b.Shoot("without-scripts")
	b.Click(`[data-section="latest_releases"] .item .title`)
	b.Await(`document.getElementById("main").dataset.route === "search" && !!document.querySelector("#sections .item")`)
	if visible := webtest.Eval[int](b, `[...document.querySelectorAll(".play")].filter((e) => e.checkVisibility()).length`); visible > 0 {
		t.Errorf("%d buttons do nothing", visible)
	}
}

// What a browser loads for a whole page is light, and from here alone.
func TestBrowserLoadsLittle(t *testing.T) {
	b := webtest.Open(t, 1280, 900)
	p := up(t, "")
	b.Go(p.http + "/?q=sad+songs+for+a+rainy+day")
	b.Await(landed)
	type resource struct {
		Name string `json:"name"`
		Size int    `json:"encodedBodySize"`
	}
	total := 0
	for _, r := range webtest.Eval[[]resource](b, `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((e) => ({ name: e.name, encodedBodySize: e.encodedBodySize }))`) {
		total += r.Size
		if !strings.HasPrefix(r.Name, p.http) {
			t.Errorf("%s is loaded from elsewhere", r.Name)
		}
	}
	t.Logf("%d bytes in all", total)
	if total > 150_000 || total < 5_000 {
		t.Errorf("the page weighs %d bytes", total)
	}
}
