package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/clients/httpclient"
	"github.com/parallel-fusion/pfr/schemas"
)

// gateway answers searches with a stream of a page, or with what answer says.
type gateway struct {
	page   schemas.SERP
	answer http.HandlerFunc // nil: the page
	header http.Header      // of the last search
	body   map[string]any
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/explain/"):
		_ = json.NewEncoder(w).Encode(map[string]any{
			"why": trace().Why, "waterfall": trace().Waterfall, "decision": map[string]any{}, "page": map[string]any{},
		})
		return
	case g.answer != nil:
		g.answer(w, r)
		return
	}
	g.header = r.Header
	g.body = map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&g.body)
	data, _ := json.Marshal(g.page)
	data = append([]byte(`{"of_a_later_version":1,`), data[1:]...)
	if r.Header.Get("Accept") != "text/event-stream" {
		_, _ = w.Write(data)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "event: serp\ndata: "+string(data)+"\n\n")
}

// ask runs the command line and returns its output.
func ask(t *testing.T, h http.Handler, args ...string) (string, error) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	return runPFR(t, append([]string{"ask", "--http", server.Listener.Addr().String(), "a query"}, args...)...)
}

func runPFR(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, streams{strings.NewReader(""), &out, io.Discard}, []string{"COLUMNS=72", "TERM=xterm"})
	return out.String(), err
}

func TestAskDrawsThePage(t *testing.T) {
	g := &gateway{page: recorded(t)["release_watch"]}
	out, err := ask(t, g)
	if err != nil {
		t.Fatal(err)
	}
	link := "http://" + strings.TrimSuffix(strings.SplitAfter(out, "http://")[1], "\n")
	want := view{width: 72, links: strings.TrimSuffix(link, "/explain/"+g.page.CorrelationID)}.page(g.page)
	if out != strings.Join(want, "\n")+"\n" {
		t.Errorf("got\n%s\nwant\n%s", out, strings.Join(want, "\n"))
	}
	if g.body["query"] != "a query" || g.body["market"] != "US" || g.body["platform"] != "terminal" || g.body["user"] != nil || g.header.Get("Authorization") != "" {
		t.Errorf("asked %v with %v", g.body, g.header)
	}
}

func TestAskTakesFlags(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gateway{page: recorded(t)["trouble"]}
	out, err := ask(t, g, "--market", "JP", "--user", "u-1", "--mode", "post-fusion", "--deadline", "1500ms", "--api-key-file", key,
		"--all", "-v", "--color", "always", "--explain")
	if err != nil {
		t.Fatal(err)
	}
	user, _ := g.body["user"].(map[string]any)
	if g.body["market"] != "JP" || user["id"] != "u-1" || g.body["mode"] != "post-fusion" || g.body["deadline_ms"] != 1500.0 || g.header.Get("Authorization") != "Bearer secret" {
		t.Errorf("asked %v with %v", g.body, g.header)
	}
	for _, part := range []string{"Not shown at first", "not shown: Concerts", "\x1b[1m", "How it was decided", "Where the time went"} {
		if !strings.Contains(out, part) {
			t.Errorf("nothing of %q in\n%s", part, out)
		}
	}
}

func TestAskPrintsJSON(t *testing.T) {
	g := &gateway{page: recorded(t)["plain"]}
	out, err := ask(t, g, "--json")
	var page struct {
		schemas.SERP
		Later int `json:"of_a_later_version"`
	}
	if err != nil || json.Unmarshal([]byte(out), &page) != nil || page.CorrelationID != g.page.CorrelationID || page.Later != 1 {
		t.Errorf("%s, %v", out, err)
	}
	if !strings.Contains(out, "\n  \"query\"") {
		t.Error("it is not indented")
	}
}

func TestColors(t *testing.T) {
	for _, c := range []struct {
		flag string
		tty  bool
		env  string
		want bool
	}{
		{"auto", true, "TERM=xterm", true},
		{"auto", false, "TERM=xterm", false},
		{"auto", true, "NO_COLOR=1", false},
		{"auto", true, "NO_COLOR=", true}, // no-color.org: "when not an empty string"
		{"auto", true, "TERM=dumb", false},
		{"always", false, "NO_COLOR=1", true},
		{"never", true, "TERM=xterm", false},
	} {
		if got := (&askCmd{Color: c.flag}).coloured(c.tty, []string{"X=1", c.env}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// Each error says what a person can do.
func TestAskSaysWhatToDo(t *testing.T) {
	answer := func(status int, retryAfter, body string) http.Handler {
		return &gateway{answer: func(w http.ResponseWriter, _ *http.Request) {
			if body == "" {
				w.Header().Set("Content-Type", "application/problem+json")
				body = `{"title":"Title","status":` + strconv.Itoa(status) + `,"detail":"Detail."}`
			}
			if retryAfter != "" {
				w.Header().Set("Retry-After", retryAfter)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}}
	}
	for name, test := range map[string]struct {
		gateway http.Handler
		want    []string
	}{
		"no key":        {answer(401, "", ""), []string{"401 Title: Detail.", "--api-key-file"}},
		"another key":   {answer(403, "", ""), []string{"403 Title: Detail.", "--market"}},
		"too often":     {answer(429, "17", ""), []string{"429 Title: Detail.", "Try again in 17s"}},
		"brokers away":  {answer(503, "60", ""), []string{"503 Title: Detail.", "1m0s", "/readyz"}},
		"bad query":     {answer(400, "", ""), []string{"400 Title: Detail."}},
		"no page":       {answer(504, "", ""), []string{"504 Title: Detail."}},
		"a web server":  {answer(404, "", "<h1>"), []string{"404 Not Found", "--http"}},
		"another thing": {answer(200, "", "<h1>"), []string{"--http"}},
	} {
		out, err := ask(t, test.gateway)
		for _, part := range test.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v: nothing of %q", name, err, part)
			}
		}
		if out != "" {
			t.Errorf("%s: printed %q", name, out)
		}
	}
	for _, test := range [][]string{
		{"--http", "127.0.0.1:1", "pfr up"},
		{"--http", "ftp://x", "host:port"},
		{"--mode", "both", "pre-fusion"},
		{"--deadline", "soon", "duration"},
		{"--api-key-file", "/nonexistent", "api-key-file"},
	} {
		if _, err := runPFR(t, "ask", "q", test[0], test[1]); err == nil || !strings.Contains(err.Error(), test[2]) {
			t.Errorf("%v: %v", test, err)
		}
	}
}

// The archive may be behind: an explanation that is not there yet is asked for again.
func TestExplanationIsAwaited(t *testing.T) {
	page, asked := recorded(t)["plain"], 0
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/explain/") {
			if asked++; asked < 3 {
				w.WriteHeader(http.StatusNotFound)
				return
			}
		}
		(&gateway{page: page}).ServeHTTP(w, r)
	})
	if out, err := ask(t, handler, "--explain"); err != nil || asked != 3 || !strings.Contains(out, "How it was decided") {
		t.Errorf("asked %d times: %v\n%s", asked, err, out)
	}
}

