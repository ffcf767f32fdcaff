package recommend

import (
	"maps"
	"math"
	"slices"
)

// Content knows items by their tags alone, for items and users that no interaction tells
// anything about. It is read-only and safe for concurrent use.
type Content struct {
	tags   map[string][]posting // items by tag, ascending
	vector [][]weight           // tags by item, unit length
	idf    map[string]float64
	prior  []float64 // popularity by item, 0 to 1
}

type posting struct {
	item  int
	value float64
}

type weight struct {
	tag   string
	value float64
}

// priorShare is how much popularity counts beside the cosine of tags.
const priorShare = 0.1

// NewContent takes the tags of each item with their weights, positive numbers, and how many
// listeners each item has; a shorter or nil listeners stands for none. Rare tags count more,
// by log(1 + items / items with the tag).
func NewContent(tags []map[string]float64, listeners []uint32) *Content {
	c := &Content{
		tags: map[string][]posting{}, idf: map[string]float64{},
		vector: make([][]weight, len(tags)), prior: make([]float64, len(tags)),
	}
	for _, of := range tags {
		for tag, w := range of {
			if w > 0 {
				c.idf[tag]++
			}
		}
	}
	for tag, n := range c.idf {
		c.idf[tag] = math.Log(1 + float64(len(tags))/n)
	}
	for i, of := range tags {
		c.vector[i] = c.unit(of)
		for _, w := range c.vector[i] {
			c.tags[w.tag] = append(c.tags[w.tag], posting{i, w.value})
		}
	}
	most := 0.0
	for i := range min(len(listeners), len(tags)) {
		c.prior[i] = math.Log1p(float64(listeners[i]))
		most = max(most, c.prior[i])
	}
	for i := range c.prior {
		c.prior[i] /= max(most, 1e-9)
	}
	return c
}

// unit returns known tags as a vector of length 1, by tag; nil for none.
func (c *Content) unit(tags map[string]float64) []weight {
	var v []weight
	length := 0.0
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if w := tags[tag] * c.idf[tag]; w > 0 {
			v = append(v, weight{tag, w})
			length += w * w
		}
	}
	for i := range v {
		v[i].value /= math.Sqrt(length)
	}
	return v
}

// Similar returns the n items whose tags are most like an item's, best first, leaving the
// item out; keep as in Recommender.
func (c *Content) Similar(item, n int, keep func(item int) bool) []Scored {
	if item < 0 || item >= len(c.vector) {
		return nil
	}
	return c.score(c.vector[item], n, func(i int) bool { return i != item && (keep == nil || keep(i)) })
}

// ForTags returns the n items that fit given tags best: a new item's own, or the tastes of
// a new user. Without a known tag they are the most popular items.
func (c *Content) ForTags(tags map[string]float64, n int, keep func(item int) bool) []Scored {
	return c.score(c.unit(tags), n, keep)
}

// Recommend implements Recommender by the tags of the history, weighted by its entries'
// logarithms.
func (c *Content) Recommend(history []Entry, n int, keep func(item int) bool) []Scored {
	seen := make(map[int]bool, len(history))
	sum := map[string]float64{}
	for _, e := range history {
		if e.Item < 0 || e.Item >= len(c.vector) || !(e.Weight > 0) {
			continue
		}
		seen[e.Item] = true
		for _, w := range c.vector[e.Item] {
			sum[w.tag] += w.value * math.Log2(1+float64(e.Weight)) / c.idf[w.tag]
		}
	}
	return c.score(c.unit(sum), n, func(i int) bool { return !seen[i] && (keep == nil || keep(i)) })
}

// score ranks the items by cosine and popularity. Without a vector it is popularity alone.
func (c *Content) score(v []weight, n int, keep func(item int) bool) []Scored {
	best := top{n: n}
	offer := func(i int, s float64) {
		if x := (Scored{Item: i, Score: float32(s)}); best.wants(x) && (keep == nil || keep(i)) {
			best.offer(x)
		}
	}
	if len(v) == 0 {
		for i, p := range c.prior {
			offer(i, priorShare*p)
		}
		return best.sorted()
	}
	cosine := map[int]float64{}
	for _, w := range v {
		for _, p := range c.tags[w.tag] {
			cosine[p.item] += w.value * p.value
		}
	}
	for i, s := range cosine {
		offer(i, (1-priorShare)*s+priorShare*c.prior[i])
	}
	return best.sorted()
}
