package llm

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/schemas"
)

// maxAlternatives is how many of the next best routes an answer names.
const maxAlternatives = 3

// odds is the probability of each route that was seen, before calibration. It may sum to
// less than one.
type odds map[string]float64

// routeOdds reads the probability of a route off the tokens that wrote it, the bytes
// start to end of content: the product over those tokens, each renormalised over what
// could legally stand in its place. An alternative token that fits one route only gives
// that route its share. It returns nil when the tokens do not add up to the content or
// have no probabilities.
//
// Some servers report probabilities from before the grammar was applied, so illegal
// alternatives are left out; what was not listed counts against the route, unless every
// route was.
func routeOdds(tokens []chat.Token, content string, d decided, names []string) odds {
	var all strings.Builder
	for _, t := range tokens {
		all.WriteString(t.Text)
	}
	shift := strings.LastIndex(all.String(), content)
	if shift < 0 || d.end == 0 {
		return nil
	}
	begin, end := shift+d.start, shift+d.end
	out, path, at := odds{}, 1.0, 0
	for _, t := range tokens {
		s := t.Text
		if at < end && at+len(s) > begin {
			if !isLogprob(t) {
				return nil
			}
			p, rest := position{before: all.String()[min(begin, at):at], lead: all.String()[at:max(begin, at)], names: names}.split(t, s)
			for name, share := range rest {
				out[name] += path * share
			}
			path *= p
		}
		at += len(s)
	}
	out[d.route.Name] += path
	return out
}

// isLogprob reports whether a token has the logarithm of a probability. Nonsense is no
// certainty.
func isLogprob(t chat.Token) bool {
	const rounding = 1e-6
	return t.Logprob <= rounding
}

// position is a place in the name of a route where a token was chosen.
type position struct {
	before string // the part of the name that is written already
	lead   string // what the token begins with before the name does
	names  []string
}

// split returns the probability of the chosen token among the legal ones, and the shares
// of the routes that other tokens would have led to for certain.
func (p position) split(t chat.Token, chosen string) (own float64, rest odds) {
	own = probability(t.Logprob)
	listed, legal, rest := own, own, odds{}
	possible := map[string]bool{}
	for _, name := range p.fitting(chosen) {
		possible[name] = true
	}
	for _, alt := range t.Top {
		s := alt.Text
		if s == chosen {
			continue
		}
		share := probability(alt.Logprob)
		listed += share
		fit := p.fitting(s)
		if len(fit) == 0 {
			continue
		}
		legal += share
		for _, name := range fit {
			possible[name] = true
		}
		if len(fit) == 1 {
			rest[fit[0]] += share
		}
	}
	if open := p.fitting(p.lead); len(possible) < len(open) {
		legal += max(0, 1-listed)
	}
	if legal <= 0 {
		return 0, nil
	}
	for name := range rest {
		rest[name] /= legal
	}
	return own / legal, rest
}

// fitting lists the routes that can still be written when the next token is s.
func (p position) fitting(s string) []string {
	s, ok := strings.CutPrefix(s, p.lead)
	if !ok {
		return nil
	}
	var fit []string
	for _, name := range p.names {
		rest, ok := strings.CutPrefix(name, p.before)
		if ok && (strings.HasPrefix(rest, s) || strings.HasPrefix(s, rest+`"`)) {
			fit = append(fit, name)
		}
	}
	return fit
}

func probability(logprob float64) float64 {
	if math.IsNaN(logprob) {
		return 0
	}
	return math.Exp(min(logprob, 0))
}

// calibrated returns the confidence in a route and in the next best ones, flattened by a
// temperature: p^(1/T), renormalised over n routes, where those that were not seen share
// what is left.
func (o odds) calibrated(route string, n int, temperature float64) (float64, []schemas.Alternative) {
	flat := func(p float64) float64 { return math.Pow(p, 1/temperature) }
	seen, sum := 0.0, 0.0
	names := slices.Sorted(maps.Keys(o)) // sums of one order are equal to the last bit
	for _, name := range names {
		seen += o[name]
		sum += flat(o[name])
	}
	if unseen := n - len(o); unseen > 0 {
		sum += float64(unseen) * flat(max(0, 1-seen)/float64(unseen))
	}
	if sum <= 0 {
		return 0, nil
	}
	var next []schemas.Alternative
	for _, name := range names {
		if name != route {
			next = append(next, schemas.Alternative{Route: name, Confidence: flat(o[name]) / sum})
		}
	}
	slices.SortStableFunc(next, func(a, b schemas.Alternative) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return flat(o[route]) / sum, next[:min(len(next), maxAlternatives)]
}
