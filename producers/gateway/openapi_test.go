package gateway_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// description is /openapi.yaml as the gateway serves it.
type description struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func describe(t *testing.T, g *gateway.Gateway) description {
	t.Helper()
	w := serve(g, get(t, "/openapi.yaml"))
	asJSON, err := yaml.YAMLToJSON(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020) // as OpenAPI 3.1 says
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return description{doc.(map[string]any), c}
}

// check validates JSON against a schema of the description.
func (d description) check(t *testing.T, schema string, body []byte) error {
	t.Helper()
	s, err := d.compiler.Compile("openapi.json#/components/schemas/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return s.Validate(v)
}

// operations lists "METHOD path" of the description.
func (d description) operations() []string {
	var out []string
	for path, item := range d.doc["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			out = append(out, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(out)
	return out
}

func TestDescriptionHasEveryRoute(t *testing.T) {
	g := newBackend(t).open(t, nil)
	if described, served := describe(t, g).operations(), g.Served(); !slices.Equal(described, served) {
		t.Errorf("described %q\nserved    %q", described, served)
	}
}

func TestDescriptionHasEveryParameter(t *testing.T) {
	g := newBackend(t).open(t, nil)
	d := describe(t, g)
	described := map[string]bool{}
	for _, p := range d.doc["paths"].(map[string]any)["/v1/search"].(map[string]any)["get"].(map[string]any)["parameters"].([]any) {
		if name, is := p.(map[string]any)["name"].(string); is { // the others are headers
			described[name] = true
		}
	}
	// The gateway lists what it knows when it is asked for what it does not know.
	detail := problemOf(t, serve(g, get(t, "/v1/search?nonsense=1")))["detail"].(string)
	_, known, _ := strings.Cut(detail, "There are ")
	if names := slices.Sorted(maps.Keys(described)); strings.Join(names, ", ")+"." != known {
		t.Errorf("described %q, known %q", names, known)
	}
}

func TestAnswersMatchTheDescription(t *testing.T) {
	b := newBackend(t)
	b.stored(t)
	decidedOnly, pageOnly := someID[:35]+"8", someID[:35]+"9"
	b.why[decidedOnly] = decided(fullDecision(), schemas.PostFusion)
	b.pages[pageOnly] = samplePage(schemas.Query{PublicQuery: schemas.PublicQuery{CorrelationID: pageOnly, Text: "x", Market: "US"}})
	now := time.Now()
	b.online = []schemas.OnlineMetrics{{Cut: schemas.Cut{Route: "search"}, AsOf: now, Counts: schemas.SearchCounts{Searches: 2, Successes: 1, SuccessRate: .5}}}
	g := b.open(t, nil)
	d := describe(t, g)
	for name, c := range map[string]struct {
		request *http.Request
		schema  string
	}{
		"search":       {get(t, "/v1/search?q=x"), "SERP"},
		"page":         {get(t, "/v1/serps/"+someID), "SERP"},
		"explain":      {get(t, "/v1/explain/"+someID), "Explanation"},
		"decided":      {get(t, "/v1/explain/"+decidedOnly), "Explanation"},
		"page only":    {get(t, "/v1/explain/"+pageOnly), "Explanation"},
		"online":       {get(t, "/v1/metrics/online"), "OnlineMetrics"},
		"interactions": {post(t, "/v1/interactions", "["+click("a")+",{}]"), "Verdicts"},
		"bad request":  {get(t, "/v1/search"), "Problem"},
		"not ready":    {get(t, "/readyz"), "Problem"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(g, c.request)
			if err := d.check(t, c.schema, w.Body.Bytes()); err != nil {
				t.Errorf("%s: %v", w.Body, err)
			}
			d.declares(t, c.request, w)
		})
	}
}

// declares checks that the description knows the status and media type of an answer.
func (d description) declares(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	path := regexp.MustCompile(someID[:35]+".").ReplaceAllString(r.URL.Path, "{id}")
	resp, ok := d.response(d.operation(r.Method, path), strconv.Itoa(w.Code))
	content, _ := resp["content"].(map[string]any)
	if media := w.Header().Get("Content-Type"); !ok || media != "" && content[media] == nil || media == "" && content != nil {
		t.Errorf("%s %s: %d %s is not described", r.Method, path, w.Code, media)
	}
}

func TestReadyMatchesTheDescription(t *testing.T) {
	gw := newBackend(t).open(t, nil)
	g := run(t, gw)
	within(t, gw.Ready(), "the canary")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := readAll(resp)
	if err != nil {
		t.Fatal(err)
	}
	if err := describe(t, gw).check(t, "Canary", []byte(body)); err != nil {
		t.Errorf("%s: %v", body, err)
	}
}

// What the gateway takes and what the description allows is the same.
func TestRequestsMatchTheDescription(t *testing.T) {
	g := newBackend(t).open(t, nil)
	d := describe(t, g)
	for _, body := range []string{
		`{"query":"x"}`, `{"query":"x","market":"DE","locale":"de","user":{"id":"u","features":{"a":"b"}},"deadline_ms":450,"mode":"pre-fusion"}`,
		`{"query":"x","mode":"post-fusion"}`,
		`{"query":"x","platform":"ios","client_id":"c","session_id":"s","experiments":{"e":"a"},"correlation_id":"` + someID + `"}`,
		`{}`, `{"query":""}`, `{"query":"x","market":"de"}`, `{"query":"x","mode":"no"}`, `{"query":"x","deadline_ms":0}`, `{"query":"x","more":1}`,
		`{"query":"x","user":{}}`, `{"query":"x","correlation_id":"1"}`, `{"query":7}`,
	} {
		taken := serve(g, post(t, "/v1/search", body)).Code == http.StatusOK
		if err := d.check(t, "SearchRequest", []byte(body)); (err == nil) != taken {
			t.Errorf("%s: taken %v, described %v", body, taken, err)
		}
	}
	for _, body := range []string{click("a"), `{}`, strings.Replace(click("b"), someID, "1", 1)} {
		w := serve(g, post(t, "/v1/interactions", body))
		taken := strings.Contains(w.Body.String(), "accepted")
		if err := d.check(t, "Interaction", []byte(body)); (err == nil) != taken {
			t.Errorf("%s: taken %v, described %v", body, taken, err)
		}
	}
}

// operation returns a described operation.
func (d description) operation(method, path string) map[string]any {
	return d.doc["paths"].(map[string]any)[path].(map[string]any)[strings.ToLower(method)].(map[string]any)
}

// response returns a described response, wherever it stands.
func (d description) response(op map[string]any, status string) (map[string]any, bool) {
	resp, ok := op["responses"].(map[string]any)[status].(map[string]any)
	if ref, is := resp["$ref"].(string); is {
		resp, ok = d.doc["components"].(map[string]any)["responses"].(map[string]any)[ref[strings.LastIndexByte(ref, '/')+1:]].(map[string]any)
	}
	return resp, ok
}

// Every operation that is guarded says so, with every status that the guard and the gateway
// itself may answer, and the headers that come with it. One that is open has none of them.
func TestDescriptionHasEveryStatus(t *testing.T) {
	d := describe(t, newBackend(t).open(t, nil))
	open := []string{"GET /", "GET /healthz", "GET /openapi.yaml", "GET /readyz", "GET /static/{file}"}
	for _, name := range d.operations() {
		method, path, _ := strings.Cut(name, " ")
		op := d.operation(method, path)
		var want []string
		if !slices.Contains(open, name) && !strings.HasPrefix(path, "/sign-") {
			want = []string{"401", "403", "429", "500", "503"}
			if op["security"] == nil {
				t.Errorf("%s: no security", name)
			}
			if strings.HasPrefix(path, "/v1/") {
				want = append(want, "406")
			}
		}
		if op["requestBody"] != nil {
			want = append(want, "400", "408", "413", "415")
		}
		for _, status := range want {
			resp, ok := d.response(op, status)
			if !ok {
				t.Errorf("%s: no %s", name, status)
				continue
			}
			headers, _ := resp["headers"].(map[string]any)
			for header, on := range map[string][]string{"Retry-After": {"429", "503"}, "WWW-Authenticate": {"401", "403"}} {
				if slices.Contains(on, status) != (headers[header] != nil) {
					t.Errorf("%s: %s has the headers %v", name, status, headers)
				}
			}
		}
	}
}

// The statuses of resumes, retries and conditions are described where they are answered.
func TestSpecialAnswersMatchTheDescription(t *testing.T) {
	b := newBackend(t)
	b.stored(t)
	g := b.open(t, func(c *gateway.Config) {
		guarded(t)(c)
		c.Limits = gateway.LimitsConfig{PerSecond: .01, Burst: 1, Clients: 9}
	})
	d := describe(t, g)
	unchanged := as(get(t, "/v1/serps/"+someID), officeKey)
	unchanged.Header.Set("If-None-Match", "*")
	html := as(get(t, "/v1/search?q=x"), officeKey)
	html.Header.Set("Accept", "text/html")
	guess := get(t, "/v1/search?q=x")
	guess.RemoteAddr = "192.0.2.77:1"
	for name, c := range map[string]struct {
		request *http.Request
		status  int
	}{
		"ended":      {as(sse(t, "/v1/search?q=x", someID+"/serp"), officeKey), 204},
		"stream":     {as(sse(t, "/v1/serps/"+someID, ""), officeKey), 200},
		"unchanged":  {unchanged, 304},
		"forbidden":  {as(get(t, "/v1/search?q=x"), eventsKey), 403},
		"negotiated": {html, 406},
		"guess":      {guess, 401},
		"conflict":   {as(post(t, "/v1/search", `{"query":"y","correlation_id":"`+someID+`"}`), officeKey), 409},
	} {
		w := serve(g, c.request)
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d", name, w.Code, c.status)
		}
		d.declares(t, c.request, w)
	}
	again := get(t, "/v1/search?q=x")
	again.RemoteAddr = guess.RemoteAddr
	w := serve(g, again)
	if d.declares(t, again, w); w.Code != http.StatusTooManyRequests {
		t.Errorf("status %d", w.Code)
	}
	events := parse(t, serve(g, as(sse(t, "/v1/search?q=x", ""), officeKey)).Body.String())
	for _, ev := range events {
		schema := map[string]string{"route": "RouteEvent", "section": "Section", "serp": "SERP"}[ev.name]
		if err := d.check(t, schema, []byte(ev.data)); err != nil {
			t.Errorf("%s: %v", ev.name, err)
		}
	}
}
