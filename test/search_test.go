package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

func TestPipeline(t *testing.T) {
	for name, start := range modes() {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			t.Run("worked examples", func(t *testing.T) { testWorkedExamples(t, p) })
			t.Run("progressive sections", func(t *testing.T) { testProgress(t, p) })
			t.Run("pages stay readable", func(t *testing.T) { testPageByID(t, p) })
			t.Run("interactions", func(t *testing.T) { testInteractions(t, p) })
			t.Run("plain search", func(t *testing.T) { testPlainSearch(t, p) })
			t.Run("measured", func(t *testing.T) { testMeasured(t, p) })
			t.Run("terminal", func(t *testing.T) { testTerminal(t, p) })
			t.Run("bad requests", func(t *testing.T) { testBadRequests(t, p) })
			for _, proc := range slices.Backward(p.procs) {
				proc.stop(t, 10*time.Second)
			}
		})
	}
}

// The two worked examples of the design, through the whole pipeline.
func testWorkedExamples(t *testing.T, p *pipeline) {
	page := p.search(t, "new indie rock releases")
	params, err := json.Marshal(page.Route.Params)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"entity_types":["track","album"],"genre":"indie rock","max_weeks_from_release":4}`; page.Route.Name != "personalized_recs" || string(params) != want {
		t.Fatalf("decision: %s %s", page.Route.Name, params)
	}
	forYou := page.Sections[0]
	if forYou.Status != schemas.SectionOK || len(forYou.Items) < 3 {
		t.Errorf("for you: %s, %d items", forYou.Status, len(forYou.Items))
	}
	for _, it := range forYou.Items {
		if it.ReleaseDate < "2025-05-31" || it.ReleaseDate > "2025-06-28" || it.Type != "track" && it.Type != "album" {
			t.Errorf("not a new track or album: %+v", it)
		}
	}

	page = p.search(t, "latest albums by lady gaga")
	if got, want := outline(page), "new_releases complete: latest_releases new_releases ok, release_date release_info ok, recent_tracks search ok"; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	if albums := page.Sections[0].Items; len(albums) < 3 || albums[0].Title != "Mayhem" || albums[0].ReleaseDate != "2025-03-07" {
		t.Errorf("latest albums: %d, the first %+v", len(albums), albums[0])
	}
	if answer := page.Sections[1].Text; !strings.Contains(answer, "Mayhem") || !strings.Contains(answer, "2025") {
		t.Errorf("answer: %q", answer)
	}
}

func outline(page schemas.SERP) string {
	var sections []string
	for _, s := range page.Sections {
		sections = append(sections, fmt.Sprintf("%s %s %s", s.ID, s.Tool, s.Status))
	}
	return fmt.Sprintf("%s %s: %s", page.Route.Name, page.Status, strings.Join(sections, ", "))
}

func testProgress(t *testing.T, p *pipeline) {
	_, stream := p.get(t, "/v1/search?q="+url.QueryEscape("artists similar to Khruangbin")+"&deadline_ms=5000", "text/event-stream")
	var events []string
	var page schemas.SERP
	for line := range strings.Lines(stream) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case field == "event":
			events = append(events, value)
		case field == "data" && events[len(events)-1] == "serp":
			if err := json.Unmarshal([]byte(value), &page); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := strings.Join(events, " "), "route section section section serp"; got != want {
		t.Errorf("events: %s", got)
	}
	if page.Route.Name != "similar_artists" || page.Status != schemas.SERPComplete || len(page.Sections[0].Items) == 0 {
		t.Error(outline(page))
	}
}

func testPageByID(t *testing.T, p *pipeline) {
	page := p.search(t, "true crime podcasts")
	var stored schemas.SERP
	eventually(t, "the page in the store", func() bool {
		status, body := p.get(t, "/v1/serps/"+page.CorrelationID, "application/json")
		return status == http.StatusOK && json.Unmarshal([]byte(body), &stored) == nil
	})
	if outline(stored) != outline(page) {
		t.Errorf("stored %s\nserved %s", outline(stored), outline(page))
	}
	if status, body := p.get(t, "/v1/explain/"+page.CorrelationID, "application/json"); status != http.StatusOK || !strings.Contains(body, "podcast_recs") {
		t.Errorf("explain: %d %s", status, body)
	}
	if status, _ := p.get(t, "/v1/serps/01890a5d-ac96-774b-bcce-b302099a8057", "application/json"); status != http.StatusNotFound {
		t.Errorf("unknown page: %d", status)
	}
}

// Clicks and streams come back as metrics of the route, each event once.
func testInteractions(t *testing.T, p *pipeline) {
	counts := func() (c schemas.SearchCounts) {
		_, body := p.get(t, "/v1/metrics/online", "application/json")
		var online struct {
			Routes map[string]schemas.SearchCounts
		}
		if err := json.Unmarshal([]byte(body), &online); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		return online.Routes["podcast_episodes"]
	}
	page := p.search(t, "latest episode of the daily")
	if page.Route.Name != "podcast_episodes" {
		t.Fatal(outline(page))
	}
	item := page.Sections[0].Items[0].ID
	event := func(id, action string, played int) string {
		return fmt.Sprintf(`{"event_id":%q,"action_name":%q,"query_id":%q,"client_id":"c","timestamp":%q,"ms_played":%d,"section_id":"newest_episodes","event_attributes":{"object":{"object_id":%q},"position":{"ordinal":1}}}`,
			id, action, page.CorrelationID, time.Now().UTC().Format(time.RFC3339Nano), played, item)
	}
	id := page.CorrelationID[:8] + "-"
	body := "[" + strings.Join([]string{event(id+"1", "click", 0), event(id+"1", "click", 0), event(id+"2", "stream", 45000), event(id+"3", "stream", 100), `{"event_id":"bad"}`}, ",") + "]"
	resp, err := http.Post(p.http+"/v1/interactions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer := readAll(t, resp.Body)
	if resp.StatusCode != http.StatusAccepted || strings.Count(answer, `"accepted"`) != 3 || strings.Count(answer, `"duplicate"`) != 1 || strings.Count(answer, `"rejected"`) != 1 {
		t.Errorf("%d %s", resp.StatusCode, answer)
	}
	// Frontends may publish events themselves: one is new, one came over HTTP already.
	for _, n := range []string{"4", "1"} {
		produce(t, p.kafka, schemas.TopicInteractions, strings.Replace(event(id+n, "click", 0), "{", `{"schema_version":"1.0",`, 1))
	}
	want := schemas.SearchCounts{Searches: 1, Clicks: 2, Streams: 1, Successes: 1, SuccessRate: 1, Viewed: 1, Clicked: 1, Streamed: 1}
	eventually(t, "the metrics of the clicks", func() bool {
		c := counts()
		return c.Searches == want.Searches && c.Clicks == want.Clicks && c.Streams == want.Streams && c.Successes == want.Successes &&
			c.SuccessRate == want.SuccessRate && c.Viewed == want.Viewed && c.Clicked == want.Clicked && c.Streamed == want.Streamed
	})
}

func testTerminal(t *testing.T, p *pipeline) {
	out, err := runPFR(t, "", "ask", "latest albums by lady gaga", "--http", strings.TrimPrefix(p.http, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"new_releases", "── Latest albums ─", "Mayhem", "── Release date", "── Recent singles and tracks"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	out, err = runPFR(t, "", "topics", "--kafka", p.kafka, "--nats", p.nats)
	if err != nil || strings.Contains(out, "missing") || !strings.Contains(out, schemas.TopicSERPs) {
		t.Errorf("%v\n%s", err, out)
	}
}

func testBadRequests(t *testing.T, p *pipeline) {
	for body, want := range map[string]int{
		`{"query":""}`: 400, `{"query":"a","colour":1}`: 400, `{"query":`: 400,
		`{"query":"` + strings.Repeat("a", 257) + `"}`: 400, `{"query":"a","market":"Mars"}`: 400,
		`{"query":"a","deadline_ms":-1}`: 400, `{"query":"` + strings.Repeat("a", 1<<20) + `"}`: 413,
	} {
		resp, err := http.Post(p.http+"/v1/search", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer := readAll(t, resp.Body)
		if resp.StatusCode != want || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.60s: %d %s %s", body, resp.StatusCode, resp.Header.Get("Content-Type"), answer)
		}
	}
}
