package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// look is a page as it is looked at.
type look struct {
	cfg    Config
	genres Genres
	today  time.Time
	items  []judge.Item // those shown
}

// shown returns the items that are looked at: the first of each section in turn, and where
// these are too few, more of the sections in turn. An item that is there twice counts once.
func shown(p judge.Page, cfg Config) []judge.Item {
	var first, rest []judge.Item
	for _, s := range p.Sections {
		cut := min(len(s.Items), cfg.PerSection)
		first = append(first, s.Items[:cut]...)
		rest = append(rest, s.Items[cut:]...)
	}
	seen := map[string]bool{}
	var out []judge.Item
	for _, it := range append(first, rest...) {
		if len(out) < cfg.Shown && !seen[it.ID] {
			seen[it.ID] = true
			out = append(out, it)
		}
	}
	return out
}

// wish is for a query with one wish.
func (l look) wish(n testset.Needs) map[judge.Dimension]finding {
	fits := l.fitting(n)
	out := map[judge.Dimension]finding{
		judge.Relevance: l.relevance(n, fits),
		judge.Diversity: l.diversity(n, fits),
		judge.Freshness: l.freshness(n, fits),
	}
	if n.Entity != "" && n.Seed == "" { // one thing is wanted: that it leads is all there is to differ in
		out[judge.Diversity] = finding{pass: true, score: 1, reason: "one thing is wanted"}
	}
	return out
}

// wishes is for a query with several: the page must have something for each.
func (l look) wishes(all []testset.Needs) map[judge.Dimension]finding {
	relevance, freshness := finding{pass: true}, finding{pass: true}
	for i, n := range all {
		fits := l.fitting(n)
		met := len(fits) >= l.cfg.Each
		relevance.evidence = append(relevance.evidence, ids(fits)...)
		if met {
			relevance.score += 1 / float64(len(all))
		} else if relevance.pass {
			relevance.pass, relevance.reason = false, fmt.Sprintf("nothing for wish %d of %d", i+1, len(all))
		}
		f := l.freshness(n, fits)
		freshness.score += f.score / float64(len(all))
		freshness.evidence = append(freshness.evidence, f.evidence...)
		if !f.pass && freshness.pass {
			freshness.pass, freshness.reason = false, fmt.Sprintf("wish %d: %s", i+1, f.reason)
		}
	}
	relevance.evidence = distinct(relevance.evidence)
	freshness.evidence = distinct(freshness.evidence)
	diversity := relevance
	if diversity.pass {
		relevance.reason, diversity.reason = "something for every wish", "something for every wish"
	}
	return map[judge.Dimension]finding{judge.Relevance: relevance, judge.Diversity: diversity, judge.Freshness: freshness}
}

func (l look) fitting(n testset.Needs) []judge.Item {
	var out []judge.Item
	for _, it := range l.items {
		if l.fits(n, it) {
			out = append(out, it)
		}
	}
	return out
}

// relevance asks for the named thing to lead, or else for enough of what is shown to fit.
func (l look) relevance(n testset.Needs, fits []judge.Item) finding {
	if n.Entity != "" {
		for i, it := range l.items[:min(len(l.items), l.cfg.Lead)] {
			if l.fits(n, it) {
				return finding{pass: true, score: 1 / float64(i+1), evidence: []string{it.ID}, reason: fmt.Sprintf("%q is at place %d", n.Entity, i+1)}
			}
		}
		return finding{evidence: ids(l.items[:min(len(l.items), l.cfg.Lead)]), reason: fmt.Sprintf("%q is not among the first %d", n.Entity, l.cfg.Lead)}
	}
	if len(l.items) == 0 {
		return finding{reason: "the page is empty"}
	}
	near := l.near(n, fits)
	share := float64(len(near)) / float64(len(l.items))
	f := finding{pass: share >= l.cfg.MinFit && len(fits) > 0, score: share, evidence: ids(near), reason: fmt.Sprintf("%d of %d items suit", len(near), len(l.items))}
	if !f.pass {
		f.evidence = ids(l.others(near))
	}
	if len(fits) == 0 && len(near) > 0 {
		f.score, f.reason = f.score/2, fmt.Sprintf("none of the type that is wanted: %v", n.Types)
	}
	return f
}

