package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/producers/gateway/access"
)

// handlerFunc answers a request, or returns a problem to answer with.
type handlerFunc func(w http.ResponseWriter, r *http.Request) *problem

// route is one path of the interface.
type route struct {
	path    string
	scope   access.Scope // that the client needs; "" is open to everybody
	methods methods      // GET serves HEAD too
	media   []string     // what it answers with, where clients may say what they take
}

type methods map[string]handlerFunc

// table lists every path that is served.
func (g *Gateway) table() []route {
	pages := []string{mediaJSON, mediaEvents}
	plain := []string{mediaJSON}
	return []route{
		{"/v1/search", access.Search, methods{http.MethodGet: g.searchByURL, http.MethodPost: g.searchByBody}, pages},
		{"/v1/interactions", access.Interact, methods{http.MethodPost: g.interactions}, plain},
		{"/v1/serps/{id}", access.Search, methods{http.MethodGet: g.serp}, pages},
		{"/v1/explain/{id}", access.Explain, methods{http.MethodGet: g.explain}, plain},
		{"/v1/metrics/online", access.Explain, methods{http.MethodGet: g.online}, plain},
		{"/v1/suggest", access.Search, methods{http.MethodGet: g.suggest}, plain},
		{"/v1/compare", access.Explain, methods{http.MethodGet: g.comparisons, http.MethodPost: g.compare}, plain},
		{"/v1/operator", access.Explain, methods{http.MethodGet: g.operator}, plain},
		{"/v1/experiments", access.Explain, methods{http.MethodGet: g.experiments}, plain},
		{"/v1/experiments/{name}", access.Explain, methods{http.MethodGet: g.experiment}, plain},
		{"/v1/operator/arms", access.Operate, methods{http.MethodPost: g.setArm}, plain},
		{"/v1/operator/ladder", access.Operate, methods{http.MethodPost: g.setLadder}, plain},
		{"/openapi.yaml", "", methods{http.MethodGet: serveOpenAPI}, nil},
		{"/{$}", "", methods{http.MethodGet: g.homeOrSearch}, nil},
		{"/explain/{id}", "", methods{http.MethodGet: g.forPeople(access.Explain, g.explainPage)}, nil},
		{"/operator", "", methods{http.MethodGet: g.forPeople(access.Explain, g.operatorPage)}, nil},
		{"/compare", "", methods{http.MethodGet: g.forPeople(access.Explain, g.comparePage)}, nil},
		{"/insights", "", methods{http.MethodGet: g.forPeople(access.Explain, g.insightsPage)}, nil},
		{"/experiments", "", methods{http.MethodGet: g.forPeople(access.Explain, g.experimentsPage)}, nil},
		{"/experiments/{name}", "", methods{http.MethodGet: g.forPeople(access.Explain, g.experimentsPage)}, nil},
		{"/sign-in", "", methods{http.MethodGet: g.signInPage, http.MethodPost: g.signIn}, nil},
		{"/sign-out", "", methods{http.MethodPost: g.signOut}, nil},
		{"/static/{file}", "", methods{http.MethodGet: g.web.serveFile}, nil},
		{"/healthz", "", methods{http.MethodGet: healthz}, nil},
		{"/readyz", "", methods{http.MethodGet: g.readyz}, nil},
		{"/metrics", access.Explain, methods{http.MethodGet: g.exposition()}, nil},
	}
}

// Served lists what is served as "METHOD path", in the notation of OpenAPI, sorted.
func (g *Gateway) Served() []string {
	var ops []string
	for _, rt := range g.table() {
		for method := range rt.methods {
			ops = append(ops, method+" "+strings.TrimSuffix(rt.path, "{$}"))
		}
	}
	slices.Sort(ops)
	return ops
}

// routes returns the interface with its middleware.
func (g *Gateway) routes() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range g.table() {
		mux.Handle(rt.path, g.dispatch(rt))
	}
	mux.Handle("/", g.wrap("none", func(http.ResponseWriter, *http.Request) *problem {
		return newProblem(http.StatusNotFound, "There is nothing here. /openapi.yaml lists what there is.")
	}))
	if g.cors == nil {
		return mux
	}
	return g.cors.Handler(mux)
}

// dispatch picks the handler of the method, once the request has been let in.
func (g *Gateway) dispatch(rt route) http.Handler {
	allow := make([]string, 0, len(rt.methods)+1)
	for m := range rt.methods {
		allow = append(allow, m)
	}
	if rt.methods[http.MethodGet] != nil {
		allow = append(allow, http.MethodHead)
	}
	slices.Sort(allow)
	return g.wrap(rt.path, func(w http.ResponseWriter, r *http.Request) *problem {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		h := rt.methods[method]
		if h == nil {
			p := newProblem(http.StatusMethodNotAllowed, "Use "+strings.Join(allow, " or ")+".")
			p.allow = strings.Join(allow, ", ")
			return p
		}
		if len(rt.media) > 1 {
			w.Header().Add("Vary", "Accept")
		}
		if p := acceptable(r.Header, rt.media); p != nil {
			return p
		}
		if rt.scope == "" {
			return h(w, r)
		}
		return g.work(w, r, rt.scope, h)
	})
}

// work runs a handler for who may use it, unless the gateway stops.
func (g *Gateway) work(w http.ResponseWriter, r *http.Request, scope access.Scope, h handlerFunc) *problem {
	if !g.drain.enter() {
		return stoppingProblem("")
	}
	defer g.drain.leave()
	r, p := g.admit(w, r, scope)
	if p != nil {
		return p
	}
	return h(w, r)
}

