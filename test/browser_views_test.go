package e2e

import (
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/webtest"
)

// A page leads to its explanation, an operator watches and lowers the ladder, and two arms
// stand side by side, all in the browser.
func TestBrowserViews(t *testing.T) {
	b := webtest.Open(t, 1280, 900)
	p := operated(t, true)
	t.Run("explain", func(t *testing.T) { explainInBrowser(t, b, p) })
	t.Run("operator", func(t *testing.T) { operateInBrowser(t, b, p) })
	t.Run("compare", func(t *testing.T) { compareInBrowser(t, b, p) })
}

func text(b *webtest.Browser, selector string) string {
	return webtest.Eval[string](b, `document.querySelector(`+quoted(selector)+`)?.textContent ?? ""`)
}

// wants fails the test unless an element says all of it.
func wants(t *testing.T, b *webtest.Browser, selector string, parts ...string) {
	t.Helper()
	got := text(b, selector)
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("%s does not say %q: %.600s", selector, part, got)
		}
	}
}

func explainInBrowser(t *testing.T, b *webtest.Browser, p *pipeline) {
	b.Go(p.http + "/")
	searchFor(b, routeQueries["new_releases"])
	b.Go(p.http + "/explain/" + webtest.Eval[string](b, `document.getElementById("main").dataset.correlation`))
	b.Await(`document.querySelectorAll(".fall").length >= 3`)
	wants(t, b, "main", "new_releases", "Lady Gaga", "student", "latest_releases", "release_info", "mandatory")
	if n := webtest.Eval[int](b, `document.querySelectorAll("details pre").length`); n < 2 {
		t.Errorf("%d raw documents", n)
	}
	b.Shoot("explain")
	checkView(t, b, "explain")
}

func operateInBrowser(t *testing.T, b *webtest.Browser, p *pipeline) {
	p.search(t, routeQueries["similar_artists"])
	b.Go(p.http + "/operator")
	b.Await(`document.querySelector("#tool-table")?.textContent.includes("similar_artists")`)
	wants(t, b, "#lag-table", "pfr.queries.v1", "pfr.route-decisions.v1")
	wants(t, b, "#tier-table", "student")
	b.Shoot("operator")
	checkView(t, b, "operator")

	b.Exec(`document.querySelector('#ladder [value="search"]').click()`)
	b.Type(`#ladder [name="reason"]`, "a drill")
	b.Type(`#ladder [name="key"]`, operatorKey)
	b.Click("#set")
	b.Await(`!document.getElementById("confirm").hidden`)
	b.Click("#sure")
	eventually(t, "the ladder", func() bool { return p.search(t, routeQueries["similar_artists"]).Route.Name == "search" })
	b.Await(`document.getElementById("force").textContent.includes("a drill")`)
	b.Shoot("operator-set")
	checkView(t, b, "operator with the ladder lowered")
	b.Exec(`document.querySelector('#ladder [value="llm"]').click()`)
	b.Click("#set")
	b.Click("#sure")
	eventually(t, "the ladder lifted", func() bool { return p.search(t, routeQueries["similar_artists"]).Route.Name == "similar_artists" })
}

func compareInBrowser(t *testing.T, b *webtest.Browser, p *pipeline) {
	b.Go(p.http + "/compare?q=sad+songs+for+a+rainy+day")
	b.Exec(`document.querySelector('[name="right_mode"]').value = "post-fusion"`)
	b.Click(`#compare button[type="submit"]`)
	b.Await(`document.querySelectorAll("#both .item").length > 10`)
	wants(t, b, "#both", "personalized_recs", "For you", "Playlists")
	b.Shoot("compare")
	checkView(t, b, "compare")
}
