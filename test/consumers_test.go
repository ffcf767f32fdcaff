package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// One consumer process works and others wait. Whichever is killed, with its state on disk
// or without, another goes on, and what came of every search is counted once.
func TestConsumersTakeOver(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") == "" {
		t.Skip("PFR_TEST_SCALE is not set: the brokers take ten seconds to miss each process that is killed")
	}
	kafka, nats := embedded(t)
	p := roles(t, kafka, nats)
	state := t.TempDir()
	waiting := p.run(t, "consumers", "--set", "consumers.state_dir="+state, "--set", "consumers.snapshot_every=200ms")
	clicked := 0
	click := func(what string) {
		t.Helper()
		page := p.search(t, fmt.Sprintf("songs by artist number %d", clicked))
		p.click(t, page)
		clicked++
		eventually(t, what, func() bool {
			c := p.onlineTotal(t)
			return c.Searches == clicked && c.Clicks == clicked && c.Successes == clicked
		})
	}
	click("the first click")
	p.procs[0].kill(t)
	click("a click after the first process was killed")
	last := p.run(t, "consumers") // it makes the state anew from the topics
	waiting.kill(t)
	click("a click after the second process was killed")
	last.stop(t, 10*time.Second)
	p.run(t, "consumers", "--set", "consumers.state_dir="+state) // from a snapshot that is older than the topics' end
	click("a click after all of them")
}

// click reports a click on the first item of a page.
func (p *pipeline) click(t *testing.T, page schemas.SERP) {
	t.Helper()
	for _, s := range page.Sections {
		if len(s.Items) == 0 {
			continue
		}
		e := fmt.Sprintf(`{"event_id":"click-%s","action_name":"click","query_id":%q,"client_id":"c","timestamp":%q,"section_id":%q,"event_attributes":{"object":{"object_id":%q},"position":{"ordinal":1}}}`,
			page.CorrelationID[24:], page.CorrelationID, time.Now().UTC().Format(time.RFC3339Nano), s.ID, s.Items[0].ID)
		resp, err := http.Post(p.http+"/v1/interactions", "application/json", strings.NewReader(e))
		if err != nil {
			t.Fatal(err)
		}
		if answer := readAll(t, resp.Body); resp.StatusCode != http.StatusAccepted || !strings.Contains(answer, `"accepted"`) {
			t.Fatalf("%d %s", resp.StatusCode, answer)
		}
		return
	}
	t.Fatalf("nothing to click on: %s", outline(page))
}

// onlineTotal sums the online metrics of all routes up.
func (p *pipeline) onlineTotal(t *testing.T) (sum schemas.SearchCounts) {
	t.Helper()
	_, body := p.get(t, "/v1/metrics/online", "application/json")
	var online struct {
		Routes map[string]schemas.SearchCounts
	}
	if err := json.Unmarshal([]byte(body), &online); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, c := range online.Routes {
		sum.Searches += c.Searches
		sum.Clicks += c.Clicks
		sum.Successes += c.Successes
	}
	return sum
}
