package export_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/schemas"
)

// lake builds a folder to ask questions of.
type lake struct {
	t       *testing.T
	e       *export.Exporter
	offsets map[string]int64
}

func (l *lake) next(topic string) export.Position {
	l.offsets[topic]++
	return export.Position{Topic: topic, Offset: l.offsets[topic], Time: noon.Add(48 * time.Hour)}
}

// search adds a page of two sections, results and more, asked so long after noon.
func (l *lake) search(id int, client, query string, after time.Duration, change ...func(*schemas.SERP)) {
	page := schemas.SERP{
		CorrelationID: number(id), Query: query, Market: "US", Status: schemas.SERPComplete, Coverage: 1, Layout: "list", Cost: .001,
		CreatedAt: noon.Add(after + 100*time.Millisecond), Timings: schemas.Timings{TotalMS: float64(100 + id)},
		Route: schemas.RouteSummary{Name: "search", Source: "student"}, Asked: &schemas.Asked{At: noon.Add(after), Locale: "en-US", Client: client},
		Sections: []schemas.Section{
			{ID: "results", Tool: "search", Component: "list", Status: schemas.SectionOK, Items: []schemas.Item{{ID: "track:a"}}},
			{ID: "more", Tool: "dj", Component: "mix", Status: schemas.SectionOK, Items: []schemas.Item{{ID: "track:b"}, {ID: "track:c"}}},
		},
	}
	for _, c := range change {
		c(&page)
	}
	if err := l.e.Page(l.t.Context(), page, l.next(schemas.TopicSERPs)); err != nil {
		l.t.Fatal(err)
	}
}

// event adds what happened so long after noon, by a clock that is right, and was received at
// once.
func (l *lake) event(id string, search int, action string, after time.Duration, change ...func(*schemas.Interaction)) {
	at := noon.Add(after)
	i := schemas.Interaction{
		EventID: id, ActionName: action, QueryID: number(search), ClientID: "x", Timestamp: at, SentAt: at, ReceivedAt: at, Market: "US",
		EventAttributes: schemas.EventAttributes{Object: schemas.Object{ObjectID: "track:a"}},
	}
	for _, c := range change {
		c(&i)
	}
	if err := l.e.Interaction(l.t.Context(), i, l.next(schemas.TopicInteractions)); err != nil {
		l.t.Fatal(err)
	}
}

func in(section string) func(*schemas.Interaction) {
	return func(i *schemas.Interaction) { i.SectionID = section }
}

func played(ms int) func(*schemas.Interaction) {
	return func(i *schemas.Interaction) { i.MSPlayed = ms }
}

// handWorked fills a folder with the searches of one noon, on two routes.
func handWorked(t *testing.T) string {
	cfg := config(filepath.Join(t.TempDir(), "lake"))
	cfg.ChunkRows = 10
	l := &lake{t: t, e: open(t, cfg), offsets: map[string]int64{}}
	const m = time.Minute

	// 1: a click in the first section after 10 s: success. Its page and its click came twice.
	l.search(1, "A", "daft punk", 0)
	l.search(1, "A", "daft punk", 0)
	l.event("e1", 1, "click", 10*time.Second, in("results"))
	l.event("e1", 1, "click", 10*time.Second, in("results"))
	// 2: a view, then the first success in the second section: a rescue after 20 s. A click on
	// a section that the page does not have does not count, though it is earlier.
	l.search(2, "A", "queen live", 10*m)
	l.event("e2", 2, "impression", 10*m+time.Second, in("results"))
	l.event("e3", 2, "click", 10*m+2*time.Second, in("elsewhere"))
	l.event("e4", 2, "stream", 10*m+20*time.Second, in("more"), played(30_000))
	l.event("e5", 2, "click", 10*m+30*time.Second, in("results"))
	// 3: on another route, abandoned, but it had an answer on the page.
	l.search(3, "B", "is there a new queen album", 20*m, func(p *schemas.SERP) {
		p.Route.Name = "new_releases"
		p.Sections[0].Component = "answer"
	})
	// 4 is reformulated by 5 (it has all its words), and so is 5 by 6 (3 of 5 words are common).
	// 6 succeeds by a stream that names no section. None of them has a market.
	nowhere := func(p *schemas.SERP) { p.Market = "" }
	l.search(4, "C", "new  DAFT", 30*m, nowhere)
	l.search(5, "C", "new daft punk song", 31*m, nowhere)
	l.search(6, "C", "new daft punk album", 32*m, nowhere)
	l.event("e6", 6, "stream", 33*m, played(31_000))
	// 7 is typed on the way to 8, which is abandoned: its stream was too short.
	l.search(7, "D", "da", 40*m)
	l.search(8, "D", "daft", 40*m+time.Second)
	l.event("e7", 8, "stream", 41*m, in("results"), played(10_000))
	// 9: a click after 31 min, one that came 25 h late: abandoned.
	l.search(9, "E", "abba", 50*m)
	l.event("e8", 9, "click", 81*m, in("results"))
	l.event("e9", 9, "click", 51*m, in("results"), func(i *schemas.Interaction) { i.ReceivedAt = i.ReceivedAt.Add(25 * time.Hour); i.SentAt = i.ReceivedAt })
	// 10: 65 clicks are a flood.
	l.search(10, "F", "blur", 60*m)
	for i := range 65 {
		l.event(fmt.Sprintf("f%d", i), 10, "click", 61*m, in("results"))
	}
	// 11, of an old version, and by a client whose clock is an hour ahead: success after 5 s.
	l.search(11, "", "pulp", 70*m, func(p *schemas.SERP) { p.Asked, p.Timings.TotalMS = nil, 100 })
	l.event("e10", 11, "click", 70*m+5*time.Second, in("results"), func(i *schemas.Interaction) {
		i.SentAt, i.Timestamp = i.SentAt.Add(time.Hour), i.Timestamp.Add(time.Hour)
	})
	// A health check, an orphan, and a search of the day before.
	l.search(12, "G", "probe", 0, func(p *schemas.SERP) { p.Probe = true })
	l.event("e11", 999, "click", 0)
	l.search(13, "H", "suede", -24*time.Hour)
	flush(t, l.e)
	return cfg.Dir
}

