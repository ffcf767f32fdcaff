package gateway

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// handlerFunc answers a request, or returns a problem to answer with.
type handlerFunc func(w http.ResponseWriter, r *http.Request) *problem

// route is one path of the interface.
type route struct {
	path    string
	methods map[string]handlerFunc // GET serves HEAD too
}

// table lists every path that is served.
func (g *Gateway) table() []route {
	get := func(path string, h handlerFunc) route {
		return route{path, map[string]handlerFunc{http.MethodGet: h}}
	}
	return []route{
		{"/v1/search", map[string]handlerFunc{http.MethodGet: g.searchByURL, http.MethodPost: g.searchByBody}},
		{"/v1/interactions", map[string]handlerFunc{http.MethodPost: g.interactions}},
		get("/v1/serps/{id}", g.serp),
		get("/v1/explain/{id}", g.explain),
		get("/v1/metrics/online", g.online),
		get("/openapi.yaml", serveOpenAPI),
		get("/{$}", g.home),
		get("/static/{file}", g.web.serveFile),
		get("/healthz", healthz),
		get("/readyz", g.readyz),
		get("/metrics", g.exposition()),
	}
}

// Operations lists what is served as "METHOD path", in the notation of OpenAPI, sorted.
func (g *Gateway) Operations() []string {
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
	return mux
}

// dispatch picks the handler of the method.
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
		if h := rt.methods[method]; h != nil {
			return h(w, r)
		}
		p := newProblem(http.StatusMethodNotAllowed, "Use "+strings.Join(allow, " or ")+".")
		p.allow = strings.Join(allow, ", ")
		return p
	})
}

// wrap is what every request goes through: headers, deadlines, metrics, a span, and the
// end of a panic.
func (g *Gateway) wrap(pattern string, h handlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.active.Add(1)
		defer g.active.Done()
		g.m.open.Inc()
		defer g.m.open.Dec()
		start := time.Now()
		rec := newRecorder(w, g.cfg.WriteTimeout)
		ctx := telemetry.Extract(r.Context(), r.Header.Get)
		ctx, end := telemetry.Start(ctx, "http "+pattern, telemetry.Server)
		r = r.WithContext(ctx)
		secure(rec.Header())

		p := g.guarded(pattern, h, rec, r)
		half := p != nil && rec.started()
		if p != nil && !half {
			p.write(rec)
		}
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
	h := promhttp.HandlerFor(g.ports.Gatherer, promhttp.HandlerOpts{EnableOpenMetrics: true})
	return func(w http.ResponseWriter, r *http.Request) *problem {
		h.ServeHTTP(w, r)
		return nil
	}
}

// recorder remembers the status and gives each write its own deadline.
type recorder struct {
	http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
	status  int // 200 until another is written
	wrote   bool
}

func newRecorder(w http.ResponseWriter, timeout time.Duration) *recorder {
	rec := &recorder{ResponseWriter: w, rc: http.NewResponseController(w), timeout: timeout, status: http.StatusOK}
	rec.extend()
	return rec
}

// Unwrap serves [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.wrote, r.status = true, status
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

func (r *recorder) started() bool { return r.wrote }

// extend moves the write deadline on. A writer without one, as in tests, needs none.
func (r *recorder) extend() { _ = r.rc.SetWriteDeadline(time.Now().Add(r.timeout)) }
