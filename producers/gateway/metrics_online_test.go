package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// measured is a backend with two hours of two routes in three markets.
func measured(t *testing.T) *backend {
	t.Helper()
	b := newBackend(t)
	for hour := range 2 {
		start := noon().Add(-time.Duration(hour) * time.Hour)
		for i, cut := range []schemas.Cut{
			{},
			{Route: "search"},
			{Route: "new_releases"},
			{Route: "search", Market: "DE"},
			{Route: "search", Market: "US"},
			{Market: "DE"},
			{Market: "US"},
			{Route: "search", Section: "results"},
		} {
			b.online = append(b.online, counted("1h", start, cut, 1, 10*(hour+1)+i))
		}
	}
	b.online = append(b.online, counted("all", time.Time{}, schemas.Cut{Route: "search"}, 3, 50))
	return b
}

func TestOnlineSeries(t *testing.T) {
	g := measured(t).open(t, nil)
	d := describe(t, g)
	for name, c := range map[string]struct{ query, want string }{
		"all time":         {"window=all", " route=search 50"},
		"hours":            {"window=1h&cut=all", "23T11:00  20; 23T12:00  10"},
		"a filter":         {"window=1h&route=search", "23T11:00 route=search 21; 23T12:00 route=search 11"},
		"plus":             {"window=1h&cut=route+market&market=US", "23T11:00 route=search,market=US 24; 23T12:00 route=search,market=US 14"},
		"encoded plus":     {"window=1h&cut=market%2Broute&market=US&limit=1", "23T12:00 route=search,market=US 14"},
		"a comma":          {"window=1h&cut=section,route&from=2026-11-23T12:00:00Z", "23T12:00 route=search,section=results 17"},
		"to":               {"window=1h&cut=all&to=2026-11-23T13:00:00%2B01:00", "23T11:00  20"},
		"a plus in a time": {"window=1h&cut=all&to=2026-11-23T13:00:00+01:00", "23T11:00  20"},
		"nothing":          {"window=1d", ""},
	} {
		w := serve(g, get(t, "/v1/metrics/online?"+c.query))
		var got struct{ Series []gateway.Point }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		var lines []string
		for _, p := range got.Series {
			line := fmt.Sprintf("%s %d", p.Cut, p.Counts.Searches)
			if !p.Start.IsZero() {
				line = p.Start.UTC().Format("02T15:04") + " " + line
			} else {
				line = " " + line
			}
			lines = append(lines, line)
		}
		if s := strings.Join(lines, "; "); s != c.want {
			t.Errorf("%s: %s", name, s)
		}
		if err := d.check(t, "OnlineSeries", w.Body.Bytes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		d.declares(t, get(t, "/v1/metrics/online"), w)
	}
}

// Rates are those that are asked for; histograms, which are large, are never sent.
func TestOnlineRates(t *testing.T) {
	g := measured(t).open(t, nil)
	w := serve(g, get(t, "/v1/metrics/online?window=1h&cut=all&limit=1&rates=success_rate,more"))
	if s := w.Body.String(); !strings.Contains(s, `"rates":{"success_rate":0.5}`) || strings.Contains(s, "bins") || strings.Contains(s, "latency") || !strings.Contains(s, `"truncated":true`) {
		t.Error(s)
	}
	if s := serve(g, get(t, "/v1/metrics/online?window=1h")).Body.String(); !strings.Contains(s, `"latency_total_p95_ms":120`) || !strings.Contains(s, `"cuts":["all","market","route","route+market","route+section"]`) {
		t.Error(s)
	}
	if s := serve(g, get(t, "/v1/metrics/online")).Body.String(); !strings.HasPrefix(s, `{"as_of":"2026-11-23T12:00:00Z","routes":{"search":{"searches":`) {
		t.Error(s)
	}
}

func TestOnlineRefuses(t *testing.T) {
	g := measured(t).open(t, nil)
	for query, want := range map[string]string{
		"windows=1m":                "windows: there is no such parameter. There are arm, cut, from, ",
		"window=5m":                 "window: must be one of 1m, 1h, 1d, all.",
		"window=1h&window=1h":       "window: must be given once.",
		"cut=planet":                "cut: there is no such dimension. Use all, or up to 3 of route, tier,",
		"cut=route+route":           "cut: route is there twice.",
		"cut=route+tier+arm+tool":   "cut: must name what to cut by.",
		"cut=+":                     "cut: must name what to cut by.",
		"market=DE":                 "market: is not cut by. Put it into cut, too.",
		"window=1h&from=yesterday":  "from: must be a time in RFC 3339 form, such as",
		"from=2026-11-23T12:00:00Z": "from: there is but one window of all time. Ask for window=1m, 1h or 1d.",
		"limit=0":                   "limit: must be an integer from 1 to 5000.",
		"limit=5001":                "limit: must be",
		"window=1h&from=" + rfc(1) + "&to=" + rfc(0): "from: must be before to.",
	} {
		w := serve(g, get(t, "/v1/metrics/online?"+query))
		if detail, _ := problemOf(t, w)["detail"].(string); w.Code != http.StatusBadRequest || !strings.HasPrefix(detail, want) {
			t.Errorf("%s: %d %s", query, w.Code, detail)
		}
		d := describe(t, g)
		d.declares(t, get(t, "/v1/metrics/online"), w)
	}
}

func rfc(hours int) string {
	return url.QueryEscape(noon().Add(time.Duration(hours) * time.Hour).Format(time.RFC3339))
}

// Whose credential has markets sees no record of others.
func TestOnlineKeepsMarketsApart(t *testing.T) {
	g := measured(t).open(t, guarded(t))
	w := serve(g, as(get(t, "/v1/metrics/online?window=1h&cut=market"), germanKey))
	if s := w.Body.String(); w.Code != http.StatusOK || strings.Contains(s, `"US"`) || !strings.Contains(s, `"DE"`) {
		t.Errorf("%d %s", w.Code, s)
	}
	if w := serve(g, get(t, "/v1/metrics/online?window=1h")); w.Code != http.StatusUnauthorized {
		t.Errorf("without a key: %d", w.Code)
	}
}
