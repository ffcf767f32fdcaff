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
	if described, served := describe(t, g).operations(), g.Operations(); !slices.Equal(described, served) {
		t.Errorf("described %q\nserved    %q", described, served)
	}
}

func TestDescriptionHasEveryParameter(t *testing.T) {
	g := newBackend(t).open(t, nil)
	d := describe(t, g)
	described := map[string]bool{}
	for _, p := range d.doc["paths"].(map[string]any)["/v1/search"].(map[string]any)["get"].(map[string]any)["parameters"].([]any) {
		described[p.(map[string]any)["name"].(string)] = true
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
	op := d.doc["paths"].(map[string]any)[path].(map[string]any)[strings.ToLower(r.Method)].(map[string]any)
	resp, ok := op["responses"].(map[string]any)[strconv.Itoa(w.Code)].(map[string]any)
	if ref, is := resp["$ref"].(string); is {
		resp = d.doc["components"].(map[string]any)["responses"].(map[string]any)[ref[strings.LastIndexByte(ref, '/')+1:]].(map[string]any)
	}
	content, _ := resp["content"].(map[string]any)
	if !ok || content[w.Header().Get("Content-Type")] == nil {
		t.Errorf("%s %s: %d %s is not described", r.Method, path, w.Code, w.Header().Get("Content-Type"))
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