// python makes an environment with packages and returns its interpreter.
func python(t *testing.T, packages ...string) string {
	t.Helper()
	dir := t.TempDir()
	runCommand(t, "python3", "-m", "venv", dir)
	runCommand(t, filepath.Join(dir, "bin", "pip"), append([]string{"install", "-q", "--disable-pip-version-check"}, packages...)...)
	return filepath.Join(dir, "bin", "python")
}

func runCommand(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		var stderr []byte
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output returns it bare
			stderr = exit.Stderr
		}
		t.Fatalf("%s: %v\n%s\n%s", name, err, out, stderr)
	}
	return out
}

// answers runs a script over a folder; it prints one JSON object of answers by question.
func answers(t *testing.T, interpreter, script string, args ...string) map[string]any {
	t.Helper()
	out := runCommand(t, interpreter, append([]string{filepath.Join("testdata", script)}, args...)...)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return got
}

// same fails unless the answer to a question is the wanted JSON.
func same(t *testing.T, got map[string]any, question, want string) {
	t.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got[question], wanted) {
		text, _ := json.Marshal(got[question])
		t.Errorf("%s:\n%s\nwant\n%s", question, text, want)
	}
}

const views = "../../deploy/duckdb/views.sql"

// DuckDB and PyArrow read what is written, with the numbers that are worked out by hand.
func TestDuckDB(t *testing.T) {
	skipUnless(t, "PFR_TEST_PYTHON", "needs Python and installs packages")
	interpreter := python(t, "duckdb==2.0.0", "pyarrow==26.0.1")
	t.Run("HandWorked", func(t *testing.T) { testHandWorked(t, interpreter) })
	t.Run("AllVersions", func(t *testing.T) { testAllVersions(t, interpreter) })
	t.Run("DocumentedCommand", func(t *testing.T) { testDocumentedCommand(t, interpreter) })
}

func testHandWorked(t *testing.T, interpreter string) {
	dir := handWorked(t)
	got := answers(t, interpreter, "read_duckdb.py", dir, views)
	// The numbers follow from the comments of handWorked.
	same(t, got, "rows", `{"searches": 13, "interactions": 77, "distinct searches": 12, "distinct interactions": 76}`)
	same(t, got, "outcomes", `[
		["2026-11-22", 13, "US",      0, 0, false, null, null, null,  false, false, false, false, true,  true],
		["2026-11-23", 1,  "US",      1, 0, true,  "results", 1, 10000, false, false, false, false, false, false],
		["2026-11-23", 2,  "US",      1, 1, true,  "more", 2, 20000,    true,  false, false, false, false, false],
		["2026-11-23", 3,  "US",      0, 0, false, null, null, null,  false, false, false, false, true,  false],
		["2026-11-23", 4,  "unknown", 0, 0, false, null, null, null,  false, false, true,  false, false, false],
		["2026-11-23", 5,  "unknown", 0, 0, false, null, null, null,  false, false, true,  false, false, false],
		["2026-11-23", 6,  "unknown", 0, 1, true,  null, null, 60000, false, false, false, false, false, false],
		["2026-11-23", 7,  "US",      0, 0, false, null, null, null,  false, true,  false, false, true,  true],
		["2026-11-23", 8,  "US",      0, 0, false, null, null, null,  false, false, false, false, true,  true],
		["2026-11-23", 9,  "US",      0, 0, false, null, null, null,  false, false, false, false, true,  true],
		["2026-11-23", 10, "US",      0, 0, false, null, null, null,  false, false, false, true,  false, false],
		["2026-11-23", 11, "US",      1, 0, true,  "results", 1, 5000,  false, false, false, false, false, false]
	]`)
	// Searches without the typed one: 1, 2, 4, 5, 6, 8, 9, 10 and 11 on the route search.
	same(t, got, "success_by_route", `[
		["2026-11-22", "search", 1, 0, 0, 0, 0, null, 0, 1, 1, 113, 1],
		["2026-11-23", "new_releases", 1, 0, 0, 0, 0, null, 0, 1, 0, 103, 1],
		["2026-11-23", "search", 9, 4, 0.4444, 0.3333, 0.2222, 0.25, 0.2222, 0.2222, 0.2222, 108, 1]
	]`)
	same(t, got, "one day", `[["2026-11-22", "search", 1]]`)
	same(t, got, "sections", `[["results", "search", 1, ["track:a"]], ["more", "dj", 2, ["track:b", "track:c"]]]`)
	same(t, got, "pyarrow", `{"searches": 13, "interactions": 77, "US": 10, "items of more": 26, "first": "2026-11-22 12:00:00+00:00", "locales": [null, "en-US"], "without a tool": 0}`)
}

