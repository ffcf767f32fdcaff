package llmjudge

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/internal/llm"
)

// want is whether a query asks for new things.
type want string

// Wants.
const (
	wantsAny    want = "no"
	wantsNew    want = "new"
	wantsNewest want = "newest"
)

// maxReason is how much of a reason is kept, in characters.
const maxReason = 160

// pageAnswer is what a model wrote about a page.
type pageAnswer struct {
	verdicts map[judge.Dimension]judge.Verdict // of all but freshness
	reason   string                            // of freshness
	wants    want
}

// parsePage reads an answer about a page. Whatever is not what was asked for is an
// [llm.ErrOutput]; so is evidence that is not on the page, and a PASS without evidence
// where there are items to cite.
func parsePage(content string, v view) (pageAnswer, error) {
	out := pageAnswer{verdicts: map[judge.Dimension]judge.Verdict{}}
	members, _, err := llm.ParseObject(content)
	if err != nil {
		return out, err
	}
	if err := exactly(members, string(judge.Relevance), string(judge.Diversity), string(judge.Freshness), string(judge.Overall)); err != nil {
		return out, err
	}
	for _, m := range members {
		fields, _ := m.Value.([]llm.Pair)
		d := judge.Dimension(m.Key)
		if d == judge.Freshness {
			out.reason, out.wants, err = parseWants(fields)
		} else {
			out.verdicts[d], err = parseVerdict(fields, v)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func parseVerdict(fields []llm.Pair, v view) (judge.Verdict, error) {
	var out judge.Verdict
	if err := exactly(fields, "evidence", "reason", "verdict"); err != nil {
		return out, err
	}
	var verdict string
	for _, f := range fields {
		var err error
		switch f.Key {
		case "evidence":
			out.Evidence, err = parseEvidence(f.Value, v)
		case "reason":
			out.Reason, err = line(f.Value)
		default:
			verdict, _ = f.Value.(string)
		}
		if err != nil {
			return out, err
		}
	}
	switch verdict {
	case "PASS":
		out.Pass = true
	case "NO_PASS":
	default:
		return out, llm.BadOutput("a verdict is neither PASS nor NO_PASS")
	}
	if out.Pass && len(out.Evidence) == 0 && v.items() > 0 {
		return out, llm.BadOutput("a PASS cites no item of the page")
	}
	return out, nil
}

// parseEvidence reads numbers of items as their ids, each once.
func parseEvidence(value any, v view) ([]string, error) {
	list, ok := value.([]any)
	if !ok || len(list) > maxItems {
		return nil, llm.BadOutput("evidence is not a list of numbers")
	}
	var out []string
	seen := map[int]bool{}
	for _, e := range list {
		number, _ := e.(json.Number)
		n, err := strconv.Atoi(number.String())
		if err != nil {
			return nil, llm.BadOutput("evidence is not a list of numbers")
		}
		id, ok := v.id(n)
		if !ok {
			return nil, llm.BadOutput("evidence is not on the page")
		}
		if !seen[n] {
			seen[n] = true
			out = append(out, id)
		}
	}
	return out, nil
}

func parseWants(fields []llm.Pair) (reason string, w want, err error) {
	if err := exactly(fields, "reason", "wants"); err != nil {
		return "", "", err
	}
	for _, f := range fields {
		if f.Key == "reason" {
			if reason, err = line(f.Value); err != nil {
				return "", "", err
			}
			continue
		}
		text, _ := f.Value.(string)
		w = want(text)
	}
	switch w {
	case wantsAny, wantsNew, wantsNewest:
		return reason, w, nil
	}
	return "", "", llm.BadOutput("wants is none of no, new and newest")
}

// parsePair reads an answer about a pair.
func parsePair(content string) (judge.Choice, string, error) {
	members, _, err := llm.ParseObject(content)
	if err != nil {
		return "", "", err
	}
	if err := exactly(members, "reason", "better"); err != nil {
		return "", "", err
	}
	var choice judge.Choice
	reason := ""
	for _, m := range members {
		if m.Key == "reason" {
			if reason, err = line(m.Value); err != nil {
				return "", "", err
			}
			continue
		}
		text, _ := m.Value.(string)
		choice = judge.Choice(text)
	}
	switch choice {
	case judge.First, judge.Second, judge.Tie:
		return choice, reason, nil
	}
	return "", "", llm.BadOutput("better is none of first, second and tie")
}

// exactly wants the members of an object to be these, in any order. None of them is
// repeated: the parser has seen to that.
func exactly(members []llm.Pair, keys ...string) error {
	has := map[string]bool{}
	for _, m := range members {
		has[m.Key] = true
	}
	for _, key := range keys {
		if !has[key] {
			return llm.BadOutput("a member is missing: " + key)
		}
	}
	if len(members) != len(keys) {
		return llm.BadOutput("a member does not belong there")
	}
	return nil
}

// line returns a text as one short line.
func line(v any) (string, error) {
	text, ok := v.(string)
	if !ok {
		return "", llm.BadOutput("a reason is not a text")
	}
	return llm.Clean(text, maxReason), nil
}

// verdicts puts the answer together with what was counted.
func (c Config) verdicts(a pageAnswer, d freshness) map[judge.Dimension]judge.Verdict {
	a.verdicts[judge.Freshness] = c.Fresh.verdict(a, d)
	return a.verdicts
}

// verdict says whether a page is new enough, by its dates and by what the query asks for.
func (f Fresh) verdict(a pageAnswer, d freshness) judge.Verdict {
	need := 0
	switch a.wants {
	case wantsAny:
		return judge.Verdict{Pass: true, Reason: a.reason}
	case wantsNew:
		need = max(int(math.Ceil(f.Share*float64(d.Dated))), 1)
	case wantsNewest:
		need = 1
	}
	return judge.Verdict{
		Pass: d.New >= need, Evidence: d.ids,
		Reason: fmt.Sprintf("%s: %d of %d dated items are of the last %d weeks, wanted are %d", a.reason, d.New, d.Dated, d.Weeks, need),
	}
}
