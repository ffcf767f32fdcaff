package gateway_test

import (
	"context"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/parallel-fusion/pfr/schemas"
)

// Where access is limited, a listener signs in, searches, plays, and signs out again. Then
// a search shows the way to sign in.
func TestBrowserSignsIn(t *testing.T) {
	ctx := browse(t, 1280, 900)
	b := newBackend(t)
	g := run(t, b.open(t, guarded(t)))
	const ready = `document.getElementById("q").getAttribute("role") === "combobox"` // the script runs
	const done = `document.querySelectorAll("#sections .s-ok").length > 2 && !document.body.classList.contains("loading")`

	do(t, ctx, chromedp.Navigate(g.url+"/"))
	await(t, ctx, ready)
	do(t, ctx, chromedp.SendKeys("#q", "lady gaga\r"))
	await(t, ctx, `!document.querySelector("#problem").hidden && !document.querySelector("#problem .enter").hidden`)
	if got := eval[string](t, ctx, `document.querySelector("#problem [data-f=detail]").textContent`); got != "Searching needs a key here." {
		t.Errorf("problem %q", got)
	}
	shoot(t, ctx, "needs-key")
	do(t, ctx, chromedp.Click("#problem .enter a"))
	arrive(t, ctx, `document.activeElement.id === "key"`)
	submit(t, ctx, "key", "key-of-somebody-else-00")
	arrive(t, ctx, `document.body.textContent.includes("You are not signed in")`)
	shoot(t, ctx, "sign-in")
	checkAxe(t, ctx, "sign in")
	submit(t, ctx, "key", officeKey)
	arrive(t, ctx, `location.search === "?q=lady+gaga" && `+ready+` && `+done)

	eval[any](t, ctx, `document.querySelector("#search button").click()`)
	await(t, ctx, `performance.getEntriesByType("resource").some((e) => e.name.includes("/v1/search")) && `+done)
	do(t, ctx, chromedp.Click(`[data-type="track"] .play`))
	waitEvent(t, b, schemas.ActionStream)
	if eval[bool](t, ctx, `document.cookie.includes("key") || JSON.stringify([localStorage, sessionStorage]).includes("key-of")`) {
		t.Error("a script sees the key")
	}
	do(t, ctx, chromedp.Navigate(g.url+"/operator"))
	arrive(t, ctx, `document.querySelector("[action='/sign-out'] button") && !document.querySelector("[name=key]")`)
	shoot(t, ctx, "signed-in")

	do(t, ctx, chromedp.Click(`[action="/sign-out"] button`))
	arrive(t, ctx, `location.pathname === "/" && !document.querySelector("[action='/sign-out']") && `+ready)
	submit(t, ctx, "q", "lady gaga")
	await(t, ctx, `document.querySelector("#problem .enter a")?.getAttribute("href") === "/sign-in?next=%2F%3Fq%3Dlady%2Bgaga" && !document.querySelector("#problem .enter").hidden`)
	do(t, ctx, chromedp.Navigate(g.url+"/operator"))
	await(t, ctx, `document.querySelector("h1").textContent === "This page needs a key"`)
	shoot(t, ctx, "denied")
	checkAxe(t, ctx, "denied")
}

// submit fills a field of a page that a link or a form has led to, and sends its form.
func submit(t *testing.T, ctx context.Context, field, text string) {
	t.Helper()
	eval[any](t, ctx, `{ const el = document.getElementById("`+field+`"); el.value = "`+text+`"; el.form.requestSubmit(); }`)
}

// arrive waits until a script is true of the page that a link or a form leads to.
func arrive(t *testing.T, ctx context.Context, script string) {
	t.Helper()
	eventually(t, func() bool {
		there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`!!(`+script+`)`))
		return err == nil && there // on the way there is no page
	})
}

// checkAxe looks for faults of accessibility, in both themes, where axe-core is at hand.
func checkAxe(t *testing.T, ctx context.Context, where string) {
	t.Helper()
	if os.Getenv(axeEnv) == "" {
		return
	}
	axe, err := os.ReadFile(os.Getenv(axeEnv))
	if err != nil {
		t.Fatal(err)
	}
	for _, theme := range []string{"light", "dark"} {
		eval[any](t, ctx, `document.documentElement.dataset.theme = "`+theme+`"`)
		accessible(t, ctx, string(axe), where+" "+theme)
	}
}
