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

// insightsPage serves the page of online metrics. Its script asks /v1/metrics/online.
func (g *Gateway) insightsPage(w http.ResponseWriter, r *http.Request) *problem {
	v := toolView{frame: g.frame(r, "watching")}
	v.Module, v.Title = "insights.js", "Insights"
	return g.render(w, http.StatusOK, "insights.html", v)
}

// experimentsPage serves the page of all experiments, or of one. Its script asks
// /v1/experiments.
func (g *Gateway) experimentsPage(w http.ResponseWriter, r *http.Request) *problem {
	v := experimentsView{frame: g.frame(r, "comparing"), Name: r.PathValue("name")}
	v.Module, v.Title = "experiments.js", "Experiments"
	if v.Name != "" {
		v.Title = v.Name
	}
	return g.render(w, http.StatusOK, "experiments.html", v)
}

// experimentsView is the page of experiments.
type experimentsView struct {
	frame

	Name string // of the one that is shown; "": all are
}
