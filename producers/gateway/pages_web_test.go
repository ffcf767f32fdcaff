package gateway_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// explained puts a page with every fate of a call, and its decision, into the archive.
func (b *backend) explained(t *testing.T) {
	t.Helper()
	page := b.stored(t)
	page.Sections[0].Mandatory, page.Sections[0].Cached = true, true
	page.Sections[2].Repeated, page.Sections[2].ServiceMS = true, 7
	page.Omitted = []schemas.Section{{ID: "clips", Title: "Clips", Component: "list", Tool: "clips", Status: schemas.SectionEmpty, Reason: "nothing of this kind", TookMS: 20}}
	page.Timings.RefineMS = 5
	b.pages[someID] = page
	e := b.why[someID]
	e.Decision.Tokens, e.Decision.Cost = schemas.Tokens{Prompt: 812, Cached: 768, Completion: 24}, .00042
	e.Decision.Calls = append(e.Decision.Calls, schemas.Call{Tool: "search", Section: "recent_tracks", DeadlineMS: 250, Params: schemas.Params{"artist": "Lady Gaga"}})
	b.why[someID] = e
}

// The page that explains has all that there is, without a script.
func TestExplainPage(t *testing.T) {
	b := newBackend(t)
	b.explained(t)
	w := serve(b.open(t, nil), get(t, "/explain/"+someID))
	page := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	for _, part := range []string{
		"<h1>lady gaga</h1>", ">new_releases<", "Lady Gaga", ">partial<", "94 %", "no answer within 300 ms", ">mandatory<", ">cached<", "second try",
		"left out of the page", "7.0 ms in the tool", "had 250 ms", "artist: Lady Gaga", ">refinement<", "$0.00042", ">812<", ">768<", "manifest m1",
		"<summary>Query</summary>", "<summary>Decision</summary>", "<summary>Page</summary>", "&#34;correlation_id&#34;: &#34;" + someID + "&#34;", "/?q=lady%20gaga",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("no %q in the page", part)
		}
	}
	if n := strings.Count(page, `<li class="fall`); n != 3+4+1+1 {
		t.Errorf("%d bars", n)
	}
}

// What is known so far is explained: a decision without its page, or a page alone.
func TestExplainPageOfHalf(t *testing.T) {
	b := newBackend(t)
	b.explained(t)
	page, decided := b.pages[someID], b.why[someID]
	delete(b.pages, someID)
	g := b.open(t, nil)
	if got := serve(g, get(t, "/explain/"+someID)).Body.String(); !strings.Contains(got, "There is no page of this search") || !strings.Contains(got, ">new_releases<") {
		t.Errorf("the decision alone: %s", got)
	}
	b.pages[someID] = page
	delete(b.why, someID)
	if got := serve(g, get(t, "/explain/"+someID)).Body.String(); !strings.Contains(got, "On tour") || strings.Contains(got, "<summary>Decision") {
		t.Errorf("the page alone: %s", got)
	}
	b.why[someID] = decided
	for _, id := range []string{someID[:35] + "1", "nonsense", "%3Cscript%3E"} {
		w := serve(g, get(t, "/explain/"+id))
		if got := w.Body.String(); w.Code != http.StatusNotFound || !strings.Contains(got, "There is no trace") || !strings.Contains(got, `name="q"`) || strings.Contains(got, "<script>") {
			t.Errorf("%s: %d %s", id, w.Code, got)
		}
	}
}

// Nothing in any page is from elsewhere or inline, and hostile text stays text.
func TestEveryPageIsStrict(t *testing.T) {
	const hostile = `<script>alert(1)</script>"><img src=x onerror=alert(2)>'`
	b := newBackend(t)
	b.explained(t)
	page, e := b.pages[someID], b.why[someID]
	page.Route, page.Notice, page.Query = hostileRoute(hostile), hostile, hostile
	for i := range page.Sections {
		s := &page.Sections[i]
		s.ID, s.Title, s.Tool, s.Reason = hostile, hostile, hostile, hostile
	}
	e.Query.Text, e.Decision.Route, e.Decision.Params = hostile, hostile, schemas.Params{hostile: hostile}
	e.Decision.Calls[0].Section, e.Decision.Calls[0].Params = hostile, schemas.Params{hostile: hostile}
	b.pages[someID], b.why[someID] = page, e
	g := b.open(t, nil)
	for _, path := range []string{"/", "/explain/" + someID, "/explain/none", "/operator", "/compare?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/?q=lady+gaga"} {
		w := serve(g, get(t, path))
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for _, bad := range []string{`<script[^>]*>[^<]`, `<style`, `<[^>]* style=`, `<[a-z]+[^>"]* on[a-z]+=`, `(src|href)="(https?:)?//`, `<img`, `<script>`} {
			if found := regexp.MustCompile(bad).FindString(w.Body.String()); found != "" {
				t.Errorf("%s has %q", path, found)
			}
		}
	}
}

// maxWeight is what the first visit may load, compressed: the page and every file there is.
const maxWeight = 150_000

func TestWeight(t *testing.T) {
	b := newBackend(t)
	b.answers(followPage(layouts()["exploration"]))
	g := b.open(t, nil)
	files, err := filepath.Glob("web/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	total := packed(t, serve(g, get(t, "/?q=lady+gaga")).Body.Bytes())
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(f) != ".html" {
			total += packed(t, data)
		}
	}
	if total > maxWeight {
		t.Errorf("the page weighs %d bytes, the limit is %d", total, maxWeight)
	}
	t.Logf("%d bytes, with the files of every page", total)
}

func packed(t *testing.T, data []byte) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
