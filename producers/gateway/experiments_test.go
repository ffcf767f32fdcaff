package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// trials are experiments that were read out.
type trials struct {
	err      error // nil: what is set is kept
	readouts []schemas.ExperimentReadout
	arms     []gateway.ArmState
	set      []schemas.Control
}

func (x *trials) Readouts() []schemas.ExperimentReadout { return x.readouts }
func (x *trials) Arms() []gateway.ArmState              { return x.arms }

func (x *trials) SetArm(ctx context.Context, c schemas.Control) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return context.DeadlineExceeded
	}
	if x.err == nil {
		x.set = append(x.set, c)
	}
	return x.err
}

// readoutFile is a readout as the consumers publish it.
func readoutFile(t *testing.T) json.RawMessage {
	t.Helper()
	data, err := os.ReadFile("testdata/readout.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// over is a readout of an experiment that has ended, after its plan was changed.
func over(t *testing.T) json.RawMessage {
	t.Helper()
	return json.RawMessage(strings.NewReplacer(
		`"moved": 3`, `"moved": 3, "stopped": ["new"], "stopped_at": "2026-11-22T09:30:00Z", "plan_changed_at": "2026-11-20T08:00:00Z"`,
	).Replace(strings.Replace(string(readoutFile(t)), `"decision": "hold"`, `"decision": "ship"`, 1)))
}

func newTrials(t *testing.T) *trials {
	t.Helper()
	at := time.Now().UTC()
	return &trials{
		readouts: []schemas.ExperimentReadout{
			{SchemaVersion: schemas.Version, Experiment: "reranker", AsOf: at, Readout: readoutFile(t)},
			{SchemaVersion: schemas.Version, Experiment: "search-next", Kind: schemas.ReadoutComparison, AsOf: at, Readout: json.RawMessage(
				`{"name":"search-next","route":"search","section":"results","rival":"search_next","as_of":"2026-10-05T09:00:00Z","preference":{"a":12,"b":30,"ties":5,"delta":-0.19,"share":0.286,"interval":{"low":0.17,"high":0.44},"p":0.008}}`)},
			{SchemaVersion: schemas.Version, Experiment: "a/b?", AsOf: at, Readout: over(t)},
		},
		arms: []gateway.ArmState{
			{Arm: "reranker/new", Off: true, Reason: "pages are slow", By: "experiments", SetAt: at}, {Arm: "another/new", Off: true, By: "operator", SetAt: at},
		},
	}
}

func TestExperimentsAreShown(t *testing.T) {
	b := newBackend(t)
	b.experiments = newTrials(t)
	g := b.open(t, guarded(t))
	d := describe(t, g)
	w := serve(g, as(get(t, "/v1/experiments"), officeKey))
	if err := d.check(t, "Experiments", w.Body.Bytes()); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %v", w.Code, err)
	}
	var list struct {
		Experiments []struct {
			Experiment string
			Readout    map[string]json.RawMessage
			Arms       []gateway.ArmState
		}
		MayOperate bool `json:"may_operate"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Experiments) != 2 || list.Experiments[0].Experiment != "a/b?" || list.Experiments[1].Readout["history"] != nil || list.Experiments[1].Readout["report"] == nil {
		t.Errorf("%+v", list)
	}
	if arms := list.Experiments[1].Arms; len(arms) != 1 || arms[0].Arm != "reranker/new" || !arms[0].Off || !list.MayOperate {
		t.Errorf("arms %+v, may operate %v", arms, list.MayOperate)
	}
	w = serve(g, as(get(t, "/v1/experiments/reranker"), germanKey))
	if err := d.check(t, "Experiment", w.Body.Bytes()); err != nil || !strings.Contains(w.Body.String(), `"history"`) || !strings.Contains(w.Body.String(), `"may_operate":false`) {
		t.Errorf("%d %v", w.Code, err)
	}
	if w := serve(g, as(get(t, "/v1/experiments/a%2Fb%3F"), officeKey)); w.Code != http.StatusOK {
		t.Errorf("a name with a slash: %d", w.Code)
	}
	if w := serve(g, as(get(t, "/v1/experiments/none"), officeKey)); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "/v1/experiments lists") {
		t.Errorf("none: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/v1/experiments", "/v1/experiments/reranker", "/experiments", "/experiments/reranker", "/insights"} {
		if w := serve(g, get(t, path)); w.Code != http.StatusUnauthorized {
			t.Errorf("%s without a key: %d", path, w.Code)
		}
		if w := serve(g, as(get(t, path), eventsKey)); w.Code != http.StatusForbidden {
			t.Errorf("%s with a key for events alone: %d", path, w.Code)
		}
	}
}

func TestNoExperiments(t *testing.T) {
	g := newBackend(t).open(t, nil)
	if w := serve(g, get(t, "/v1/experiments")); w.Body.String() != `{"experiments":[],"comparisons":[],"may_operate":false}` {
		t.Error(w.Body)
	}
	if w := serve(g, get(t, "/v1/experiments/x")); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
}

func TestOperatorSwitchesArms(t *testing.T) {
	exps := newTrials(t)
	b := newBackend(t)
	b.experiments = exps
	g := b.open(t, guarded(t))
	d := describe(t, g)
	set := func(key, body string) (int, string) {
		r := as(post(t, "/v1/operator/arms", body), key)
		w := serve(g, r)
		d.declares(t, r, w)
		return w.Code, w.Body.String()
	}
	code, body := set(operatorKey, `{"arm": "reranker/new", "off": true, "reason": "a drill"}`)
	if err := d.check(t, "ArmState", []byte(body)); code != http.StatusOK || err != nil {
		t.Errorf("%d %s %v", code, body, err)
	}
	if code, body := set(operatorKey, `{"arm": "unheard/of", "off": true}`); code != http.StatusOK {
		t.Errorf("an experiment that was not read out: %d %s", code, body)
	}
	if code, body := set(operatorKey, `{"arm": "reranker/new", "off": false}`); code != http.StatusOK || !strings.Contains(body, `"off":false`) {
		t.Errorf("on again: %d %s", code, body)
	}
	if len(exps.set) != 3 {
		t.Fatalf("set %+v", exps.set)
	}
	if got := exps.set[0]; got.Arm != "reranker/new" || !got.Off || got.Reason != "a drill" || got.By != "operator" || got.Ladder != "" || got.Validate() != nil || exps.set[2].Off {
		t.Errorf("set %+v", exps.set)
	}
	for _, c := range []struct {
		key, body, want string
		code            int
	}{
		{"", `{"arm": "reranker/new", "off": true}`, "Bearer", 401},
		{germanKey, `{"arm": "reranker/new", "off": true}`, "operate", 403},
		{operatorKey, `{"arm": "reranker/new"}`, "off: must be true, or false", 400},
		{operatorKey, `{"off": true}`, "arm: must be the name of an experiment and of its arm", 400},
		{operatorKey, `{"arm": "reranker", "off": true}`, "arm: must be", 400},
		{operatorKey, `{"arm": "reranker/nwe", "off": true}`, "reranker has no such arm. There are new.", 400},
		{operatorKey, `{"arm": "reranker/control", "off": true}`, "is the control", 400},
		{operatorKey, `{"arm": "reranker/new", "off": true, "by": "somebody else"}`, "by", 400},
		{operatorKey, `{"arm": "x/` + strings.Repeat("y", schemas.MaxNameBytes) + `", "off": true}`, "arm: ", 400},
	} {
		if code, body := set(c.key, c.body); code != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%.60s: %d %s", c.body, code, body)
		}
	}
	exps.err = errBroker
	if code, body := set(operatorKey, `{"arm": "reranker/new", "off": true}`); code != http.StatusServiceUnavailable || strings.Contains(body, errBroker.Error()) {
		t.Errorf("brokers away: %d %s", code, body)
	}
	if w := serve(newBackend(t).open(t, guarded(t)), as(post(t, "/v1/operator/arms", `{"arm": "a/b", "off": true}`), operatorKey)); w.Code != http.StatusNotFound {
		t.Errorf("without experiments: %d", w.Code)
	}
}
