package fusion

import (
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
)

// leads reports whether the router is sure enough for the leading section to come first.
func leads(d *schemas.Decision) bool {
	return d.Lead != nil && d.Confidence >= d.Lead.Confidence
}

// inPageOrder returns the calls of a decision in the order of the page. It depends on the
// decision alone, so that the slots announced, the sections sent ahead and the page agree.
// A section that leads comes first, and no section has another beside it then. The calls of
// d stay as they are.
func inPageOrder(d schemas.Decision) []schemas.Call {
	if !leads(&d) {
		return d.Calls
	}
	at := slices.IndexFunc(d.Calls, func(c schemas.Call) bool { return c.Section == d.Lead.Section })
	if at < 0 {
		return d.Calls
	}
	calls := make([]schemas.Call, 0, len(d.Calls))
	calls = append(calls, d.Calls[at])
	calls = append(calls, d.Calls[:at]...)
	calls = append(calls, d.Calls[at+1:]...)
	for i := range calls {
		if calls[i].Display != (schemas.Display{}) {
			calls[i].Display.Width = schemas.FullWidth
		}
	}
	return calls
}
