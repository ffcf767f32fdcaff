package gateway_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/parallel-fusion/pfr/internal/webtest"
	"github.com/parallel-fusion/pfr/schemas"
)

// maxShift is the largest cumulative layout shift of a page: the sum over its whole life,
// also of what moves right after a key or a click.
const maxShift = .02

// watchShifts keeps what moves from now on, and all since the page was opened if buffered
// is put in.
const watchShifts = `(() => { window.shifts = []; new PerformanceObserver((list) => {
	for (const e of list.getEntries()) shifts.push({ value: e.value, what: e.sources.map((s) => {
		const el = s.node?.nodeType === 1 ? s.node : s.node?.parentElement;
		return [el?.closest("[data-section]")?.dataset.section, el?.tagName, el?.id || el?.className?.toString?.(), JSON.stringify(s.previousRect), JSON.stringify(s.currentRect)].join(" ");
	}) });
}).observe({ type: "layout-shift", buffered: false }); })()`

type shift struct {
	Value float64  `json:"value"`
	What  []string `json:"what"`
}

// still fails the test if the page has moved by more than it may.
func still(t *testing.T, tab *webtest.Browser, when string) {
	t.Helper()
	webtest.Eval[any](tab, `document.getAnimations().forEach((a) => { try { a.finish(); } catch { a.cancel(); } })`)
	settled(t, tab)
	if sum, what := moved(t, tab); sum > maxShift {
		t.Errorf("%s: the page has moved by %.4f: %s", when, sum, what)
	}
}

// moved is by how much the page has moved while it was watched, and what of it.
func moved(t *testing.T, tab *webtest.Browser) (sum float64, what string) {
	t.Helper()
	shifts := webtest.Eval[[]shift](tab, `shifts`)
	for _, s := range shifts {
		sum += s.Value
	}
	return sum, fmt.Sprintf("%+v", shifts[:min(len(shifts), 3)])
}

// settled waits for two frames, so that what the script did is laid out and painted.
func settled(t *testing.T, tab *webtest.Browser) {
	t.Helper()
	webtest.Eval[any](tab, `window.frames2 = 0; requestAnimationFrame(() => requestAnimationFrame(() => { window.frames2 = 1; }))`)
	tab.Await(`window.frames2 === 1`)
}

// steps lets a test decide when a page goes on.
type steps struct {
	next   chan struct{}
	change func(*schemas.SERP)
	order  func([]schemas.Section) []schemas.Section
}

func (s *steps) follow(ctx context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
	page := samplePage(q)
	s.change(&page)
	onStep(schemas.Progress{Kind: schemas.ProgressRoute, Route: slots(page)})
	for _, sec := range s.order(slices.Clone(page.Sections)) {
		if !s.wait(ctx) {
			return page, ctx.Err()
		}
		onStep(schemas.Progress{Kind: schemas.ProgressSection, Section: &sec})
	}
	s.wait(ctx)
	page.Omitted = nil
	page.Sections = slices.DeleteFunc(page.Sections, func(sec schemas.Section) bool {
		leave := sec.Status == schemas.SectionEmpty && sec.Reason == omit
		if leave {
			page.Omitted = append(page.Omitted, sec)
		}
		return leave
	})
	return page, nil
}

func (s *steps) wait(ctx context.Context) bool {
	select {
	case <-s.next:
		return true
	case <-ctx.Done():
		return false
	}
}

// omit is the reason of sections that the finished page leaves out.
const omit = "nothing of this kind"

// fated gives the sections of a page other ends than they have: what is full becomes
// short, empty, failed, fuller or is left out.
func fated(change func(*schemas.SERP), seed int) func(*schemas.SERP) {
	return func(p *schemas.SERP) {
		change(p)
		p.Sections = slices.Clone(p.Sections)
		for i := range p.Sections {
			s := &p.Sections[i]
			switch (i + seed) % 6 {
			case 0: // as it is
			case 1:
				s.Items = s.Items[:min(len(s.Items), 1)]
			case 2:
				s.Items, s.Text, s.Status, s.Reason = nil, "", schemas.SectionEmpty, omit
			case 3:
				s.Items, s.Text, s.Status, s.Reason = nil, "", schemas.SectionError, "the tool reported a failure that takes a good many words to tell, so many that they need more than one line on a phone"
			case 4:
				s.Items, s.Text = some("track", schemas.MaxItems/2), spoken+spoken
			case 5:
				s.Items, s.Text, s.Status = nil, "", schemas.SectionEmpty
			}
		}
	}
}

