package gateway_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// ask sends a request over a connection as it is, without the compression that a Go client
// would ask for by itself.
func ask(t *testing.T, url string, header http.Header) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	c := client(t)
	c.Transport.(*http.Transport).DisableCompression = true
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := readAll(resp)
	if err != nil {
		t.Fatal(err)
	}
	return resp, []byte(body)
}

// decoded undoes the encoding of an answer.
func decoded(t *testing.T, resp *http.Response, body []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	switch resp.Header.Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	case "zstd":
		z, err := zstd.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		r = z
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// What may be kept has a strong tag for each encoding. Who has it is told so by the tag that
// they know, and is sent nothing.
func TestConditionalAndCompressed(t *testing.T) {
	b := newBackend(t)
	b.stored(t)
	g := run(t, b.open(t, nil))
	for path, cache := range map[string]string{
		"/v1/serps/" + someID: "private, max-age=31536000, immutable", "/v1/explain/" + someID: "private, no-cache",
		"/openapi.yaml": "no-cache", "/static/app.js": "no-cache",
	} {
		plain := ""
		tags := map[string]string{}
		for _, encoding := range []string{"", "gzip", "zstd"} {
			resp, body := ask(t, g.url+path, http.Header{"Accept-Encoding": {encoding}})
			tag := resp.Header.Get("ETag")
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Encoding") != encoding || resp.Header.Get("Cache-Control") != cache {
				t.Errorf("%s %q: %d %v", path, encoding, resp.StatusCode, resp.Header)
			}
			if !strings.Contains(strings.Join(resp.Header.Values("Vary"), ","), "Accept-Encoding") {
				t.Errorf("%s %q: Vary %q", path, encoding, resp.Header.Values("Vary"))
			}
			if text := decoded(t, resp, body); plain == "" {
				plain = text
			} else if text != plain || len(body) >= len(plain) {
				t.Errorf("%s %q: another body, of %d bytes", path, encoding, len(body))
			}
			if tag == "" || strings.HasPrefix(tag, "W/") || tags[tag] != "" {
				t.Errorf("%s %q: tag %s is weak, or that of %s", path, encoding, tag, tags[tag])
			}
			tags[tag] = encoding + " "
			for _, known := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
				resp, body := ask(t, g.url+path, http.Header{"Accept-Encoding": {encoding}, "If-None-Match": {known}})
				if resp.StatusCode != http.StatusNotModified || len(body) > 0 || resp.Header.Get("Content-Encoding") != "" {
					t.Errorf("%s %q If-None-Match %s: %d with %d bytes", path, encoding, known, resp.StatusCode, len(body))
				}
				if known != "*" && resp.Header.Get("ETag") != tag {
					t.Errorf("%s %q: unchanged with tag %s, want %s", path, encoding, resp.Header.Get("ETag"), tag)
				}
			}
			if resp, _ := ask(t, g.url+path, http.Header{"If-None-Match": {`"another"`}}); resp.StatusCode != http.StatusOK {
				t.Errorf("%s with another tag: %d", path, resp.StatusCode)
			}
		}
	}
}

// What goes on is kept by nobody: a search, and a trace that is not whole.
func TestWhatChangesIsNotKept(t *testing.T) {
	b := newBackend(t)
	b.why[someID] = decided(fullDecision(), schemas.PreFusion)
	g := b.open(t, nil)
	for _, path := range []string{"/v1/search?q=x", "/v1/explain/" + someID, "/v1/metrics/online", "/", "/v1/serps/" + someID} {
		if h := serve(g, get(t, path)).Header(); h.Get("Cache-Control") != "no-store" || h.Get("ETag") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// Events are sent at once and as they are, whatever encodings the client takes.
func TestStreamsAreNotCompressed(t *testing.T) {
	b, release := held(t)
	g := run(t, b.open(t, nil))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/v1/search?q=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Accept": {"text/event-stream"}, "Accept-Encoding": {"gzip, zstd"}}
	var lines []string
	for l := range streamLines(t, client(t), req) {
		if lines = append(lines, l); l == "event: section" {
			release() // it came while the search was still going on
		}
	}
	if text := strings.Join(lines, "\n"); !strings.Contains(text, "event: serp") || !strings.Contains(text, `"layout":"release_watch"`) {
		t.Errorf("stream\n%s", text)
	}
}

func TestAccept(t *testing.T) {
	b := newBackend(t)
	b.stored(t)
	g := b.open(t, nil)
	for _, c := range []struct{ path, accept, want string }{
		{"/v1/search?q=x", "", "application/json"},
		{"/v1/search?q=x", "*/*", "application/json"},
		{"/v1/search?q=x", "application/*;q=0.2", "application/json"},
		{"/v1/search?q=x", "APPLICATION/JSON; charset=utf-8", "application/json"},
		{"/v1/search?q=x", "text/event-stream", "text/event-stream"},
		{"/v1/search?q=x", "application/json, text/event-stream", "text/event-stream"},
		{"/v1/search?q=x", "application/json, text/event-stream;q=0.5", "application/json"},
		{"/v1/search?q=x", "text/event-stream, */*;q=0.1", "text/event-stream"},
		{"/v1/search?q=x", "text/event-stream;q=0, */*", "application/json"},
		{"/v1/search?q=x", "text/html", "406"},
		{"/v1/search?q=x", "application/json;q=0", "406"},
		{"/v1/search?q=x", "*/*, application/json;q=0, text/event-stream;q=0", "406"},
		{"/v1/serps/" + someID, "text/event-stream", "text/event-stream"},
		{"/v1/serps/" + someID, "image/png", "406"},
		{"/v1/explain/" + someID, "text/event-stream", "406"},
		{"/v1/metrics/online", "text/html", "406"},
		{"/openapi.yaml", "text/html", "application/yaml"},
	} {
		r := get(t, c.path)
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		w := serve(g, r)
		got := w.Header().Get("Content-Type")
		if w.Code != http.StatusOK {
			problemOf(t, w)
			got = http.StatusText(w.Code)
		}
		if c.want == "406" {
			c.want = http.StatusText(http.StatusNotAcceptable)
		}
		if got != c.want {
			t.Errorf("%s with Accept %q: %s, want %s", c.path, c.accept, got, c.want)
		}
	}
}

// Without a list of origins there is no word of them in any answer.
func TestOriginsOff(t *testing.T) {
	g := newBackend(t).open(t, nil)
	for _, r := range []*http.Request{get(t, "/v1/search?q=x"), sse(t, "/v1/search?q=x", "")} {
		r.Header.Set("Origin", "https://shop.example")
		h := serve(g, r).Header()
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: %q", name, h[name])
			}
		}
		if h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("resource policy %q", h.Get("Cross-Origin-Resource-Policy"))
		}
	}
}

