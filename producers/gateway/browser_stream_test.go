package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/parallel-fusion/pfr/internal/webtest"
	"github.com/parallel-fusion/pfr/schemas"
)

// broken is a server whose streams break. Each answer is what one connection says before
// it ends; "204" is that status. Connections after the last get its answer.
type broken struct {
	url string

	mu      sync.Mutex
	answers []string
	last    []string // Last-Event-ID of each connection
	page    string   // of GET /v1/serps/…; "" is 404
}

func breaks(t *testing.T, b *backend, answers ...string) *broken {
	t.Helper()
	s := &broken{answers: answers}
	pages := b.open(t, nil).Handler()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/search":
			s.search(w, r)
		case "/v1/serps/" + someID:
			s.serp(w)
		case "/v1/suggest":
			fmt.Fprint(w, `{"suggestions":[]}`)
		default:
			pages.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *broken) search(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.answers[min(len(s.last), len(s.answers)-1)]
	s.last = append(s.last, r.Header.Get("Last-Event-ID"))
	if answer == "204" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "retry: 20\n\n"+answer)
}

func (s *broken) serp(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.page == "" {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"title":"Not Found","detail":"Not yet, or no longer."}`)
		return
	}
	fmt.Fprint(w, s.page)
}

func (s *broken) connections() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func sseEvent(t *testing.T, name, id string, data any) string {
	t.Helper()
	return "event: " + name + "\nid: " + id + "\ndata: " + asJSON(t, data) + "\n\n"
}

// A stream that breaks goes on where it was; what is drawn stays. One that breaks for good
// ends with the page as a whole, or with a problem that hides nothing.
func TestBrowserTakesUpBrokenStreams(t *testing.T) {
	tab := webtest.Open(t, 1000, 900)
	page := samplePage(schemas.Query{PublicQuery: schemas.PublicQuery{CorrelationID: someID, Text: "x"}})
	whole := asJSON(t, page)
	type route struct {
		CorrelationID string `json:"correlation_id"`
		*schemas.Slots
	}
	begun := sseEvent(t, "route", someID, route{someID, slots(page)}) + sseEvent(t, "section", someID+"/1", page.Sections[0])
	more := sseEvent(t, "section", someID+"/2", page.Sections[1])
	ended := sseEvent(t, "serp", someID, page)
	const done = ` && !document.body.classList.contains("loading")`
	for _, c := range []struct {
		name    string
		answers []string
		page    string
		await   string
		want    []string // Last-Event-ID of each connection
	}{
		{"resumed", []string{begun, begun + more, ended}, "", `document.querySelectorAll(".s-ok").length === 3 && window.first.isConnected` + done, []string{"", someID + "/1", someID + "/2"}},
		{"nothing more to come", []string{begun, "204"}, whole, `document.querySelectorAll(".s-ok").length === 3` + done, []string{"", someID + "/1"}},
		{"for good", []string{begun}, whole, `document.querySelectorAll(".s-ok").length === 3` + done, []string{"", someID + "/1", someID + "/1", someID + "/1"}},
		{"without a page", []string{begun}, "", `document.getElementById("problem").classList.contains("over") && document.getElementById("problem").textContent.includes("Not yet") && document.querySelectorAll(".s-gone").length === 3` + done, []string{"", someID + "/1", someID + "/1", someID + "/1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := breaks(t, newBackend(t), c.answers...)
			s.page = c.page
			tab.Do(chromedp.Navigate(s.url + "/"))
			webtest.Eval[any](tab, watchShifts)
			webtest.Eval[any](tab, `new MutationObserver(() => { window.first ??= document.querySelector(".s-ok"); }).observe(document.getElementById("sections"), { childList: true })`)
			tab.Do(chromedp.SendKeys("#q", "x\r"))
			tab.Await(c.await)
			still(t, tab, c.name)
			if got := s.connections(); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("connections after %q, want %q", got, c.want)
			}
			tab.Shoot("stream-" + c.name)
		})
	}
}

// Without a script a search is a form and its answer a page, with everything in sight.
func TestBrowserWithoutScript(t *testing.T) {
	tab := webtest.Open(t, 800, 900, chromedp.Flag("blink-settings", "scriptEnabled=false"))
	b := newBackend(t)
	b.answers(followPage(layouts()["top-hit"]))
	g := run(t, b.open(t, nil))
	tab.Do(chromedp.Navigate(g.url+"/"), chromedp.SendKeys("#q", "velvet\r"), chromedp.WaitVisible("#sections .section"))
	tab.Shoot("no-script")
	if got := webtest.Eval[string](tab, `[document.documentElement.classList.contains("js"), location.search, getComputedStyle(document.querySelector(".more")).display,
		getComputedStyle(document.querySelector(".play")).display, getComputedStyle(document.querySelector("#theme")).display].join()`); got != "false,?q=velvet&market=US&mode=pre-fusion,flex,none,none" {
		t.Errorf("the page is %s", got)
	}
}