// A lake in which old files lie beside new ones, and one that is empty.
func testAllVersions(t *testing.T, interpreter string) {
	cfg := config(filepath.Join(t.TempDir(), "lake"))
	e := open(t, cfg)
	empty := answers(t, interpreter, "read_duckdb.py", cfg.Dir, views)
	same(t, empty, "rows", `{"searches": 0, "interactions": 0, "distinct searches": 0, "distinct interactions": 0}`)
	same(t, empty, "success_by_route", `[]`)

	addOld(t, cfg.Dir)
	feedAll(t, e, pageAt(0, 0, 0))
	flush(t, e)
	got := answers(t, interpreter, "read_duckdb.py", cfg.Dir, views)
	same(t, got, "rows", `{"searches": 3, "interactions": 0, "distinct searches": 3, "distinct interactions": 0}`)
	same(t, got, "locales", `["en-US", null, null]`)
	same(t, got, "pyarrow", `{"searches": 3, "interactions": 0, "US": 3, "items of more": null, "first": "2026-11-23 12:00:00+00:00", "locales": [null, "en-US"], "without a tool": 2}`)
	same(t, got, "success_by_route", `[["2026-11-23", "search", 3, 0, 0, 0, 0, null, 0, 1, 1, 100, 0]]`)
	if _, err := e.Erase(t.Context(), subjects); err != nil {
		t.Fatal(err)
	}
	got = answers(t, interpreter, "read_duckdb.py", cfg.Dir, views)
	same(t, got, "rows", `{"searches": 2, "interactions": 0, "distinct searches": 2, "distinct interactions": 0}`)
}

// What the documentation says is what works: its last command shows the success of yesterday.
func testDocumentedCommand(t *testing.T, interpreter string) {
	text, err := os.ReadFile("../../docs/analytics/duckdb.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "python3 -c ") })
	if at < 0 {
		t.Fatal("the documentation has no such command")
	}
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err == nil {
		err = os.Symlink(filepath.Join(root, "deploy"), filepath.Join(dir, "deploy"))
	}
	if err != nil {
		t.Fatal(err)
	}
	l := &lake{t: t, e: open(t, config(filepath.Join(dir, "lake"))), offsets: map[string]int64{}}
	yesterday := time.Since(noon) - 24*time.Hour
	for i, after := range []time.Duration{yesterday, yesterday + time.Second, yesterday + 24*time.Hour} { // at midnight, today is yesterday
		l.search(2*i+1, "A", "daft punk", after)
		l.search(2*i+2, "B", "abba", after)
		l.event(fmt.Sprint(i), 2*i+1, "click", after+time.Second, in("results"))
	}
	flush(t, l.e)
	command := strings.Replace(lines[at], "python3", interpreter, 1)
	out := string(runCommand(t, "sh", "-c", "cd '"+dir+"' && "+command))
	columns := strings.FieldsFunc(out, func(r rune) bool { return r == '│' || unicode.IsSpace(r) })
	if at := slices.Index(columns, "search"); at < 0 || !slices.Equal(columns[at+1:at+3], []string{"4", "0.5"}) && !slices.Equal(columns[at+1:at+3], []string{"2", "0.5"}) {
		t.Errorf("%s\n%s", command, out)
	}
}

// Spark reads a lake of two versions, with the folders as columns.
func TestSpark(t *testing.T) {
	skipUnless(t, "PFR_TEST_SPARK", "needs Python and a JDK, and installs Spark")
	interpreter := python(t, "pyspark==4.0.4")
	dir := handWorked(t)
	addOld(t, dir)
	got := answers(t, interpreter, "read_spark.py", dir)
	same(t, got, "searches", `[
		["2026-11-22", "US", "search", 1], ["2026-11-23", "US", "new_releases", 1], ["2026-11-23", "US", "search", 10], ["2026-11-23", "unknown", "search", 3]
	]`)
	same(t, got, "interactions", `[["click", 73], ["impression", 1], ["stream", 3]]`)
	same(t, got, "items of more", `26`)
	same(t, got, "first", `"2026-11-22 12:00:00"`)
	same(t, got, "without a locale", `3`)
}
