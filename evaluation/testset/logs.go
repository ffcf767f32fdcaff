package testset

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Strata of what listeners asked.
const (
	Popular      = "popular"      // asked most
	Tail         = "tail"         // asked seldom
	Reformulated = "reformulated" // asked right after a query that did not help
)

// Sampling says what to take of a log. See [DefaultSampling].
type Sampling struct {
	Count  int    // cases to take, as far as there are: a third of each stratum
	Market string // of every case
	AsOf   string // the day of every case, YYYY-MM-DD; "" is the day of the catalogue
	// MinCount leaves out what was asked fewer times: what few people ask may say who they
	// are.
	MinCount int
	Head     float64 // share of all searches that the popular queries make up
	TailMost int     // times that a query of the tail is asked at most
}

// DefaultSampling calls popular what makes up half of all searches, and tail what was asked
// ten times at most; what was asked by fewer than five is not taken.
func DefaultSampling() Sampling {
	return Sampling{Count: 300, Market: "US", MinCount: 5, Head: 0.5, TailMost: 10}
}

// Validate returns everything that is wrong with s.
func (s Sampling) Validate() error {
	var errs []error
	if s.Count < 1 || s.MinCount < 1 || s.TailMost < s.MinCount {
		errs = append(errs, fmt.Errorf("count %d, min_count %d, tail_most %d: want positive numbers, the last at least the one before", s.Count, s.MinCount, s.TailMost))
	}
	if !isMarket(s.Market) {
		errs = append(errs, fmt.Errorf("market %q: want two capital letters", s.Market))
	}
	if !(s.Head > 0 && s.Head <= 1) {
		errs = append(errs, fmt.Errorf("head %v: want a share above 0 and at most 1", s.Head))
	}
	return errors.Join(errs...)
}

// asked is a query of a log.
type asked struct {
	text   string
	count  int
	before string // what the same listener asked just before, "" if nothing of note
}

// FromLog takes cases from lines of a query, a tab and how often it was asked, and, if it is
// known, a tab and the query that it replaced. Equal queries, once normalised, count
// together. The cases have neither gold nor needs, which people have to add, and their use
// case is [Unlabelled]. The masker, which may be nil, makes near-duplicates one cluster. The
// error names every bad line.
func FromLog(r io.Reader, cfg Sampling, m Masker) ([]Case, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("cases from a log: %w", err)
	}
	log, err := readLog(r)
	if err != nil {
		return nil, err
	}
	strata := cfg.strata(log)
	taken := map[string]bool{}
	var out []Case
	for i, names := 0, []string{Popular, Tail, Reformulated}; i < len(names); i++ {
		want := (cfg.Count*(i+1) + len(names) - 1) / len(names)
		for _, q := range strata[names[i]] {
			if len(out) < min(want, cfg.Count) && !taken[q.text] {
				taken[q.text] = true
				out = append(out, cfg.newCase(q, names[i]))
			}
		}
	}
	return clustered(out, m), nil
}

func (s Sampling) newCase(q asked, stratum string) Case {
	id, _ := idOf(Unlabelled, q.text)
	return Case{ID: "log-" + id, Query: q.text, UseCase: Unlabelled, Market: s.Market, AsOf: s.AsOf, Origin: FromLogs, Stratum: stratum}
}

// strata sorts queries by what they are, each as it should be taken: the popular by how
// often they were asked, the others in an order that has nothing to do with it.
func (s Sampling) strata(log []asked) map[string][]asked {
	total := 0
	for _, q := range log {
		total += q.count
	}
	out := map[string][]asked{}
	sum := 0
	for _, q := range log {
		head := float64(sum) < s.Head*float64(total)
		sum += q.count
		if q.count < s.MinCount {
			continue
		}
		if head {
			out[Popular] = append(out[Popular], q)
		} else if q.count <= s.TailMost {
			out[Tail] = append(out[Tail], q)
		}
		if q.before != "" && Normalise(q.before) != Normalise(q.text) {
			out[Reformulated] = append(out[Reformulated], q)
		}
	}
	for _, name := range []string{Tail, Reformulated} {
		slices.SortFunc(out[name], func(a, b asked) int {
			first, _ := idOf(Unlabelled, a.text)
			second, _ := idOf(Unlabelled, b.text)
			return cmp.Compare(first, second)
		})
	}
	return out
}

// readLog returns the queries of a log, those asked most first.
func readLog(r io.Reader) ([]asked, error) {
	at := map[string]int{}
	var out []asked
	var errs []error
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSuffix(strings.TrimPrefix(lines.Text(), "\ufeff"), "\r")
		if strings.TrimSpace(text) == "" {
			continue
		}
		q, err := readAsked(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		i, known := at[Normalise(q.text)]
		if !known {
			at[Normalise(q.text)] = len(out)
			out = append(out, q)
			continue
		}
		out[i].count += q.count
		out[i].before = cmp.Or(out[i].before, q.before)
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, fmt.Errorf("read log: %w", err))
	}
	slices.SortStableFunc(out, func(a, b asked) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.text, b.text)) })
	return out, errors.Join(errs...)
}

func readAsked(text string) (asked, error) {
	f := strings.Split(text, "\t")
	if len(f) < 2 || len(f) > 3 || strings.TrimSpace(f[0]) == "" {
		return asked{}, errors.New("want a query, a tab, how often it was asked, and if known a tab and the query before it")
	}
	count, err := strconv.Atoi(strings.TrimSpace(f[1]))
	if err != nil || count < 1 {
		return asked{}, fmt.Errorf("%q: want how often it was asked", f[1])
	}
	q := asked{text: strings.TrimSpace(f[0]), count: count}
	if len(f) == 3 {
		q.before = strings.TrimSpace(f[2])
	}
	return q, nil
}

// clustered sets the clusters and splits of cases.
func clustered(cs []Case, m Masker) []Case {
	masked, keys := make([]string, len(cs)), make([]string, len(cs))
	for i, c := range cs {
		keys[i] = Normalise(c.Query)
		masked[i] = c.Query
		if m != nil {
			masked[i] = m.Mask(c.Query)
		}
	}
	for i, cluster := range Clusters(masked, keys) {
		cs[i].Cluster, cs[i].Split = cluster, splitOf(cluster)
	}
	return cs
}
