package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// controls keeps what operators set.
type controls struct {
	err error // nil: it is kept
	set []schemas.Control
}

func (*controls) State(context.Context) gateway.OperatorState {
	return gateway.OperatorState{Lag: []gateway.Lag{{Topic: "t", Group: "g", Lag: 7}}, Ladder: gateway.LadderState{InForce: schemas.LadderStudent}}
}

func (c *controls) SetLadder(ctx context.Context, set schemas.Control) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("no deadline")
	}
	if c.err == nil {
		c.set = append(c.set, set)
	}
	return c.err
}

func TestOperatorSetsTheLadder(t *testing.T) {
	ops := &controls{}
	b := newBackend(t)
	b.operations = ops
	g := b.open(t, guarded(t))
	set := func(key, body string) (int, string) {
		w := serve(g, as(post(t, "/v1/operator/ladder", body), key))
		return w.Code, w.Body.String()
	}
	if code, body := set(operatorKey, `{"ladder": "student", "reason": "it costs too much"}`); code != http.StatusOK || !strings.Contains(body, `"in_force":"student"`) {
		t.Errorf("%d %s", code, body)
	}
	if len(ops.set) != 1 {
		t.Fatalf("set %+v", ops.set)
	}
	got := ops.set[0]
	if got.Ladder != schemas.LadderStudent || got.Reason != "it costs too much" || got.By != "operator" || time.Since(got.SetAt) > time.Minute || got.Validate() != nil {
		t.Errorf("set %+v", got)
	}
	for _, c := range []struct {
		key, body, want string
		code            int
	}{
		{"", `{"ladder": "student"}`, "Bearer", 401},
		{germanKey, `{"ladder": "student"}`, "operate", 403},
		{operatorKey, `{}`, `"ladder: must be one of llm, student, search"`, 400},
		{operatorKey, `{"ladder": "off"}`, `"ladder: must be`, 400},
		{operatorKey, `{"ladder": "llm", "by": "somebody else"}`, "by", 400},
		{operatorKey, `{"ladder": "llm", "reason": "` + strings.Repeat("x", schemas.MaxTitleBytes+1) + `"}`, `"reason: `, 400},
		{operatorKey, `[]`, "", 400},
	} {
		if code, body := set(c.key, c.body); code != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%.60s: %d %s", c.body, code, body)
		}
	}
	ops.err = errBroker
	w := serve(g, as(post(t, "/v1/operator/ladder", `{"ladder": "llm"}`), operatorKey))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), errBroker.Error()) {
		t.Errorf("brokers away: %d %s", w.Code, w.Body)
	}
	if len(ops.set) != 1 {
		t.Errorf("set %+v", ops.set[1:])
	}
}

// The subject of a token may be longer than a record has room for.
func TestAnybodyWhoMayOperateSetsTheLadder(t *testing.T) {
	ops := &controls{}
	b := newBackend(t)
	b.operations = ops
	g := b.open(t, guarded(t))
	for subject, by := range map[string]string{
		"anna": "jwt:anna", strings.Repeat("ü", 100): "jwt:" + strings.Repeat("ü", 30), "an\x00na\n": "jwt:anna",
	} {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"iss": "login", "aud": "pfr", "sub": subject, "exp": time.Now().Add(time.Minute).Unix(), "scopes": []string{"operate"},
		}).SignedString([]byte(tokenSecret))
		if err != nil {
			t.Fatal(err)
		}
		w := serve(g, as(post(t, "/v1/operator/ladder", `{"ladder": "student"}`), token))
		if w.Code != http.StatusOK || ops.set[len(ops.set)-1].By != by {
			t.Errorf("%q: %d %s", subject, w.Code, w.Body)
		}
	}
}

// Who may look may not always act, and sees which.
func TestOperatorState(t *testing.T) {
	b := newBackend(t)
	b.operations = &controls{}
	g := b.open(t, guarded(t))
	for key, want := range map[string]bool{germanKey: false, officeKey: true, operatorKey: true} {
		var got struct {
			Lag        []gateway.Lag
			Ladder     gateway.LadderState
			MayOperate bool `json:"may_operate"`
		}
		w := serve(g, as(get(t, "/v1/operator"), key))
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if got.MayOperate != want || len(got.Lag) != 1 || got.Ladder.InForce != schemas.LadderStudent {
			t.Errorf("%s: %+v", key, got)
		}
	}
}

// completions suggests one query, and keeps what it was asked.
type completions []string

func (c *completions) Suggest(prefix, market string, n int) []gateway.Suggestion {
	*c = append(*c, fmt.Sprint(prefix, "/", market, "/", n))
	if prefix == "nothing" {
		return nil
	}
	return []gateway.Suggestion{{Query: prefix + " live", Source: gateway.SuggestPopular}}
}

func TestSuggest(t *testing.T) {
	asked := &completions{}
	b := newBackend(t)
	b.suggestions = asked
	g := b.open(t, nil)
	for params, want := range map[string]string{
		"q=lady":                      `{"suggestions":[{"query":"lady live","source":"popular"}]}`,
		"q=nothing&market=GB&limit=3": `{"suggestions":[]}`,
		"q=a%ffb&limit=20":            `{"suggestions":[{"query":"ab live","source":"popular"}]}`,
	} {
		if w := serve(g, get(t, "/v1/suggest?"+params)); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: %d %s", params, w.Code, w.Body)
		}
	}
	slices.Sort(*asked)
	if got := strings.Join(*asked, " "); got != "ab/US/20 lady/US/8 nothing/GB/3" {
		t.Errorf("asked %s", got)
	}
	for params, want := range map[string]string{
		"q=a&limit=0": "limit: ", "q=a&limit=21": "limit: ", "q=a&limit=x": "limit: ", "q=a&limit=": "limit: ", "q=a&market=gb": "market: ",
		"q=a&q=b": "q: ", "q=" + strings.Repeat("a", schemas.MaxQueryRunes+1): "q: ", "query=a": "There are limit, market, q.",
	} {
		if w := serve(g, get(t, "/v1/suggest?"+params)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.40s: %d %s", params, w.Code, w.Body)
		}
	}
	if w := serve(newBackend(t).open(t, nil), get(t, "/v1/suggest?q=a")); w.Body.String() != `{"suggestions":[]}` {
		t.Errorf("nobody suggests: %s", w.Body)
	}
}
