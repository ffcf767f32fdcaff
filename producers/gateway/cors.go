package gateway

import (
	"net/http"

	"github.com/rs/cors"
)

// newCORS returns who decides what other origins may do, or nil if none may do anything.
// Credentials in the browser's sense, which are cookies, are never allowed: the keys and
// tokens of other origins travel in headers that scripts set.
func newCORS(cfg CORSConfig) *cors.Cors {
	if len(cfg.Origins) == 0 {
		return nil
	}
	return cors.New(cors.Options{
		AllowedOrigins: cfg.Origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders: []string{"Accept", "Authorization", "Content-Type", "If-None-Match", "Last-Event-ID", "Traceparent", "X-Api-Key"},
		ExposedHeaders: []string{"ETag", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "WWW-Authenticate"},
		MaxAge:         int(cfg.MaxAge.Seconds()),
	})
}

// share lets pages of an allowed origin read an answer.
func (g *Gateway) share(h http.Header, r *http.Request) {
	if g.cors != nil && r.Header.Get("Origin") != "" && g.cors.OriginAllowed(r) {
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
}
