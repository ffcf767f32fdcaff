package gateway

import (
	"fmt"
	"strings"
)

// whyView is the panel that explains the decision.
type whyView struct {
	Summary, Degraded, Spent, Versions string

	Routes []barView
	Tiers  []tierView
}

// barView is a route with how likely it was right.
type barView struct {
	Name, Share, W string
	Chosen         bool
}

// tierView is a tier on a time line from 0 to 100.
type tierView struct{ Name, Outcome, Text, Took, X, W string }

func viewWhy(why reasons) whyView {
	v := whyView{Summary: why.Summary, Spent: why.Spent, Versions: why.versions()}
	if why.Degraded != "" {
		v.Degraded = "degraded"
	}
	v.Routes = append(v.Routes, viewBar(why.Route, why.Confidence))
	v.Routes[0].Chosen = true
	for _, a := range why.Alternatives {
		v.Routes = append(v.Routes, viewBar(a.Route, a.Confidence))
	}
	var at, total float64
	for _, t := range why.Tiers {
		total += t.TookMS
	}
	total = max(total, 1e-6)
	for _, t := range why.Tiers {
		x, w := stretch(at, t.TookMS, total)
		v.Tiers = append(v.Tiers, tierView{t.Name, string(t.Outcome), t.Text, millis(t.TookMS), x, w})
		at += t.TookMS
	}
	return v
}

func viewBar(route string, confidence float64) barView {
	return barView{Name: route, Share: percent(confidence), W: fmt.Sprintf("%.2f", 100*confidence)}
}

// stretch is where a bar begins and how wide it is, in percent of the total. The shortest
// can still be seen.
func stretch(start, took, total float64) (x, w string) {
	at := min(100*start/total, 99)
	return fmt.Sprintf("%.2f", at), fmt.Sprintf("%.2f", min(max(100*took/total, .5), 100-at))
}

// versions names what the decision depends on.
func (why reasons) versions() string {
	var out []string
	for _, v := range []struct{ name, value string }{
		{"arm", why.Arm}, {"manifest", why.Versions.Manifest}, {"model", why.Versions.Model}, {"prompt", why.Versions.Prompt},
	} {
		if v.value != "" {
			out = append(out, v.name+" "+v.value)
		}
	}
	return strings.Join(out, " · ")
}
