package main

import (
	"fmt"
	"strings"

	"github.com/parallel-fusion/pfr/clients/httpclient"
)

// explain draws how a decision came about and where the time of its page went.
func (v view) explain(e httpclient.Explanation) []string {
	p := &paper{width: max(v.width, minWidth), color: v.color}
	p.blank()
	p.line(span{bold, "How it was decided"})
	p.wrap(normal, "   ", e.Why.Summary+" "+e.Why.Degraded)
	v.tiers(p, e.Why)
	v.others(p, e.Why)
	if e.Decision != nil {
		p.wrap(faint, "   ", fmt.Sprintf("spent: %s · manifest %s", e.Why.Spent, e.Decision.ManifestVersion))
	}
	if len(e.Waterfall) > 0 {
		p.blank()
		v.waterfall(p, e.Waterfall)
	}
	return p.lines
}

// tiers draws what was asked, in that order.
func (v view) tiers(p *paper, why httpclient.Why) {
	longest, names := 0.0, 0
	for _, t := range why.Tiers {
		longest, names = max(longest, t.TookMS), max(names, width(t.Name))
	}
	for _, t := range why.Tiers {
		beside, below := t.Text, ""
		if p.width < narrow {
			beside, below = below, beside
		}
		p.line(span{normal, "   " + pad(t.Name, names) + " "}, span{accent, pad(bar(0, t.TookMS, longest, 8), 9)},
			span{normal, pad(millis(t.TookMS), 9)}, span{faint, beside})
		p.wrap(faint, "     ", below)
	}
}

// others draws the routes that were not taken.
func (v view) others(p *paper, why httpclient.Why) {
	var parts []string
	for _, a := range why.Alternatives {
		parts = append(parts, fmt.Sprintf("%s %.1f %%", a.Route, 100*a.Confidence))
	}
	if len(parts) > 0 {
		p.wrap(faint, "   ", "next best: "+strings.Join(parts, ", "))
	}
}

// marksWidth is room for what is said after a bar.
const marksWidth = 22

// waterfall draws a bar for each step and section.
func (v view) waterfall(p *paper, spans []httpclient.Span) {
	end, names := 0.0, 0
	for _, s := range spans {
		end, names = max(end, s.StartMS+s.TookMS), max(names, width(s.Name))
	}
	names = min(names, p.width/3)
	chart := max(p.width-names-14-marksWidth, 8)
	p.line(span{bold, "Where the time went"}, span{faint, fmt.Sprintf("   0 to %s", millis(end))})
	for _, s := range spans {
		what := []string{}
		if s.Status != "" {
			what = append(what, string(s.Status))
		}
		for _, mark := range []struct {
			on   bool
			text string
		}{{s.Cached, "cached"}, {s.Repeated, "repeated"}, {s.Mandatory, "mandatory"}} {
			if mark.on {
				what = append(what, mark.text)
			}
		}
		k := accent
		if s.Status != "" && !s.Status.Answered() {
			k = warn
		}
		p.line(span{normal, "   " + pad(clean(s.Name), names) + " "}, span{k, pad(bar(s.StartMS, s.TookMS, end, chart), chart)},
			span{normal, " " + pad(millis(s.TookMS), 9)}, span{faint, strings.Join(what, ", ")})
	}
}

// bar draws what took so long from start, of end, as eighths of so many cells.
func bar(start, took, end float64, cells int) string {
	if end <= 0 {
		return ""
	}
	from := int(start / end * float64(cells))
	eighths := int(took/end*float64(cells*8) + 0.5)
	eighths = max(eighths, 1)
	parts := []rune(" ▏▎▍▌▋▊▉")
	text := strings.Repeat(" ", min(from, cells-1)) + strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string(parts[rest])
	}
	runes := []rune(text)
	return string(runes[:min(len(runes), cells)])
}
