package fusion_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

type contextOf = context.Context

// broken returns the promise of a page that was broken, or "". All tools of the page have
// answered with lists.
func broken(p schemas.SERP, d schemas.Decision, lists [][]schemas.Item) string {
	if err := p.Validate(); err != nil {
		return err.Error()
	}
	if p.Coverage != 1 || p.Status != schemas.SERPComplete {
		return "coverage"
	}
	if len(p.Sections)+len(p.Omitted) != len(d.Calls) {
		return "sections and omitted ones are not the calls"
	}
	seen, works := map[string]bool{}, map[string]bool{}
	for _, s := range p.Sections {
		i := slices.IndexFunc(d.Calls, func(c schemas.Call) bool { return c.Section == s.ID })
		if why := brokenSection(p.Query, s, d.Calls[i], lists[i]); why != "" {
			return s.ID + ": " + why
		}
		if d.Calls[i].Whole {
			continue
		}
		for _, it := range s.Items {
			if seen[it.ID] || works[workName(p.Query, it)] {
				return "twice: " + it.ID + " " + it.Title
			}
			seen[it.ID], works[workName(p.Query, it)] = true, true
		}
	}
	for _, s := range p.Omitted {
		if len(s.Items) > 0 || s.Status != schemas.SectionEmpty || s.Reason == "" {
			return "omitted " + s.ID
		}
	}
	return ""
}

func brokenSection(query string, s schemas.Section, c schemas.Call, found []schemas.Item) string {
	if len(s.Items) > c.Limit {
		return "limit"
	}
	if (len(s.Items) == 0) != (s.Status == schemas.SectionEmpty) || (s.Status == schemas.SectionEmpty) != (s.Reason != "") {
		return "status " + string(s.Status) + " " + s.Reason
	}
	seen, works := map[string]bool{}, map[string]bool{}
	for _, it := range s.Items {
		it.Versions = nil
		if !slices.ContainsFunc(found, func(o schemas.Item) bool { return reflect.DeepEqual(o, it) }) {
			return "no tool returned " + it.ID
		}
		if seen[it.ID] || works[workName(query, it)] {
			return "twice: " + it.ID + " " + it.Title
		}
		seen[it.ID], works[workName(query, it)] = true, true
	}
	return brokenCap(s, c)
}

// brokenCap wants items over the cap of their artist behind all others.
func brokenCap(s schemas.Section, c schemas.Call) string {
	of, over := map[string]int{}, false
	for _, it := range s.Items {
		artist := it.Artists[0]
		of[artist]++
		if c.PerArtist > 0 && !c.Whole && of[artist] <= c.PerArtist && over {
			return "an item over the cap stands before " + it.ID
		}
		over = over || c.PerArtist > 0 && of[artist] > c.PerArtist
	}
	return ""
}

// workName names the work of an item of drawItems, by hand.
func workName(query string, it schemas.Item) string {
	if it.Type == "artist" {
		return it.ID
	}
	title := strings.ToLower(strings.TrimSuffix(it.Title, "!"))
	if !strings.Contains(query, "live") {
		title, _, _ = strings.Cut(title, " (live")
	}
	title, _, _ = strings.Cut(title, " - ")
	title, _, _ = strings.Cut(title, " (feat")
	return fmt.Sprint(it.Type, title, it.Artists[0])
}