// A page is shown also when it cannot be explained.
func TestPageWithoutExplanation(t *testing.T) {
	page := recorded(t)["plain"]
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/explain/") {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"title": "Forbidden", "status": 403, "detail": "It lacks the scope explain."}`)
			return
		}
		(&gateway{page: page}).ServeHTTP(w, r)
	})
	out, err := ask(t, handler, "--explain")
	if err == nil || !strings.Contains(err.Error(), "It lacks the scope explain.") || !strings.Contains(out, page.Sections[0].Title) {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := ask(t, handler, "--explain", "--json"); err == nil || !strings.Contains(err.Error(), "together") {
		t.Errorf("in two forms at once: %v", err)
	}
}

// A page on its way has every section in its place from the first event on.
func TestDraft(t *testing.T) {
	page := recorded(t)["artist_exploration"]
	d := &draft{query: "q"}
	steps := []string{strings.Join(titles(d.page()), " ")}
	step := func(e httpclient.Event) {
		d.add(e)
		steps = append(steps, strings.Join(titles(d.page()), " "))
	}
	route := &httpclient.Route{CorrelationID: page.CorrelationID}
	route.Route = page.Route
	for _, s := range page.Sections {
		route.Slots.Slots = append(route.Slots.Slots, schemas.Slot{ID: s.ID, Title: s.Title, Tool: s.Tool, Display: s.Display})
	}
	step(httpclient.Event{Route: route})
	step(httpclient.Event{Section: &page.Sections[2]})
	step(httpclient.Event{Section: &page.Sections[0]})
	step(httpclient.Event{Page: &httpclient.Page{SERP: page}})
	want := "|similar_artists: tracks: artist:|similar_artists: tracks: artist:ok|similar_artists:ok tracks: artist:ok|similar_artists:ok tracks:ok artist:ok"
	if got := strings.Join(steps, "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func titles(page schemas.SERP) (list []string) {
	for _, s := range page.Sections {
		list = append(list, s.ID+":"+string(s.Status))
	}
	return list
}

// screen is a terminal that knows what live drawing uses.
type screen struct {
	lines  []string
	row    int
	column int
}

func (s *screen) Write(data []byte) (int, error) {
	text := string(data)
	for text != "" {
		if rest, found := strings.CutPrefix(text, "\x1b["); found {
			end := strings.IndexAny(rest, "AJKm")
			n, _ := strconv.Atoi(rest[:end])
			switch rest[end] {
			case 'A':
				s.row -= n
			case 'J':
				s.lines = s.lines[:min(s.row, len(s.lines))]
			case 'K':
				s.line()
				s.lines[s.row] = s.lines[s.row][:min(s.column, len(s.lines[s.row]))]
			}
			text = rest[end+1:]
			continue
		}
		switch text[0] {
		case '\n':
			s.line()
			s.row, s.column = s.row+1, 0
		case '\r':
			s.column = 0
		default:
			s.line()
			s.lines[s.row] = s.lines[s.row][:s.column] + text[:1] + s.lines[s.row][min(s.column+1, len(s.lines[s.row])):]
			s.column++
		}
		text = text[1:]
	}
	return len(data), nil
}

func (s *screen) line() {
	for len(s.lines) <= s.row {
		s.lines = append(s.lines, "")
	}
}

func TestLiveDrawingLeavesNothingBehind(t *testing.T) {
	s := &screen{}
	l := &live{out: s, rows: 6, on: true}
	for _, lines := range [][]string{{"a long line", "b"}, {"c"}, {"d", "e", "f", "g", "h", "i", "j"}, {"k", "longer than before"}} {
		l.show(lines)
		if got, want := strings.Join(s.lines, "|"), strings.Join(lines[:min(len(lines), 5)], "|"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	l.clear()
	if len(s.lines) != 0 || s.row != 0 {
		t.Errorf("%q is left", s.lines)
	}
	var piped bytes.Buffer
	off := &live{out: &piped, rows: 6}
	off.show([]string{"a"})
	off.clear()
	if piped.Len() != 0 {
		t.Errorf("%q where nobody looks", piped.String())
	}
}

func TestMillis(t *testing.T) {
	for ms, want := range map[float64]string{0: "0.0 ms", 3.14: "3.1 ms", 99.94: "99.9 ms", 450.4: "450 ms", 12345: "12345 ms"} {
		if got := millis(ms); got != want {
			t.Errorf("%v: %s, want %s", time.Duration(ms*1e6), got, want)
		}
	}
}
