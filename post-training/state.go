package posttraining

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
)

// progress is how far a query is. Its attempts follow each other without gaps.
type progress struct {
	query      Query
	attempts   []Attempt // in order
	unfinished int       // attempts that were made again
	lost       float64   // US dollars that these cost
}

// accepted returns how many distinct decisions passed.
func (p *progress) accepted() int {
	n := 0
	for _, a := range p.attempts {
		if a.Outcome == Accepted {
			n++
		}
	}
	return n
}

// done reports whether no further attempt is to be made.
func (p *progress) done(c Config) bool {
	return len(p.attempts) >= c.Attempts || p.accepted() >= c.Keep
}

// earlier returns the attempt that came to a decision first, or nil. One that has got no
// verdict does not count.
func (p *progress) earlier(decision string) *Attempt {
	for i := range p.attempts {
		if p.attempts[i].Decision == decision && p.attempts[i].Stage != StageUnjudged {
			return &p.attempts[i]
		}
	}
	return nil
}

// byQuery puts records to their queries, in the order of the queries' ids. Records of other
// queries are left out; see [Open], which refuses them.
func byQuery(queries []Query, records []Attempt) []progress {
	out := make([]progress, len(queries))
	at := make(map[string]int, len(queries))
	for i, q := range queries {
		out[i].query, at[q.ID] = q, i
	}
	for _, r := range records {
		if i, ok := at[r.Query]; ok {
			out[i].add(r)
		}
	}
	for i := range out {
		slices.SortFunc(out[i].attempts, func(a, b Attempt) int { return cmp.Compare(a.Attempt, b.Attempt) })
	}
	return out
}

func (p *progress) add(a Attempt) {
	if a.Outcome == Unfinished {
		p.unfinished++
		p.lost += a.CostUSD
		return
	}
	p.attempts = append(p.attempts, a)
}

// seedOf returns the seed of an attempt: a hash of the run's seed, the query and the number
// of the attempt. It fits the seeds of servers, which are signed.
func seedOf(seed uint64, query string, attempt int) uint64 {
	return hashOf(strconv.FormatUint(seed, 10), query, strconv.Itoa(attempt)) & math.MaxInt64
}

// teacher returns who is asked for the next attempt: the teachers in turn, beginning with one
// that depends on the query, so that each of them is asked first as often. At the last
// attempt, if none has passed, it is a [Resort] that has an answer.
func (p *progress) teacher(teachers []Teacher, attempts int) Teacher {
	next := len(p.attempts) + 1
	var inTurn []Teacher
	for _, t := range teachers {
		resort, ok := t.(Resort)
		if !ok {
			inTurn = append(inTurn, t)
			continue
		}
		if next == attempts && p.accepted() == 0 && resort.Answers(p.query) {
			return t
		}
	}
	n := uint64(len(inTurn))
	return inTurn[(hashOf(p.query.ID)%n+uint64(next-1))%n]
}

func hashOf(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum64()
}
