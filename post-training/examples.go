package posttraining

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// Example is what the in-process student learns from the rows of a query.
type Example struct {
	Text   string   // the query, or its template where names were filled in; one line
	Routes []string // that passed, the first one first
	// Params are those of the first row, without the route; empty for a template.
	Params schemas.Params
	Source Source
}

// Examples returns an example for each query. Rows of one query follow each other, as in the
// file of rows.
func Examples(rows []Row) []Example {
	var out []Example
	last := ""
	for _, r := range rows {
		if r.QueryID == last {
			e := &out[len(out)-1]
			if !slices.Contains(e.Routes, r.Route) {
				e.Routes = append(e.Routes, r.Route)
			}
			continue
		}
		last = r.QueryID
		e := Example{Text: oneLine(r.Query), Routes: []string{r.Route}, Params: schemas.Params{}, Source: r.Source}
		if r.Template != "" {
			e.Text = oneLine(r.Template)
		} else {
			e.Params = r.params()
		}
		out = append(out, e)
	}
	return out
}

// params returns the parameters of the decision. A decision that cannot be read has none.
func (r Row) params() schemas.Params {
	p := schemas.Params{}
	if json.Unmarshal([]byte(r.Decision), &p) != nil {
		return schemas.Params{}
	}
	delete(p, routeMember)
	return p
}

// routeMember is the member of a decision that is no parameter.
const routeMember = "route"

// oneLine returns a text without what separates fields and lines.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
