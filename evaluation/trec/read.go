package trec

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/dates"
)

// maxLine is the longest line that is read, in bytes.
const maxLine = 1 << 20

// maxProblems is how many bad lines an error names; the others are counted.
const maxProblems = 20

// ErrFormat is wrapped by errors about lines that are not well formed.
var ErrFormat = errors.New("malformed")

// ReadQrels reads judgments: lines of topic, iteration, document and level, with white space
// between. The iteration is ignored. Empty lines and lines that begin with # are skipped. A
// document that is judged twice for a topic is an error, as in trec_eval. The error names
// every bad line, up to twenty.
func ReadQrels(r io.Reader) (Qrels, error) {
	out := Qrels{}
	err := eachLine(r, 4, func(f [][]byte) error {
		if len(f) != 4 {
			return fmt.Errorf("%d fields, want topic, iteration, document, level", len(f))
		}
		level, err := strconv.Atoi(string(f[3]))
		if err != nil {
			return fmt.Errorf("level %q is no whole number", f[3])
		}
		levels := out[string(f[0])]
		if levels == nil {
			levels = Levels{}
			out[string(f[0])] = levels
		}
		if _, ok := levels[string(f[2])]; ok {
			return fmt.Errorf("document %s is judged twice for topic %s", f[2], f[0])
		}
		levels[string(f[2])] = level
		return nil
	})
	return out, wrap("judgments", err)
}

// ReadSubtopics reads the diversity judgments of ndeval: lines of topic, subtopic, document
// and judgment, of which every positive one means relevant. A document that is judged twice
// for a subtopic is an error, which ndeval does not look for.
func ReadSubtopics(r io.Reader) (Subtopics, error) {
	out := Subtopics{}
	type pair struct{ topic, subtopic, doc string }
	seen := map[pair]bool{}
	err := eachLine(r, 4, func(f [][]byte) error {
		if len(f) != 4 {
			return fmt.Errorf("%d fields, want topic, subtopic, document, judgment", len(f))
		}
		judgment, err := strconv.Atoi(string(f[3]))
		if err != nil {
			return fmt.Errorf("judgment %q is no whole number", f[3])
		}
		p := pair{string(f[0]), string(f[1]), string(f[2])}
		if seen[p] {
			return fmt.Errorf("document %s is judged twice for subtopic %s of topic %s", p.doc, p.subtopic, p.topic)
		}
		seen[p] = true
		if out[p.topic] == nil {
			out[p.topic] = Aspects{}
		}
		subtopics := out[p.topic][p.doc]
		if judgment > 0 {
			subtopics = append(subtopics, p.subtopic)
		}
		out[p.topic][p.doc] = subtopics
		return nil
	})
	return out, wrap("diversity judgments", err)
}

// result is a line of a run.
type result struct {
	doc   string
	score float64
}

// ReadRun reads a run: lines of topic, Q0, document, rank, score and name of the run, with
// white space between; what follows is ignored. As in trec_eval, ranks are ignored: documents
// are ordered by score, larger ones first, and documents of one score by name, later ones
// first. The name of the run is that of the last line. A document that is returned twice for
// a topic is an error. The error names every bad line, up to twenty.
func ReadRun(r io.Reader) (Run, error) {
	results, id := map[string][]result{}, ""
	seen := map[string]map[string]bool{}
	err := eachLine(r, 6, func(f [][]byte) error {
		if len(f) < 6 {
			return fmt.Errorf("%d fields, want topic, Q0, document, rank, score, run", len(f))
		}
		score, err := strconv.ParseFloat(string(f[4]), 64)
		if err != nil || math.IsNaN(score) {
			return fmt.Errorf("score %q is no number", f[4])
		}
		topic, doc := string(f[0]), string(f[2])
		if seen[topic] == nil {
			seen[topic] = map[string]bool{}
		}
		if seen[topic][doc] {
			return fmt.Errorf("document %s is returned twice for topic %s", doc, topic)
		}
		seen[topic][doc] = true
		results[topic] = append(results[topic], result{doc, score})
		id = string(f[5])
		return nil
	})
	run := Run{ID: id, Rankings: make(map[string][]string, len(results))}
	for topic, list := range results {
		slices.SortFunc(list, func(a, b result) int {
			return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.doc, a.doc))
		})
		docs := make([]string, len(list))
		for i, r := range list {
			docs[i] = r.doc
		}
		run.Rankings[topic] = docs
	}
	return run, wrap("run", err)
}

// ReadDates reads when documents were released: lines of document, tab, date. A date is
// 2006-01-02, 2006-01 or 2006; the last two count as their first day. A document that is
// there twice is an error.
func ReadDates(r io.Reader) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := eachLine(r, 2, func(f [][]byte) error {
		if len(f) != 2 {
			return fmt.Errorf("%d fields, want document, date", len(f))
		}
		date, _, ok := dates.Days(string(f[1]))
		if !ok {
			return fmt.Errorf("date %q is none like 2006-01-02, 2006-01 or 2006", f[1])
		}
		doc := string(f[0])
		if _, ok := out[doc]; ok {
			return fmt.Errorf("document %s has two dates", doc)
		}
		out[doc] = date
		return nil
	})
	return out, wrap("dates", err)
}

// eachLine calls fn with the fields of every line that has some, which are valid until fn
// returns. It goes on after errors of fn and returns them with their lines.
func eachLine(r io.Reader, fields int, fn func(fields [][]byte) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	var errs []error
	number, bad := 0, 0
	split := make([][]byte, 0, fields)
	for in.Scan() {
		number++
		split = split[:0]
		for field := range bytes.FieldsSeq(in.Bytes()) {
			split = append(split, field)
		}
		if len(split) == 0 || split[0][0] == '#' {
			continue
		}
		if err := fn(split); err != nil {
			if bad++; bad <= maxProblems {
				errs = append(errs, fmt.Errorf("line %d is %w: %w", number, ErrFormat, err))
			}
		}
	}
	if bad > maxProblems {
		errs = append(errs, fmt.Errorf("%d more lines are %w", bad-maxProblems, ErrFormat))
	}
	if err := in.Err(); err != nil {
		errs = append(errs, fmt.Errorf("line %d: %w", number+1, err))
	}
	return errors.Join(errs...)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