// near returns the items that count for the share that suits. Beside an album that is
// wanted of an artist, songs of theirs are not out of place.
func (l look) near(n testset.Needs, fits []judge.Item) []judge.Item {
	if n.Artist == "" || len(n.Types) == 0 {
		return fits
	}
	n.Types = nil
	return l.fitting(n)
}

// others returns the items shown that are not among some.
func (l look) others(some []judge.Item) []judge.Item {
	return slices.DeleteFunc(slices.Clone(l.items), func(it judge.Item) bool {
		return slices.ContainsFunc(some, func(o judge.Item) bool { return o.ID == it.ID })
	})
}

// diversity asks for several makers, none of which fills the page. Of one artist, it asks
// that no title be shown twice as the same type of thing.
func (l look) diversity(n testset.Needs, fits []judge.Item) finding {
	if len(l.items) == 0 {
		return finding{reason: "the page is empty"}
	}
	if n.Artist != "" {
		return l.repeats(fits)
	}
	makers, most, who := l.makers()
	want := n.MinArtists
	if want == 0 {
		want = l.cfg.MinMakers
	}
	share := float64(most) / float64(len(l.items))
	f := finding{pass: makers >= want && share <= l.cfg.MaxShare, evidence: ids(l.items), score: min(1, float64(makers)/float64(want)), reason: fmt.Sprintf("%d makers", makers)}
	switch {
	case makers < want:
		f.reason = fmt.Sprintf("%d makers, want %d", makers, want)
	case !f.pass:
		f.reason = fmt.Sprintf("%d of %d items are by %s", most, len(l.items), who)
		f.score *= l.cfg.MaxShare / share
	}
	return f
}

// repeats passes if at most one item in five shows what another one does.
func (l look) repeats(fits []judge.Item) finding {
	titles := map[string]bool{}
	for _, it := range fits {
		titles[it.Type+" "+testset.Normalise(it.Title)] = true
	}
	f := finding{pass: 5*(len(fits)-len(titles)) <= len(fits), score: float64(len(titles)) / float64(max(1, len(fits))), evidence: ids(fits)}
	f.reason = fmt.Sprintf("%d titles on %d items of the artist", len(titles), len(fits))
	return f
}

// makers counts who the items shown are by, and how often the most frequent is there. A
// collection is by nobody else.
func (l look) makers() (count, most int, who string) {
	times := map[string]int{}
	for _, it := range l.items {
		name := maker(it)
		times[name]++
		if times[name] > most || times[name] == most && name < who {
			most, who = times[name], name
		}
	}
	return len(times), most, who
}

func maker(it judge.Item) string {
	if len(it.Artists) > 0 {
		return testset.Normalise(it.Artists[0])
	}
	return it.Type + " " + testset.Normalise(it.Title)
}

// freshness asks for what is new, where new things are wanted: of a named artist or thing
// one such item, because there may be only one, of others a share of what fits.
func (l look) freshness(n testset.Needs, fits []judge.Item) finding {
	if n.WithinWeeks == 0 {
		return finding{pass: true, score: 1, reason: "new things are not asked for"}
	}
	var recent []judge.Item
	for _, it := range fits {
		if l.recent(it, n.WithinWeeks) {
			recent = append(recent, it)
		}
	}
	share := float64(len(recent)) / float64(max(1, len(fits)))
	f := finding{pass: share >= l.cfg.MinNew, score: min(1, share/l.cfg.MinNew), evidence: ids(recent)}
	if n.Artist != "" || n.Entity != "" {
		f.pass, f.score = len(recent) > 0, float64(min(1, len(recent)))
	}
	f.reason = fmt.Sprintf("%d of %d items that suit came out within %d weeks", len(recent), len(fits), n.WithinWeeks)
	if !f.pass {
		f.evidence = ids(fits)
	}
	return f
}

func ids(items []judge.Item) []string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = it.ID
	}
	return out
}

// distinct returns each of list once, in its order.
func distinct(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// same reports whether two names are one.
func same(a, b string) bool {
	return strings.TrimPrefix(testset.Normalise(a), "the ") == strings.TrimPrefix(testset.Normalise(b), "the ")
}
