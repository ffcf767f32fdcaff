package httpclient_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/clients/httpclient"
	"github.com/parallel-fusion/pfr/schemas"
)

// judge accepts what a request holds; skip leaves the first so many without an answer, as
// a problem.
func judge(status, skip int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var events []schemas.Interaction
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
			problem(400)(w, r)
			return
		}
		var results []httpclient.Verdict
		for _, e := range events[skip:] {
			results = append(results, httpclient.Verdict{EventID: e.EventID, Status: httpclient.Accepted})
		}
		data, _ := json.Marshal(httpclient.Problem{Title: "t", Status: status, Results: results})
		media := "application/json"
		if status >= 400 {
			media = "application/problem+json"
		}
		answer(status, media, string(data))(w, r)
	}
}

// sent lists the event ids of each request.
func sent(t *testing.T, s *script) (ids [][]string) {
	t.Helper()
	for _, a := range s.got() {
		var events []schemas.Interaction
		if err := json.Unmarshal(a.raw, &events); err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, e := range events {
			if err := e.Validate(); err != nil {
				t.Error(err)
			}
			list = append(list, e.EventID)
		}
		ids = append(ids, list)
	}
	return ids
}

func clicks(n int) []schemas.Interaction {
	events := make([]schemas.Interaction, n)
	for i := range events {
		events[i] = schemas.Interaction{
			EventID: fmt.Sprintf("e%d", i), ActionName: schemas.ActionClick, QueryID: id, ClientID: "c",
			EventAttributes: schemas.EventAttributes{Object: schemas.Object{ObjectID: "artist:a"}},
		}
	}
	return events
}

func TestOnlyWhatIsNotAcceptedIsSentAgain(t *testing.T) {
	c, s := serve(t, judge(503, 2), judge(202, 0))
	verdicts, err := c.Interact(t.Context(), clicks(4)...)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(sent(t, s)); got != "[[e0 e1 e2 e3] [e0 e1]]" {
		t.Error(got)
	}
	for i, v := range verdicts {
		if v.EventID != fmt.Sprintf("e%d", i) || v.Status != httpclient.Accepted {
			t.Errorf("%+v", v)
		}
	}
}

func TestEventsKeepTheirIDs(t *testing.T) {
	c, s := serve(t, problem(503), judge(202, 0))
	event := clicks(1)
	event[0].EventID = ""
	verdicts, err := c.Interact(t.Context(), event...)
	got := sent(t, s)
	if err != nil || len(got) != 2 || got[0][0] != got[1][0] || verdicts[0].EventID != got[0][0] || event[0].EventID != "" {
		t.Errorf("%v, %v, %v", got, verdicts, err)
	}
}

func TestManyEventsAreManyRequests(t *testing.T) {
	c, s := serve(t, judge(202, 0))
	long := clicks(1003)
	for i := range 3 { // of 100 kB each
		long[i].EventAttributes.Object.ObjectID = "artist:" + strings.Repeat("x", 100_000)
	}
	verdicts, err := c.Interact(t.Context(), long...)
	if err != nil || len(verdicts) != 1003 {
		t.Fatal(err)
	}
	total := 0
	for _, a := range s.got() {
		if len(a.raw) > 256<<10 {
			t.Errorf("%d bytes in one request", len(a.raw))
		}
		var events []json.RawMessage
		if err := json.Unmarshal(a.raw, &events); err != nil || len(events) > 500 {
			t.Errorf("%d events in one request, %v", len(events), err)
		}
		total += len(events)
	}
	if total != 1003 {
		t.Errorf("%d events were sent", total)
	}
	if verdicts, err := c.Interact(t.Context()); err != nil || len(verdicts) != 0 {
		t.Error("nothing to send:", verdicts, err)
	}
}

func TestVerdictsThatStandAreReturned(t *testing.T) {
	c, _ := serve(t, judge(503, 1))
	verdicts, err := c.Interact(t.Context(), clicks(2)...)
	// The second attempt has one event left, which is never accepted.
	if p, ok := errors.AsType[*httpclient.Problem](err); !ok || p.Status != 503 || verdicts[0].Status != "" || verdicts[1].Status != httpclient.Accepted {
		t.Errorf("%+v, %v", verdicts, err)
	}
	c, s := serve(t, answer(202, "application/json", `{"results":[]}`))
	if _, err := c.Interact(t.Context(), clicks(1)...); err == nil || len(s.got()) != 1 {
		t.Error("an answer without verdicts passed")
	}
}
