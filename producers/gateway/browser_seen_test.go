package gateway_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/parallel-fusion/pfr/internal/webtest"
	"github.com/parallel-fusion/pfr/schemas"
)

// impressions returns the sections that were in view, of each search: "query id section".
func impressions(b *backend) []string {
	var out []string
	for _, ev := range b.published() {
		if ev.ActionName == schemas.ActionImpression {
			out = append(out, ev.QueryID+" "+ev.SectionID)
		}
	}
	slices.Sort(out)
	return out
}

// later returns once so many milliseconds have gone by in the page.
func later(tab *webtest.Browser, ms string) {
	webtest.Eval[any](tab, `new Promise((r) => setTimeout(r, `+ms+`))`)
}

// tallPage has three sections with results, of which a small window shows the first.
func tallPage(page *schemas.SERP) {
	ok := page.Sections[0]
	page.Sections = nil
	for _, id := range []string{"one", "two", "three"} {
		s := ok
		s.ID, s.Title, s.Display = id, id, schemas.Display{}
		page.Sections = append(page.Sections, s)
	}
	page.Sections[1].Status, page.Sections[1].Items, page.Sections[1].Reason = schemas.SectionTimeout, nil, "no answer"
}

// A section that was in view for a second is told once, with its market; one that was not
// seen, or that has failed, never is.
func TestBrowserTellsWhatWasSeen(t *testing.T) {
	tab := webtest.Open(t, 900, 700)
	b := newBackend(t)
	b.answers(followPage(tallPage))
	g := run(t, b.open(t, nil))
	tab.Do(chromedp.Navigate(g.url + "/?q=first&market=SE"))
	eventually(t, func() bool { return len(impressions(b)) > 0 })
	ev := waitEvent(t, b, schemas.ActionImpression)
	if ev.SectionID != "one" || ev.SectionPosition != 1 || ev.Market != "SE" || ev.Route != "new_releases" || ev.VisibleMS < 990 || ev.VisibleMS > 20_000 || ev.EventAttributes.Object.ObjectID != "" {
		t.Errorf("%+v", ev)
	}
	later(tab, "1300")
	if got := impressions(b); len(got) != 1 {
		t.Errorf("before scrolling: %q", got)
	}
	// A look of less than a second is none.
	webtest.Eval[any](tab, `document.querySelector("[data-section=three]").scrollIntoView()`)
	later(tab, "400")
	webtest.Eval[any](tab, `window.scrollTo(0, 0)`)
	later(tab, "1300")
	if got := impressions(b); len(got) != 1 {
		t.Errorf("after a short look: %q", got)
	}
	webtest.Eval[any](tab, `document.querySelector("[data-section=three]").scrollIntoView()`)
	eventually(t, func() bool { return len(impressions(b)) == 2 })
	webtest.Eval[any](tab, `window.scrollTo(0, 0)`)
	later(tab, "1300")
	if got := impressions(b); len(got) != 2 || !strings.HasSuffix(got[0], " one") || !strings.HasSuffix(got[1], " three") {
		t.Errorf("in all: %q", got)
	}
	webtest.Eval[any](tab, `document.querySelector('[data-section="one"] .title').click()`)
	if click := waitEvent(t, b, schemas.ActionClick); click.Market != "SE" || click.SectionID != "one" {
		t.Errorf("click: %+v", click)
	}
}

// A search that is left takes with it what was not yet seen for long enough; the next one
// begins anew.
func TestBrowserForgetsWhatWasLeft(t *testing.T) {
	tab := webtest.Open(t, 900, 700)
	b := newBackend(t)
	b.answers(followPage(tallPage))
	g := run(t, b.open(t, nil))
	tab.Do(chromedp.Navigate(g.url + "/"))
	search := func(text string) {
		t.Helper()
		webtest.Eval[any](tab, `document.getElementById("q").value = ""`)
		tab.Do(chromedp.SendKeys("#q", text+"\r"))
		tab.Await(`document.title.startsWith("` + text + `") && document.querySelectorAll(".s-ok").length === 2 && !document.body.classList.contains("loading")`)
	}
	for _, text := range []string{"one", "two", "three"} {
		search(text)
	}
	last := webtest.Eval[string](tab, `document.getElementById("main").dataset.correlation`)
	eventually(t, func() bool { return slices.Contains(impressions(b), last+" one") })
	later(tab, "1300")
	if got := impressions(b); len(got) != 1 {
		t.Errorf("told %q, last %s", got, last)
	}
	search("four")
	next := webtest.Eval[string](tab, `document.getElementById("main").dataset.correlation`)
	eventually(t, func() bool { return slices.Contains(impressions(b), next+" one") })
	search("five")
	tab.Do(chromedp.Navigate("about:blank"))
	later(tab, "1300")
	if got := impressions(b); len(got) != 2 {
		t.Errorf("after leaving: %q", got)
	}
}
