package gateway

import (
	"net/http"
)

// toolView is a page that its script fills.
type toolView struct {
	frame
}

// operatorPage serves the page on which operators watch the pipeline. What it shows and
// sets goes through /v1/operator.
func (g *Gateway) operatorPage(w http.ResponseWriter, r *http.Request) *problem {
	v := toolView{frame: g.frame(r, "operating")}
	v.Module, v.Title = "operator.js", "Operator"
	return g.render(w, http.StatusOK, "operator.html", v)
}

// comparePage serves the page that answers one query in two ways. Its script asks
// /v1/compare.
func (g *Gateway) comparePage(w http.ResponseWriter, r *http.Request) *problem {
	v := toolView{frame: g.frame(r, "comparing")}
	v.Module, v.Title = "compare.js", "Compare"
	v.Query = r.URL.Query().Get("q")
	v.Markets = markets(r.URL.Query().Get("market"))
	return g.render(w, http.StatusOK, "compare.html", v)
}