func TestOrigins(t *testing.T) {
	preflight := func(origin, method, headers string) *http.Request {
		r := get(t, "/v1/search")
		r.Method = http.MethodOptions
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", method)
		if headers != "" {
			r.Header.Set("Access-Control-Request-Headers", headers)
		}
		return r
	}
	from := func(r *http.Request, origin string) *http.Request {
		r.Header.Set("Origin", origin)
		return r
	}
	b := newBackend(t)
	for name, c := range map[string]struct {
		origins []string
		request *http.Request
		allowed string
	}{
		"page":           {[]string{"https://shop.example"}, from(get(t, "/v1/search?q=x"), "https://shop.example"), "https://shop.example"},
		"stream":         {[]string{"https://shop.example"}, from(sse(t, "/v1/search?q=x", ""), "https://shop.example"), "https://shop.example"},
		"problem":        {[]string{"https://shop.example"}, from(get(t, "/v1/search"), "https://shop.example"), "https://shop.example"},
		"nobody let in":  {[]string{"https://shop.example"}, from(get(t, "/v1/operator/ladder"), "https://shop.example"), "https://shop.example"},
		"preflight":      {[]string{"https://shop.example"}, preflight("https://shop.example", "POST", "authorization,content-type,last-event-id"), "https://shop.example"},
		"all":            {[]string{"*"}, from(get(t, "/v1/search?q=x"), "https://any.example"), "*"},
		"another":        {[]string{"https://shop.example"}, from(get(t, "/v1/search?q=x"), "https://evil.example"), ""},
		"another scheme": {[]string{"https://shop.example"}, from(get(t, "/v1/search?q=x"), "http://shop.example"), ""},
		"no origin":      {[]string{"https://shop.example"}, get(t, "/v1/search?q=x"), ""},
		"evil preflight": {[]string{"https://shop.example"}, preflight("https://evil.example", "POST", ""), ""},
		"evil header":    {[]string{"https://shop.example"}, preflight("https://shop.example", "POST", "x-other"), ""},
		"evil method":    {[]string{"https://shop.example"}, preflight("https://shop.example", "DELETE", ""), ""},
	} {
		g := b.open(t, func(cfg *gateway.Config) { cfg.CORS.Origins = c.origins })
		h := serve(g, c.request).Header()
		if got := h.Get("Access-Control-Allow-Origin"); got != c.allowed {
			t.Errorf("%s: Access-Control-Allow-Origin %q, want %q", name, got, c.allowed)
		}
		if h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: credentials are allowed", name)
		}
		switch shared := h.Get("Cross-Origin-Resource-Policy"); {
		case c.request.Method == http.MethodOptions:
			if c.allowed != "" && !strings.Contains(strings.ToLower(h.Get("Access-Control-Allow-Headers")), "last-event-id") {
				t.Errorf("%s: %v", name, h)
			}
		case (shared == "cross-origin") != (c.allowed != ""):
			t.Errorf("%s: resource policy %q", name, shared)
		case c.allowed != "" && !strings.Contains(h.Get("Access-Control-Expose-Headers"), "Retry-After"):
			t.Errorf("%s: exposed %q", name, h.Get("Access-Control-Expose-Headers"))
		}
	}
}
