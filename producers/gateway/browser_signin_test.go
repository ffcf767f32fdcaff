package gateway_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/parallel-fusion/pfr/internal/webtest"
	"github.com/parallel-fusion/pfr/schemas"
)

// Where access is limited, a listener signs in, searches, plays, and signs out again. Then
// a search shows the way to sign in.
func TestBrowserSignsIn(t *testing.T) {
	tab := webtest.Open(t, 1280, 900)
	b := newBackend(t)
	g := run(t, b.open(t, guarded(t)))
	const ready = `document.getElementById("q").getAttribute("role") === "combobox"` // the script runs
	const done = `document.querySelectorAll("#sections .s-ok").length > 2 && !document.body.classList.contains("loading")`

	tab.Do(chromedp.Navigate(g.url + "/"))
	tab.Await(ready)
	tab.Do(chromedp.SendKeys("#q", "lady gaga\r"))
	tab.Await(`!document.querySelector("#problem").hidden && !document.querySelector("#problem .enter").hidden`)
	if got := webtest.Eval[string](tab, `document.querySelector("#problem [data-f=detail]").textContent`); got != "Searching needs a key here." {
		t.Errorf("problem %q", got)
	}
	tab.Shoot("needs-key")
	tab.Do(chromedp.Click("#problem .enter a"))
	tab.Arrive(`document.activeElement.id === "key"`)
	submit(t, tab, "key", "key-of-somebody-else-00")
	tab.Arrive(`document.body.textContent.includes("You are not signed in")`)
	tab.Shoot("sign-in")
	checkAxe(t, tab, "sign in")
	submit(t, tab, "key", officeKey)
	tab.Arrive(`location.search === "?q=lady+gaga" && ` + ready + ` && ` + done)

	webtest.Eval[any](tab, `document.querySelector("#search button").click()`)
	tab.Await(`performance.getEntriesByType("resource").some((e) => e.name.includes("/v1/search")) && ` + done)
	tab.Do(chromedp.Click(`[data-type="track"] .play`))
	waitEvent(t, b, schemas.ActionStream)
	if webtest.Eval[bool](tab, `document.cookie.includes("key") || JSON.stringify([localStorage, sessionStorage]).includes("key-of")`) {
		t.Error("a script sees the key")
	}
	tab.Do(chromedp.Navigate(g.url + "/operator"))
	tab.Arrive(`document.querySelector("[action='/sign-out'] button") && !document.querySelector("[name=key]")`)
	tab.Shoot("signed-in")

	tab.Do(chromedp.Click(`[action="/sign-out"] button`))
	tab.Arrive(`location.pathname === "/" && !document.querySelector("[action='/sign-out']") && ` + ready)
	submit(t, tab, "q", "lady gaga")
	tab.Await(`document.querySelector("#problem .enter a")?.getAttribute("href") === "/sign-in?next=%2F%3Fq%3Dlady%2Bgaga" && !document.querySelector("#problem .enter").hidden`)
	tab.Do(chromedp.Navigate(g.url + "/operator"))
	tab.Await(`document.querySelector("h1").textContent === "This page needs a key"`)
	tab.Shoot("denied")
	checkAxe(t, tab, "denied")
}

// submit fills a field of a page that a link or a form has led to, and sends its form.
func submit(t *testing.T, tab *webtest.Browser, field, text string) {
	t.Helper()
	webtest.Eval[any](tab, `{ const el = document.getElementById("`+field+`"); el.value = "`+text+`"; el.form.requestSubmit(); }`)
}

// checkAxe looks for faults of accessibility, in both themes, where axe-core is at hand.
func checkAxe(t *testing.T, tab *webtest.Browser, where string) {
	t.Helper()
	for _, theme := range []string{"light", "dark"} {
		webtest.Eval[any](tab, `document.documentElement.dataset.theme = "`+theme+`"`)
		accessible(t, tab, where+" "+theme)
	}
}
