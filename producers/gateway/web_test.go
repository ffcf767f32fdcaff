package gateway_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// The page works without JavaScript, and nothing in it is from elsewhere or inline.
func TestWebPage(t *testing.T) {
	g := newBackend(t).open(t, nil)
	home := serve(g, get(t, "/")).Body.String()
	for _, part := range []string{`name="q"`, "/?q=latest%20albums%20by%20lady%20gaga", "2025-06-28", "synthetic", "new_releases"} {
		if !strings.Contains(home, part) {
			t.Errorf("no %q in the first view", part)
		}
	}
	w := serve(g, get(t, "/?q=lady+gaga"))
	page := w.Body.String()
	for _, part := range []string{
		`value="lady gaga"`, "Latest albums", "MAYHEM", "/?q=artists&#43;similar&#43;to&#43;Lady&#43;Gaga", "no answer within 300 ms",
		">timeout<", ">partial<", "94 %", "312 ms", ">synthetic<", "16 weeks ago",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("no %q in the page", part)
		}
	}
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	for _, bad := range []string{`<script[^>]*>[^<]`, `<style`, ` style=`, ` on[a-z]+=`, `(src|href)="(https?:)?//`} {
		if found := regexp.MustCompile(bad).FindString(page); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
}

func TestWebPageEscapes(t *testing.T) {
	const hostile = `<script>alert(1)</script>"><img src=x onerror=alert(2)>'`
	b := newBackend(t)
	b.follow = func(_ context.Context, q schemas.Query, _ func(schemas.Progress)) (schemas.SERP, error) {
		page := samplePage(q)
		page.Notice, page.Route = hostile, hostileRoute(hostile)
		s := &page.Sections[0]
		s.ID, s.Title, s.Component, s.Tool, s.Reason, s.Text = hostile, hostile, hostile, hostile, hostile, hostile
		s.Items = []schemas.Item{{ID: "track:" + hostile, Type: hostile, Title: hostile, Subtitle: hostile, Genres: []string{hostile}, Why: hostile}}
		return page, nil
	}
	g := b.open(t, nil)
	page := serve(g, get(t, "/?q="+url.QueryEscape(hostile))).Body.String()
	if n := strings.Count(page, "alert(1)"); n < 30 {
		t.Errorf("the text is there only %d times", n)
	}
	page += serve(g, get(t, "/?q=x&market="+url.QueryEscape(hostile))).Body.String()
	for _, bad := range []string{"<script>", "<img", "onerror=alert(2)>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
}

// hostileRoute has a text wherever a route can have one.
func hostileRoute(text string) schemas.RouteSummary {
	return schemas.RouteSummary{
		Name: text, Params: schemas.Params{text: text}, Source: schemas.Source(text), Degraded: true,
		ManifestVersion: text, ModelVersion: text, Arm: text,
		Alternatives: []schemas.Alternative{{Route: text, Confidence: .1}},
		Tiers: []schemas.Tier{
			{Source: schemas.SourceStudent, Outcome: schemas.OutcomeUnsure, Route: text, Confidence: .2},
			{Source: schemas.Source(text), Outcome: schemas.Outcome(text), Route: text},
		},
	}
}

// The switch of the form says who puts the page together, and the query says it too.
func TestWebPageComposes(t *testing.T) {
	for path, want := range map[string]schemas.Mode{
		"/?q=x": "", "/?q=x&mode=": "", "/?q=x&mode=pre-fusion": schemas.PreFusion, "/?q=x&mode=post-fusion": schemas.PostFusion,
	} {
		b := newBackend(t)
		w := serve(b.open(t, nil), get(t, path))
		if w.Code != http.StatusOK || b.queries()[0].Mode != want {
			t.Errorf("%s: status %d, mode %q", path, w.Code, b.queries()[0].Mode)
		}
		chosen := regexp.MustCompile(`value="(pre|post)-fusion"[^>]* checked`).FindAllStringSubmatch(w.Body.String(), -1)
		if len(chosen) != 1 || (chosen[0][1] == "post") != (want == schemas.PostFusion) {
			t.Errorf("%s: chosen %q", path, chosen)
		}
	}
}

func TestWebPageShowsProblems(t *testing.T) {
	b := newBackend(t)
	b.follow = func(context.Context, schemas.Query, func(schemas.Progress)) (schemas.SERP, error) {
		return schemas.SERP{}, errBroker
	}
	g := b.open(t, nil)
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/?q=+":            {http.StatusBadRequest, "q: must not be empty"},
		"/?q=x&market=usa": {http.StatusBadRequest, "market: must be two upper-case letters"},
		"/?q=x&mode=both":  {http.StatusBadRequest, "mode: must be one of"},
		"/?q=x":            {http.StatusInternalServerError, "not foreseen"},
	} {
		w := serve(g, get(t, path))
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.says) || !strings.Contains(w.Body.String(), `name="q"`) {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

// Links to files carry a version, so that browsers may keep them.
func TestWebFilesAreCached(t *testing.T) {
	g := newBackend(t).open(t, nil)
	link := regexp.MustCompile(`/static/base\.css\?v=[0-9a-f]+`).FindString(serve(g, get(t, "/")).Body.String())
	w := serve(g, get(t, link))
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%s: %d %v", link, w.Code, w.Header())
	}
	again := get(t, "/static/draw.js")
	first := serve(g, get(t, "/static/draw.js"))
	again.Header.Set("If-None-Match", first.Header().Get("ETag"))
	if w := serve(g, again); w.Code != http.StatusNotModified || strings.Contains(first.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("again: %d %v", w.Code, w.Header())
	}
}