// homeOrSearch is the web page, which is open to everybody, or a search from it, which is
// a search like any other.
func (g *Gateway) homeOrSearch(w http.ResponseWriter, r *http.Request) *problem {
	params := r.URL.Query()
	if params.Get("q") == "" {
		return g.home(w, r)
	}
	return g.forPeople(access.Search, func(w http.ResponseWriter, r *http.Request) *problem {
		if m := params.Get("market"); m != "" || access.From(r.Context()).Markets != nil {
			if p := inMarket(r.Context(), cmp.Or(m, defaultMarket)); p != nil {
				return p
			}
		}
		return g.home(w, r)
	})(w, r)
}

// defaultMarket is that of a search which names none.
const defaultMarket = "US"

// wrap is what every request goes through: headers, deadlines, compression, metrics, a
// span, and the end of a panic.
func (g *Gateway) wrap(pattern string, h handlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.active.Add(1)
		defer g.active.Done()
		g.m.open.Inc()
		defer g.m.open.Dec()
		start := time.Now()
		rec := newRecorder(w, g.cfg.WriteTimeout, knownTags(r.Header))
		ctx := telemetry.Extract(r.Context(), r.Header.Get)
		ctx, end := telemetry.Start(ctx, "http "+pattern, telemetry.Server)
		r = r.WithContext(ctx)
		unsuffixed(r.Header, rec.tags)
		secure(rec.Header())
		g.share(rec.Header(), r)
		if g.drain.begun() {
			rec.Header().Set("Connection", "close")
		}

		half := g.answer(pattern, h, rec, r)
		class := statusClass(rec.status)
		if r.Context().Err() != nil && rec.status >= http.StatusInternalServerError {
			class = classGone // not our failure: nobody waits any more
		}
		end(spanError(rec.status))
		g.m.requests.WithLabelValues(pattern, class).Inc()
		g.m.seconds.WithLabelValues(pattern).Observe(time.Since(start).Seconds())
		if half {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
	})
}

// answer runs a handler and writes the problem that it returns. half is true if the
// handler had begun to answer before. Streams are not compressed: their events must not
// wait.
func (g *Gateway) answer(pattern string, h handlerFunc, rec *recorder, r *http.Request) (half bool) {
	handle := func(w http.ResponseWriter, r *http.Request) {
		begun := &starter{ResponseWriter: w}
		p := g.guarded(pattern, h, begun, r)
		half = p != nil && begun.started
		if p != nil && !half {
			p.write(w)
		}
	}
	if wantsStream(r.Header) {
		handle(rec, r)
	} else {
		g.compress(http.HandlerFunc(handle)).ServeHTTP(rec, r)
	}
	return half
}

// guarded turns a panic into a problem. [http.ErrAbortHandler] goes on, as net/http wants.
func (g *Gateway) guarded(pattern string, h handlerFunc, w http.ResponseWriter, r *http.Request) (p *problem) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler { //nolint:errorlint // a recovered value is compared as net/http does
			panic(v)
		}
		g.m.panics.Inc()
		g.log.Error("handler panicked", "pattern", pattern, "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		p = newProblem(http.StatusInternalServerError, "The gateway made a mistake. It has been logged.")
	}()
	return h(w, r)
}

// secure sets the headers of every answer. Nothing may be loaded from elsewhere, nothing
// may be inline.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// classGone stands for an answer that nobody waited for.
const classGone = "gone"

func statusClass(status int) string { return strconv.Itoa(status/100) + "xx" }

func spanError(status int) error {
	if status < http.StatusInternalServerError {
		return nil
	}
	return newProblem(status, "")
}

func (g *Gateway) exposition() handlerFunc {
	h := promhttp.HandlerFor(g.ports.Gatherer, promhttp.HandlerOpts{EnableOpenMetrics: true, DisableCompression: true})
	return func(w http.ResponseWriter, r *http.Request) *problem {
		h.ServeHTTP(w, r)
		return nil
	}
}

// starter knows whether a handler has begun to answer.
type starter struct {
	http.ResponseWriter
	started bool
}

// Unwrap serves [http.ResponseController].
func (s *starter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (s *starter) WriteHeader(status int) {
	s.started = true
	s.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (s *starter) Write(p []byte) (int, error) {
	s.started = true
	return s.ResponseWriter.Write(p)
}

// recorder remembers the status and gives each write its own deadline.
type recorder struct {
	http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
	tags    []string // that the client knows, as it sent them
	status  int      // 200 until another is written
	wrote   bool
}

func newRecorder(w http.ResponseWriter, timeout time.Duration, tags []string) *recorder {
	rec := &recorder{ResponseWriter: w, rc: http.NewResponseController(w), timeout: timeout, tags: tags, status: http.StatusOK}
	rec.extend()
	return rec
}

// Unwrap serves [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements [http.ResponseWriter]. To a client that has an answer it says so
// by the tag that the client knows, which is that of its encoding.
func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.wrote, r.status = true, status
	}
	if h := r.Header(); status == http.StatusNotModified {
		if i := slices.IndexFunc(r.tags, func(t string) bool { return strings.TrimPrefix(plainTag(t), "W/") == h.Get("ETag") }); i >= 0 {
			h.Set("ETag", strings.TrimPrefix(r.tags[i], "W/"))
		}
	}
	r.extend()
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	r.extend()
	return r.ResponseWriter.Write(p)
}

// extend moves the write deadline on. A writer without one, as in tests, needs none.
func (r *recorder) extend() { _ = r.rc.SetWriteDeadline(time.Now().Add(r.timeout)) }
