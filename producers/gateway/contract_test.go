package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// Two gateways that get two searches under one correlation id at once both send theirs, and
// there is one page. Who searched for something else must not get it, streamed or not, and
// neither must who may not see its market.
func TestPageOfAnotherSearchIsAConflict(t *testing.T) {
	for name, change := range map[string]func(*schemas.SERP){
		"another text":   func(p *schemas.SERP) { p.Query = "somebody else's words" },
		"another market": func(p *schemas.SERP) { p.Market = "DE" },
	} {
		b := newBackend(t)
		b.follow = func(_ context.Context, q schemas.Query, _ func(schemas.Progress)) (schemas.SERP, error) {
			page := samplePage(q)
			change(&page)
			return page, nil
		}
		g := b.open(t, nil)
		body := `{"query":"x","correlation_id":"` + newID(t) + `"}`
		if w := serve(g, post(t, "/v1/search", body)); w.Code != http.StatusConflict {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
		stream := post(t, "/v1/search", body)
		stream.Header.Set("Accept", "text/event-stream")
		events := parse(t, serve(g, stream).Body.String())
		if last := events[len(events)-1]; last.name != "error" || !strings.Contains(last.data, `"status":409`) {
			t.Errorf("%s: %s %s", name, last.name, last.data)
		}
	}
}

// Which arm of the roll-out decides is the business of those who may see why.
func TestArmsAreForThoseWhoExplain(t *testing.T) {
	b := newBackend(t)
	limited, open := b.open(t, func(c *gateway.Config) {
		path := file(t, "access.yaml", fmt.Sprintf("keys: [{name: app, sha256: %s, scopes: [search]}, {name: office, sha256: %s, scopes: [search, explain]}]",
			digest(germanKey), digest(officeKey)))
		c.Access.File = path
	}), b.open(t, nil)
	const arm, other = `{"query":"x","experiments":{"arm":"candidate"}}`, `{"query":"x","experiments":{"button":"blue"}}`
	for name, c := range map[string]struct {
		g         *gateway.Gateway
		key, body string
		status    int
	}{
		"an app":                 {limited, germanKey, arm, 403},
		"an app, another":        {limited, germanKey, other, 200},
		"who may see why":        {limited, officeKey, arm, 200},
		"access that is not any": {open, "", arm, 200},
	} {
		w := serve(c.g, as(post(t, "/v1/search", c.body), c.key))
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d: %s", name, w.Code, c.status, w.Body)
		}
		if shown := w.Header().Get("WWW-Authenticate"); c.status == 403 && !strings.Contains(shown, `scope="explain"`) {
			t.Errorf("%s: WWW-Authenticate: %s", name, shown)
		}
	}
	for _, q := range b.queries() {
		if q.Experiments[schemas.ExperimentArm] != "" && q.Text != "x" {
			t.Errorf("published %+v", q)
		}
	}
}

// A page can be read as soon as its search has answered, although the archive gets it a
// moment later.
func TestPageIsThereOnceItsSearchHasAnswered(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, guarded(t))
	id := newID(t)
	search := as(post(t, "/v1/search", `{"query":"x","correlation_id":"`+id+`"}`), officeKey)
	want := serve(g, search).Body.String()
	w := serve(g, as(get(t, "/v1/serps/"+id), officeKey))
	if w.Code != http.StatusOK || w.Body.String() != want || w.Header().Get("ETag") == "" {
		t.Errorf("page: %d %s", w.Code, w.Body)
	}
	if w := serve(g, as(get(t, "/v1/explain/"+id), officeKey)); w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("trace: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := serve(g, as(get(t, "/v1/serps/"+id), germanKey)); w.Code != http.StatusNotFound {
		t.Errorf("from another market: %d", w.Code)
	}
}

// Files are sent whole or not at all: parts and other conditions are not offered.
func TestFilesHaveNoParts(t *testing.T) {
	g := newBackend(t).open(t, nil)
	whole := serve(g, get(t, "/static/app.js"))
	for name, value := range map[string]string{"Range": "bytes=0-9", "If-Match": `"x"`, "If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"} {
		for _, v := range []string{value, strings.Replace(value, "0-9", "99999999-", 1)} {
			r := get(t, "/static/app.js")
			r.Header.Set(name, v)
			w := serve(g, r)
			if w.Code != http.StatusOK || w.Body.String() != whole.Body.String() || w.Header().Get("Accept-Ranges") == "bytes" {
				t.Errorf("%s: %s: %d %v", name, v, w.Code, w.Header())
			}
		}
	}
}

// What came before an event is known only to the gateway that sent it. From the archive a
// stream goes on after its route, with every section: they may have come in another order.
func TestArchivedStreamLeavesNoSectionOut(t *testing.T) {
	b := newBackend(t)
	page := pageOf(newID(t), "x")
	b.put(page)
	last := page.Sections[len(page.Sections)-1].ID // which came first, elsewhere
	got := names(t, parse(t, serve(b.open(t, nil), sse(t, "/v1/serps/"+page.CorrelationID, page.CorrelationID+"/"+last)).Body.String()))
	if want := "section:latest_releases section:release_date section:recent_tracks section:tour serp"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Who asks for ids that nobody has sent may not keep others from searching.
func TestMadeUpIDsLeaveRoomForSearches(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, func(c *gateway.Config) { c.MaxSearches, c.ResumeWait = 4, time.Minute })
	ctx, cancel := context.WithCancel(t.Context())
	const asked = 6
	answers := make(chan int, asked)
	for range asked {
		r := sse(t, "/v1/serps/"+newID(t), "").WithContext(ctx)
		go func() { answers <- serve(g, r).Code }()
	}
	for range asked - 1 { // all but the one that waits
		if code := <-answers; code != http.StatusServiceUnavailable {
			t.Errorf("made-up id: status %d", code)
		}
	}
	if w := serve(g, get(t, "/v1/search?q=x")); w.Code != http.StatusOK {
		t.Errorf("search: status %d: %s", w.Code, w.Body)
	}
	cancel()
	<-answers
}

// Whether the gateway is ready is for everybody; how it is set up is for who may see why,
// and asking for that helps nobody to guess keys.
func TestPartsAreForThoseWhoExplain(t *testing.T) {
	b := newBackend(t)
	limits := func(c *gateway.Config) {
		guarded(t)(c)
		c.Limits = gateway.LimitsConfig{PerSecond: .01, Burst: 1, Clients: 9}
	}
	limited, open := b.open(t, limits), b.open(t, nil)
	for _, g := range []*gateway.Gateway{limited, open} {
		run(t, g)
		<-g.Ready()
	}
	for _, c := range []struct {
		name  string
		g     *gateway.Gateway
		key   string
		parts bool
	}{
		{"open", open, "", true},
		{"nobody", limited, "", false},
		{"nobody, again", limited, "", false},
		{"events alone", limited, eventsKey, false},
		{"office", limited, officeKey, true},
		{"a guess", limited, "a-guess-of-a-key-1", false},
		{"a key that has asked enough", limited, germanKey, true},
		{"a key that has asked enough", limited, germanKey, false},
	} {
		w := serve(c.g, as(get(t, "/readyz"), c.key))
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"parts"`) != c.parts {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
}
