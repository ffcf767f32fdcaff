package fusion

import (
	"cmp"

	"github.com/parallel-fusion/pfr/schemas"
)

// Pseudonyms names who asked without saying who it was.
type Pseudonyms interface {
	Client(id string) string
	Session(id string) string
	User(id string) string
}

// asked returns what analytics may know of a query. Of the user that is a pseudonym, and
// the features that the operator has named.
func (a *Aggregator) asked(d *schemas.RouteDecision) *schemas.Asked {
	q := &d.Query
	out := &schemas.Asked{
		At: q.SubmittedAt, Locale: q.Locale, Platform: q.Platform, Mode: q.Mode, Experiments: q.Experiments,
	}
	if names := a.ports.Pseudonyms; names != nil {
		out.Client, out.Session = names.Client(cmp.Or(q.ClientID, q.SessionID)), names.Session(q.SessionID)
		if d.User != nil {
			out.User = names.User(d.User.ID)
		}
	}
	if d.User == nil {
		return out
	}
	for _, name := range a.cfg.Features {
		v, ok := d.User.Features[name]
		if !ok {
			continue
		}
		if out.Features == nil {
			out.Features = make(map[string]string, len(a.cfg.Features))
		}
		out.Features[name] = v
	}
	return out
}
