package gateway

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
	"github.com/parallel-fusion/pfr/schemas"
)

// Online knows what came of the searches. [Series] does.
type Online interface {
	// Snapshot returns what is known of each route over all time, in any order.
	Snapshot() []schemas.OnlineMetrics
	// Select returns the records that are wanted, as the caller's own.
	Select(q Selection) Selected
}

// onlineMetrics is what came of the searches of each route.
type onlineMetrics struct {
	AsOf   time.Time                       `json:"as_of"`
	Routes map[string]schemas.SearchCounts `json:"routes"`
}

// onlineSeries is the same by windows and cuts.
type onlineSeries struct {
	AsOf      time.Time `json:"as_of"`
	Window    string    `json:"window"`
	Cut       string    `json:"cut"`
	Cuts      []string  `json:"cuts"`      // that there are in windows of this kind
	Truncated bool      `json:"truncated"` // the oldest windows are left out, because there are too many records
	Series    []Point   `json:"series"`
}

const (
	defaultCut = "route"
	maxPoints  = 5000 // in one answer
)

// online answers without parameters with the counts of each route over all time, and with
// any with a series.
func (g *Gateway) online(w http.ResponseWriter, r *http.Request) *problem {
	params := r.URL.Query()
	if len(params) == 0 {
		return writeJSON(w, http.StatusOK, g.onlineMetrics())
	}
	q, rates, p := selectionOf(params)
	if p != nil {
		return p
	}
	who, wanted := access.From(r.Context()), q.Wanted
	q.Wanted = func(c schemas.Cut) bool { return wanted(c) && (c.Market == "" || who.In(c.Market)) }
	found := g.ports.Online.Select(q)
	if found.AsOf.IsZero() {
		found.AsOf = time.Now().UTC() // there was nothing to count so far
	}
	out := onlineSeries{found.AsOf, q.Window, q.Cut, found.Cuts, found.Truncated, found.Points}
	if out.Series == nil {
		out.Series = []Point{}
	}
	if out.Cuts == nil {
		out.Cuts = []string{}
	}
	for i := range out.Series {
		only(out.Series[i].Rates, rates)
	}
	return writeJSON(w, http.StatusOK, out)
}

// only removes the rates that are not wanted; none means that all are.
func only(rates map[string]float64, wanted []string) {
	if len(wanted) == 0 {
		return
	}
	for name := range rates {
		if !slices.Contains(wanted, name) {
			delete(rates, name)
		}
	}
}

func (g *Gateway) onlineMetrics() onlineMetrics {
	out := onlineMetrics{Routes: map[string]schemas.SearchCounts{}}
	for _, m := range g.ports.Online.Snapshot() {
		out.Routes[m.Cut.Route] = m.Counts
		if m.AsOf.After(out.AsOf) {
			out.AsOf = m.AsOf
		}
	}
	if out.AsOf.IsZero() {
		out.AsOf = time.Now().UTC() // there was nothing to count so far
	}
	return out
}

// onlineParams are the parameters of a series, sorted.
func onlineParams() []string {
	names := append(dimensions(), "window", "cut", "from", "to", "rates", "limit")
	slices.Sort(names)
	return names
}

// selectionOf reads which records and which of their rates are asked for.
func selectionOf(params url.Values) (q Selection, rates []string, p *problem) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.Contains(onlineParams(), name) {
			return q, nil, newProblem(http.StatusBadRequest, name+": there is no such parameter. There are "+strings.Join(onlineParams(), ", ")+".")
		}
		if len(params[name]) > 1 {
			return q, nil, newProblem(http.StatusBadRequest, name+": must be given once.")
		}
	}
	q.Window, q.Most = cmp.Or(params.Get("window"), schemas.WindowAll), maxPoints
	kinds := []string{schemas.WindowMinute, schemas.WindowHour, schemas.WindowDay, schemas.WindowAll}
	if !slices.Contains(kinds, q.Window) {
		return q, nil, newProblem(http.StatusBadRequest, "window: must be one of "+strings.Join(kinds, ", ")+".")
	}
	if q.Cut, p = parseCut(cmp.Or(params.Get("cut"), defaultCut)); p != nil {
		return q, nil, p
	}
	if q.Wanted, p = wantedOf(params, q.Cut); p != nil {
		return q, nil, p
	}
	if p = q.times(params); p != nil {
		return q, nil, p
	}
	if limit := params.Get("limit"); limit != "" {
		var err error
		if q.Most, err = strconv.Atoi(limit); err != nil || q.Most < 1 || q.Most > maxPoints {
			return q, nil, newProblem(http.StatusBadRequest, fmt.Sprintf("limit: must be an integer from 1 to %d.", maxPoints))
		}
	}
	return q, strings.FieldsFunc(params.Get("rates"), func(r rune) bool { return r == ',' || r == ' ' }), nil
}

// wantedOf returns which values of a cut are asked for.
func wantedOf(params url.Values, cut string) (func(schemas.Cut) bool, *problem) {
	names := dimensions()
	var want [7]string
	for i, name := range names {
		if !params.Has(name) {
			continue
		}
		if !slices.Contains(strings.Split(cut, "+"), name) {
			return nil, newProblem(http.StatusBadRequest, name+": is not cut by. Put it into cut, too.")
		}
		want[i] = params.Get(name)
	}
	return func(c schemas.Cut) bool {
		for i, v := range valuesOf(c) {
			if want[i] != "" && want[i] != v {
				return false
			}
		}
		return true
	}, nil
}

// times reads from and to.
func (q *Selection) times(params url.Values) *problem {
	for name, into := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		text := strings.ReplaceAll(params.Get(name), " ", "+") // what a "+" means in an address
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return newProblem(http.StatusBadRequest, name+": must be a time in RFC 3339 form, such as 2026-11-23T12:00:00Z.")
		}
		if q.Window == schemas.WindowAll {
			return newProblem(http.StatusBadRequest, name+": there is but one window of all time. Ask for window=1m, 1h or 1d.")
		}
		*into = at
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return newProblem(http.StatusBadRequest, "from: must be before to.")
	}
	return nil
}
