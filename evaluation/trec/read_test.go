package trec_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/trec"
)

func TestReadRun(t *testing.T) {
	run, err := trec.ReadRun(strings.NewReader("# a comment\n2 Q0 x 1 0.5 first\r\n\n1 Q0 a 1 1e1 one\n1 Q0 b 9 20 one more words\n1\tQ0\tc 3 10 last"))
	if err != nil {
		t.Fatal(err)
	}
	// By score; of equals the last name first; ranks mean nothing.
	if run.ID != "last" || len(run.Rankings) != 2 || !slices.Equal(run.Rankings["1"], []string{"b", "c", "a"}) {
		t.Errorf("%+v", run)
	}
}

func TestReadQrels(t *testing.T) {
	qrels, err := trec.ReadQrels(strings.NewReader("1 0 a 2\n1 0 b -1\n2 0 a 0\n"))
	if err != nil || len(qrels) != 2 || qrels["1"]["a"] != 2 || qrels["1"]["b"] != -1 {
		t.Errorf("%v, %v", qrels, err)
	}
	subtopics, err := trec.ReadSubtopics(strings.NewReader("1 1 a 1\n1 2 a 3\n1 1 b 0\n1 2 c -1\n"))
	if err != nil || !slices.Equal(subtopics["1"]["a"], []string{"1", "2"}) || len(subtopics["1"]) != 3 || len(subtopics["1"]["b"]) != 0 {
		t.Errorf("%v, %v", subtopics, err)
	}
	dates, err := trec.ReadDates(strings.NewReader("a\t2026-03-01\nb\t2026-03\nc\t2026\n"))
	if err != nil || !dates["a"].Equal(dates["b"]) || dates["c"].Month() != 1 {
		t.Errorf("%v, %v", dates, err)
	}
}

// Every bad line is named, and what is wrong with it.
func TestReadNamesBadLines(t *testing.T) {
	as := func(read func(io.Reader) error) func(string) error {
		return func(s string) error { return read(strings.NewReader(s)) }
	}
	run := as(func(r io.Reader) error { _, err := trec.ReadRun(r); return err })
	qrels := as(func(r io.Reader) error { _, err := trec.ReadQrels(r); return err })
	subtopics := as(func(r io.Reader) error { _, err := trec.ReadSubtopics(r); return err })
	dates := as(func(r io.Reader) error { _, err := trec.ReadDates(r); return err })
	for _, c := range []struct {
		read func(string) error
		text string
		want []string
	}{
		{run, "1 Q0 a 1 2\n1 Q0 a 1 x me\n1 Q0 a 1 NaN me\n1 Q0 a 1 1 me\n1 Q0 a 2 0 me\n", []string{"line 1 ", "line 2 ", "line 3 ", "line 5 ", "5 fields", `"x"`, "a is returned twice for topic 1"}},
		{qrels, "1 0 a\n1 0 a 1.5\n1 0 a 1\n1 1 a 1\n", []string{"line 1 ", "line 2 ", "line 4 ", "judged twice"}},
		{subtopics, "1 1 a 1 1\n1 1 a y\n1 1 a 0\n1 1 a 1\n", []string{"line 1 ", "line 2 ", "line 4 ", "subtopic 1 of topic 1"}},
		{dates, "a\nb 3 March\nc March\nd 2026\nd 2025", []string{"line 1 ", "line 2 ", "line 3 ", "line 5 ", "two dates"}},
		{run, strings.Repeat("x\n", 25), []string{"line 20 ", "5 more lines"}},
		{run, strings.Repeat("x", 2<<20), []string{"line 1", "too long"}},
	} {
		err := c.read(c.text)
		if err == nil {
			t.Errorf("%.40q: no error", c.text)
			continue
		}
		if !errors.Is(err, trec.ErrFormat) && !strings.Contains(err.Error(), "too long") {
			t.Errorf("%v is no ErrFormat", err)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v\ndoes not say %q", err, want)
			}
		}
	}
}
