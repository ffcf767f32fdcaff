package posttraining_test

import (
	"fmt"
	"strings"
	"testing"
)

// A scripted teacher and judge give exactly the rows, hard queries and rejections that are
// written down, one or two decisions kept.
func TestScriptedTeacherAndJudge(t *testing.T) {
	s := readScript(t, read(t, "testdata/scripted/script.txt"))
	for _, keep := range []int{1, 2} {
		dir := t.TempDir()
		cfg := config(dir)
		cfg.Keep = keep
		stats, err := sample(t, cfg, parts(t, s))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(outputs(t, dir), music(t).Version, "of-the-manifest")
		golden(t, fmt.Sprintf("scripted/keep%d.txt", keep), got)
		if stats.Resolved != 4 || stats.Hard != 1 || stats.Waiting != 0 {
			t.Errorf("keep %d: resolved %d, hard %d, waiting %d; want 4, 1, 0", keep, stats.Resolved, stats.Hard, stats.Waiting)
		}
	}
}

// Every row and every rejection names who rejected and who will evaluate.
func TestBothJudgesAreNamed(t *testing.T) {
	s := readScript(t, read(t, "testdata/scripted/script.txt"))
	dir := t.TempDir()
	if _, err := sample(t, config(dir), parts(t, s)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rows.jsonl", "hard.jsonl", "rejections.jsonl"} {
		for line := range strings.Lines(read(t, dir+"/"+name)) {
			if !strings.Contains(line, `"judge":"strict"`) || !strings.Contains(line, `"evaluation_judge":"examiner"`) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}