// Whatever lands, and in which order, what is on the screen stays where it is.
func TestBrowserNothingMoves(t *testing.T) {
	orders := []func([]schemas.Section) []schemas.Section{
		func(s []schemas.Section) []schemas.Section { return s },
		func(s []schemas.Section) []schemas.Section { slices.Reverse(s); return s },
		func(s []schemas.Section) []schemas.Section { return append(s[len(s)/2:], s[:len(s)/2]...) },
	}
	for name, size := range map[string][3]int{"phone": {360, 780, 2}, "desktop": {1280, 902, 2}, "tall": {1280, 3201, 1}} { // width, height, ends
		t.Run(name, func(t *testing.T) {
			tab := webtest.Open(t, size[0], size[1])
			s := &steps{next: make(chan struct{})}
			b := newBackend(t)
			b.follow = func(ctx context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error) {
				if q.Probe {
					return followAll(ctx, q, onStep)
				}
				return s.follow(ctx, q, onStep)
			}
			g := run(t, b.open(t, nil))
			all := layouts()
			tab.Do(chromedp.EmulateViewport(int64(size[0]), int64(size[1])))
			for i, layout := range slices.Sorted(maps.Keys(all)) {
				for seed := i; seed < i+size[2]; seed++ {
					s.change, s.order = fated(all[layout], 2*seed+size[1]), orders[seed%len(orders)]
					movesNot(t, tab, g.url, s, fmt.Sprintf("%s %d", layout, seed))
				}
			}
		})
	}
}

// movesNot searches from the first view and lets one section land after the other.
func movesNot(t *testing.T, tab *webtest.Browser, url string, s *steps, when string) {
	t.Helper()
	tab.Do(chromedp.Navigate(url + "/"))
	settled(t, tab)
	webtest.Eval[any](tab, watchShifts)
	tab.Do(chromedp.SendKeys("#q", "lady gaga\r"))
	tab.Await(`document.querySelector(".s-waiting") !== null`)
	n := webtest.Eval[int](tab, `document.querySelectorAll(".s-waiting").length`)
	for i := range n {
		settled(t, tab)
		s.next <- struct{}{}
		tab.Await(fmt.Sprintf(`document.querySelectorAll(".s-waiting").length === %d`, n-1-i))
	}
	settled(t, tab)
	s.next <- struct{}{}
	tab.Await(`!document.body.classList.contains("loading")`)
	still(t, tab, when)
	if wide := webtest.Eval[int](tab, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		t.Errorf("%s: the page is %d pixels too wide", when, wide)
	}
}

// Sections that show nothing, with nothing below, give their room back when all is there.
func TestBrowserEmptyPageIsShort(t *testing.T) {
	tab := webtest.Open(t, 1280, 900)
	b := newBackend(t)
	b.follow = followPage(func(p *schemas.SERP) {
		layouts()["exploration"](p)
		for i := range p.Sections {
			p.Sections[i].Items, p.Sections[i].Text, p.Sections[i].Status = nil, "", schemas.SectionEmpty
		}
	})
	g := run(t, b.open(t, nil))
	tab.Do(chromedp.Navigate(g.url+"/"), chromedp.SendKeys("#q", "x\r"))
	tab.Await(`document.querySelectorAll(".s-empty").length === 3 && !document.body.classList.contains("loading")`)
	tab.Shoot("nothing")
	if high := webtest.Eval[float64](tab, `document.getElementById("sections").offsetHeight`); high > 500 {
		t.Errorf("the empty page is %v pixels high", high)
	}
}

// A page that comes whole does not move either, as the server has drawn it.
func TestBrowserLoadsStill(t *testing.T) {
	for name, size := range map[string][2]int64{"phone": {360, 780}, "desktop": {1280, 900}} {
		t.Run(name, func(t *testing.T) {
			tab := webtest.Open(t, int(size[0]), int(size[1]))
			b := newBackend(t)
			g := run(t, b.open(t, nil))
			tab.Do(chromedp.EmulateViewport(size[0], size[1]))
			for layout, change := range layouts() {
				b.answers(followPage(change))
				if sum, what := loads(t, tab, g.url+"/?q=lady+gaga"); sum > maxShift {
					t.Errorf("%s: the page has moved by %.4f: %s", layout, sum, what)
				}
				tab.Shoot(name + "-" + layout)
				if wide := webtest.Eval[int](tab, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
					t.Errorf("%s: the page is %d pixels too wide", layout, wide)
				}
			}
		})
	}
}

// loads opens a page and returns by how much it has moved since. A browser may begin with a
// window that is wider than a phone and take the size that is asked for a moment later,
// which moves the page: what moves by itself moves at the second time, too.
func loads(t *testing.T, tab *webtest.Browser, url string) (sum float64, what string) {
	t.Helper()
	for range 3 {
		tab.Do(chromedp.Navigate(url))
		webtest.Eval[any](tab, strings.Replace(watchShifts, "buffered: false", "buffered: true", 1))
		settled(t, tab)
		if sum, what = moved(t, tab); sum <= maxShift {
			break
		}
	}
	return sum, what
}
