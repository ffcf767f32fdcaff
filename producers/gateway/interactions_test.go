package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

func click(id string) string {
	return `{"event_id":"` + id + `","action_name":"click","query_id":"` + someID + `","client_id":"c","timestamp":"2025-06-28T10:00:00Z",
		"event_attributes":{"object":{"object_id":"artist:khruangbin","description":"ignored"},"position":{"ordinal":2}}}`
}

const otherID = "01890a5d-ac96-774b-bcce-b302099a80f8"

// of returns an event with the id of another search.
func of(id, event string) string { return strings.Replace(event, someID, id, 1) }

// verdicts tells the answer as "id status, id status".
func verdicts(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		Results []struct {
			EventID string `json:"event_id"`
			Status  string
			Reason  string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	var out []string
	for _, r := range body.Results {
		if (r.Status == "rejected") != (r.Reason != "") {
			t.Errorf("%s has the reason %q", r.Status, r.Reason)
		}
		out = append(out, r.EventID+" "+r.Status)
	}
	return strings.Join(out, ", ")
}

func TestInteractions(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, nil)
	for _, c := range []struct{ name, body, want string }{
		{"one", click("a"), "a accepted"},
		{"again", click("a"), "a duplicate"},
		{"the same id of another search", of(otherID, click("a")), "a accepted"},
		{"the same id of two searches at once", "[" + of(otherID, click("z")) + "," + click("z") + "," + of(otherID, click("z")) + "]", "z accepted, z accepted, z duplicate"},
		{"several", "[" + click("b") + "," + click("a") + "," + click("b") + "," + click("c") + "]", "b accepted, a duplicate, b duplicate, c accepted"},
		{"no id", strings.Replace(click("x"), `"event_id":"x",`, "", 1), " rejected"},
		{"good and bad", "[" + click("d") + `,{"event_id":"e"},7,{"event_id":"f","timestamp":"today"}]`, "d accepted, e rejected,  rejected, f rejected"},
		{"unknown major version", strings.Replace(click("g"), "{", `{"schema_version":"9.0",`, 1), "g rejected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := serve(g, post(t, "/v1/interactions", c.body))
			if got := verdicts(t, w); w.Code != http.StatusAccepted || got != c.want {
				t.Errorf("status %d, %q; want %q", w.Code, got, c.want)
			}
		})
	}
	var ids []string
	for _, ev := range b.published() {
		if ev.SchemaVersion != schemas.Version || ev.QueryID != someID && ev.QueryID != otherID || ev.EventAttributes.Position.Ordinal != 2 {
			t.Errorf("published %+v", ev)
		}
		ids = append(ids, ev.EventID)
	}
	if len(ids) != 7 {
		t.Errorf("published %v", ids)
	}
}

// A client made for the standard puts what goes beyond it under event_attributes.
func TestInteractionAsTheStandardHasIt(t *testing.T) {
	b := newBackend(t)
	g := b.open(t, nil)
	body := `{"action_name":"stream","query_id":"` + someID + `","client_id":"c","session_id":"s","timestamp":"2025-06-28T10:00:00Z",
		"message":"played","message_type":"INFO","received_at":"1999-01-01T00:00:00Z","event_attributes":{
		"object":{"object_id":"track:x","object_id_field":"id"},"position":{"ordinal":3},"event_id":"u","section_id":"tracks",
		"section_position":2,"route":"search","market":"SE","ms_played":31000,"visible_ms":40,"sent_at":"2025-06-28T10:00:09Z"}}`
	before := time.Now()
	if got := verdicts(t, serve(g, post(t, "/v1/interactions", body))); got != "u accepted" {
		t.Fatal(got)
	}
	ev := b.published()[0]
	if ev.SectionID != "tracks" || ev.SectionPosition != 2 || ev.Route != "search" || ev.Market != "SE" || ev.MSPlayed != 31000 || ev.VisibleMS != 40 || ev.SentAt.IsZero() {
		t.Errorf("published %+v", ev)
	}
	if ev.ReceivedAt.Before(before) {
		t.Errorf("received at %v, as the client says", ev.ReceivedAt)
	}
	wrong := strings.Replace(body, `"market":"SE"`, `"market":"Sweden"`, 1)
	if got := verdicts(t, serve(g, post(t, "/v1/interactions", wrong))); got != "u rejected" {
		t.Error(got)
	}
}

func TestBadInteractionRequests(t *testing.T) {
	g := newBackend(t).open(t, nil)
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"not JSON": {`{"event_id":`, 400}, "a string": {`"x"`, 400}, "nothing": {``, 400}, "no events": {`[]`, 400},
		"too many": {"[" + strings.Repeat("{},", 500) + "{}]", 400},
		"too long": {"[" + strings.Repeat(" ", 256<<10) + "]", 413},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(g, post(t, "/v1/interactions", c.body))
			if problemOf(t, w); w.Code != c.status {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
		})
	}
}

// What the brokers did not take is not remembered, so that it can be sent again.
func TestInteractionsAreSafeToSendAgain(t *testing.T) {
	b := newBackend(t)
	away := true
	b.publish = func(i schemas.Interaction) error {
		if away && i.EventID == "b" {
			return errBroker
		}
		return nil
	}
	g := b.open(t, nil)
	batch := "[" + click("a") + "," + click("b") + "," + click("b") + `,{"event_id":"c"}]`
	w := serve(g, post(t, "/v1/interactions", batch))
	if problemOf(t, w); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"part":"kafka"`) || verdicts(t, w) != "a accepted, c rejected" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	away = false
	w = serve(g, post(t, "/v1/interactions", batch))
	if got := verdicts(t, w); got != "a duplicate, b accepted, b duplicate, c rejected" {
		t.Errorf("again: %s", got)
	}
}

func TestInteractionsTakeAFullBatch(t *testing.T) {
	b := newBackend(t)
	events := make([]string, 500)
	for i := range events {
		events[i] = click(fmt.Sprint("e", i))
	}
	w := serve(b.open(t, nil), post(t, "/v1/interactions", "["+strings.Join(events, ",")+"]"))
	if n := strings.Count(verdicts(t, w), "accepted"); n != 500 || len(b.published()) != 500 {
		t.Errorf("%d accepted, %d published", n, len(b.published()))
	}
}
