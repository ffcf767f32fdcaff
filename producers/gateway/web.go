package gateway

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
	"github.com/parallel-fusion/pfr/schemas"
)

//go:embed web
var webFiles embed.FS

// web renders the pages and serves their files.
type web struct {
	about     About
	templates *template.Template
	version   string // of the files, in their links, so that they can be cached for ever
	etags     map[string]string
}

func newWeb(about About) (*web, error) {
	v := &web{about: about, etags: map[string]string{}}
	files, err := webFiles.ReadDir("web")
	if err != nil {
		return nil, fmt.Errorf("list embedded files: %w", err)
	}
	all := sha256.New()
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".html") {
			continue // a template
		}
		data, err := webFiles.ReadFile("web/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("read embedded %s: %w", f.Name(), err)
		}
		sum := sha256.Sum256(data)
		v.etags[f.Name()] = `"` + hex.EncodeToString(sum[:8]) + `"`
		all.Write(data)
	}
	v.version = hex.EncodeToString(all.Sum(nil)[:4])
	if v.templates, err = template.ParseFS(webFiles, "web/*.html"); err != nil {
		return nil, fmt.Errorf("parse the web pages: %w", err)
	}
	return v, nil
}

// serveFile serves a style sheet, a script or the icon.
func (v *web) serveFile(w http.ResponseWriter, r *http.Request) *problem {
	name := r.PathValue("file")
	etag, ok := v.etags[name]
	if !ok {
		return newProblem(http.StatusNotFound, "There is no such file.")
	}
	data, err := webFiles.ReadFile("web/" + name)
	if err != nil {
		return newProblem(http.StatusInternalServerError, "The file could not be read.")
	}
	cache := "no-cache"
	if r.URL.Query().Get("v") == v.version {
		cache = "public, max-age=31536000, immutable"
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	return kept{etag, cache, data}.write(w, r)
}

// frame returns the frame of a kind of page, for who asks.
func (g *Gateway) frame(r *http.Request, kind string) frame {
	f := newFrame(g.web.about, g.web.version, kind)
	if g.guard.Limited() {
		f.SignIn, f.SignedIn = signInPath(r.URL.RequestURI()), access.HasCookie(r.Header)
	}
	return f
}

// render answers with a page, whole or not at all.
func (g *Gateway) render(w http.ResponseWriter, status int, name string, data any) *problem {
	var out bytes.Buffer
	if err := g.web.templates.ExecuteTemplate(&out, name, data); err != nil {
		g.log.Error("rendering a web page", "page", name, "err", err)
		return newProblem(http.StatusInternalServerError, "The page could not be drawn.")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if g.guard.Limited() { // or the forms of the page would not say where they come from
		w.Header().Set("Referrer-Policy", "same-origin")
	}
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the client may be gone
	return nil
}

// home renders the page: empty, or with the answer to ?q= for browsers without JavaScript
// and for links.
func (g *Gateway) home(w http.ResponseWriter, r *http.Request) *problem {
	v := view{frame: g.frame(r, "home")}
	params := r.URL.Query()
	market, mode := params.Get("market"), schemas.Mode(params.Get("mode"))
	v.Query, v.Markets, v.Composes = params.Get("q"), markets(market), mode == schemas.PostFusion
	status := http.StatusOK
	if v.Query != "" {
		v.Searched, v.Kind, v.Title = true, "searched", v.Query
		page, p := g.searchForPage(r, searchBody{Query: v.Query, Market: market, Mode: mode, Platform: "web"})
		if p != nil {
			v.Problem, status = p, p.Status
		} else {
			v.fill(*page, g.reasonsOfPage(*page, mode))
		}
	}
	return g.render(w, status, "index.html", v)
}

func (g *Gateway) searchForPage(r *http.Request, s searchBody) (*schemas.SERP, *problem) {
	req, p := s.request("q")
	if p != nil {
		return nil, p
	}
	q, err := g.ports.Searches.Query(req)
	if err != nil {
		return nil, searchProblem("", err)
	}
	leave, p := g.enter()
	if p != nil {
		return nil, p
	}
	defer leave()
	page, err := g.ports.Searches.Follow(r.Context(), q, func(schemas.Progress) {})
	if err != nil {
		return nil, g.searchFailed(r.Context(), q.CorrelationID, err)
	}
	return &page, nil
}
