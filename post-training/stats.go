package posttraining

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// Stats says what a run came to. They follow from the journal; nothing in them depends on
// when or how fast it ran.
type Stats struct {
	Settings Settings `json:"settings"`

	Queries  int `json:"queries"`
	Resolved int `json:"resolved"` // with at least one row
	Hard     int `json:"hard"`     // without, after all attempts
	Waiting  int `json:"waiting"`  // for more attempts

	Calls      int     `json:"calls"` // of teachers
	Accepted   int     `json:"accepted"`
	Repeated   int     `json:"repeated"`
	Invalid    int     `json:"invalid"` // no decision at all
	ByGates    int     `json:"rejected_by_gates"`
	ByJudge    int     `json:"rejected_by_judge"`
	Unjudged   int     `json:"unjudged"`                // the judge gave no verdict
	CostUSD    float64 `json:"cost_usd"`                // of all attempts
	LostUSD    float64 `json:"lost_usd,omitempty"`      // of these, what unfinished ones cost
	Tokens     int     `json:"tokens"`                  // read and written by teachers
	JudgeToken int     `json:"judge_tokens"`            // likewise, by the judge
	PassFirst  float64 `json:"passed_at_first_attempt"` // share of queries with an attempt

	Attempts map[int]int             `json:"resolved_at_attempt"` // queries, by the attempt of their first row
	Routes   map[string]int          `json:"rows_by_route"`
	Sources  map[Source]SourceCount  `json:"by_source"`
	Teachers map[string]TeacherCount `json:"by_teacher"`
	Reasons  map[string]int          `json:"rejected_by"`
}

// SourceCount is how the queries of a source went.
type SourceCount struct {
	Queries  int `json:"queries"`
	Resolved int `json:"resolved"`
	Hard     int `json:"hard"`
}

// TeacherCount is how the samples of a teacher went.
type TeacherCount struct {
	Calls    int     `json:"calls"`
	Accepted int     `json:"accepted"`
	CostUSD  float64 `json:"cost_usd"`
}

func newStats(s Settings) Stats {
	return Stats{
		Settings: s, Attempts: map[int]int{}, Routes: map[string]int{}, Sources: map[Source]SourceCount{},
		Teachers: map[string]TeacherCount{}, Reasons: map[string]int{},
	}
}

// add counts a query and its attempts.
func (s *Stats) add(settings Settings, p *progress) {
	first := 0
	for _, a := range p.attempts {
		s.count(a)
		if a.Outcome == Accepted && first == 0 {
			first = a.Attempt
		}
	}
	s.CostUSD, s.LostUSD = cents(s.CostUSD+p.lost), cents(s.LostUSD+p.lost)
	s.Queries++
	source := s.Sources[p.query.Source]
	source.Queries++
	switch {
	case first > 0:
		s.Resolved++
		source.Resolved++
		s.Attempts[first]++
	case len(p.attempts) >= settings.Attempts:
		s.Hard++
		source.Hard++
	}
	s.Sources[p.query.Source] = source
	if first == 0 && len(p.attempts) < settings.Attempts || first > 0 && p.accepted() < settings.Keep && len(p.attempts) < settings.Attempts {
		s.Waiting++
	}
	if asked := s.Resolved + s.Hard; asked > 0 {
		s.PassFirst = math.Round(1e4*float64(s.Attempts[1])/float64(asked)) / 1e4
	}
}

func (s *Stats) count(a Attempt) {
	s.Calls++
	s.CostUSD = cents(s.CostUSD + a.CostUSD)
	s.Tokens += a.Tokens.Prompt + a.Tokens.Completion
	s.JudgeToken += a.JudgeTokens.Prompt + a.JudgeTokens.Completion
	t := s.Teachers[a.Teacher]
	t.Calls++
	t.CostUSD = cents(t.CostUSD + a.CostUSD)
	switch a.Outcome {
	case Accepted:
		s.Accepted++
		t.Accepted++
		s.Routes[a.Route]++
	case Repeated:
		s.Repeated++
	case Rejected:
		s.Reasons[string(a.Stage)+" "+a.By]++
		switch a.Stage {
		case StageTeacher:
			s.Invalid++
		case StageGate:
			s.ByGates++
		case StageJudge:
			s.ByJudge++
		case StageUnjudged:
			s.Unjudged++
		}
	}
	s.Teachers[a.Teacher] = t
}

// cents rounds to a billionth of a dollar, so that sums print the same.
func cents(usd float64) float64 { return math.Round(usd*1e9) / 1e9 }

// Write prints the figures for people.
func (s Stats) Write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "queries\t%d\tresolved %d, hard %d, waiting for attempts %d\n", s.Queries, s.Resolved, s.Hard, s.Waiting)
	fmt.Fprintf(w, "samples\t%d\taccepted %d, repeated %d, invalid %d, rejected by gates %d, by the judge %d, without a verdict %d\n",
		s.Calls, s.Accepted, s.Repeated, s.Invalid, s.ByGates, s.ByJudge, s.Unjudged)
	fmt.Fprintf(w, "passed at first\t%.1f %%\tof the queries that are done\n", 100*s.PassFirst)
	fmt.Fprintf(w, "cost\t%.4f USD\t%d tokens of teachers, %d of the judge\n", s.CostUSD, s.Tokens, s.JudgeToken)
	if s.LostUSD > 0 {
		fmt.Fprintf(w, "of this lost\t%.4f USD\ton samples that nobody could judge, as somebody was away\n", s.LostUSD)
	}
	fmt.Fprintf(w, "judges\t%s\trejects; %s evaluates\n", s.Settings.Judge, s.Settings.EvaluationJudge)
	fmt.Fprintf(w, "rows by route\t%d\t%s\n", s.Accepted, counted(s.Routes))
	fmt.Fprintf(w, "rejections by\t%d\t%s\n", s.Invalid+s.ByGates+s.ByJudge+s.Unjudged, counted(s.Reasons))
	for _, name := range slices.Sorted(maps.Keys(s.Sources)) {
		c := s.Sources[name]
		fmt.Fprintf(w, "source %s\t%d\tresolved %d, hard %d\n", name, c.Queries, c.Resolved, c.Hard)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Teachers)) {
		c := s.Teachers[name]
		fmt.Fprintf(w, "teacher %s\t%d\taccepted %d, %.4f USD\n", name, c.Calls, c.Accepted, c.CostUSD)
	}
	return w.Flush()
}

// counted writes counts, the largest first.
func counted(m map[string]int) string {
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b)) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, m[name])
	}
	return strings.Join(names, ", ")
}
