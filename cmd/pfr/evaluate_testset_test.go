package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/testset"
)

func TestTestsetCommands(t *testing.T) {
	dir := t.TempDir()
	run := func(c interface{ Run(*program) error }) (string, error) {
		var out bytes.Buffer
		err := c.Run(&program{streams: streams{out: &out}})
		return out.String(), err
	}
	if out, err := run(&testsetStatsCmd{}); err != nil || !strings.Contains(out, "similar_artists") || !strings.Contains(out, "test clusters") {
		t.Errorf("stats: %s, %v", out, err)
	}
	made := filepath.Join(dir, "made.jsonl")
	if _, err := run(&testsetSynthesiseCmd{N: 60, Seed: 5, Market: "SE", Out: made}); err != nil {
		t.Fatal(err)
	}
	cs, err := casesOf(made)
	if err != nil || len(cs) != 60 || cs[0].Market != "SE" {
		t.Fatalf("%d cases, %v", len(cs), err)
	}
	if out, err := run(&testsetCheckCmd{File: made}); err != nil || !strings.HasPrefix(out, "60 cases are well formed") {
		t.Errorf("check: %s, %v", out, err)
	}
	tested := testset.In(cs, testset.Test)
	rows := filepath.Join(dir, "rows.tsv")
	if err := os.WriteFile(rows, []byte("something else\tsearch\n"+strings.ToUpper(tested[0].Query)+"\tsearch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := run(&testsetCheckCmd{File: made, Against: []string{rows}, Most: 1})
	if !errors.Is(err, errOverlap) || strings.Count(out, "\n") != 1 {
		t.Errorf("check against a file that overlaps: %s, %v", out, err)
	}
	log := filepath.Join(dir, "log.tsv")
	if err := os.WriteFile(log, []byte("jazz\t40\nblues\t7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(&testsetSynthesiseCmd{N: 10, Market: "SE", Log: log, MinCount: 5}); err != nil || strings.Count(out, "\n") != 3 || !strings.Contains(out, `"stratum":"tail"`) {
		t.Errorf("from a log: %s, %v", out, err)
	}
	if out, err := run(&testsetExportCmd{Split: "development"}); err != nil || !strings.Contains(out, `"split":"development"`) || strings.Contains(out, `"split":"test"`) {
		t.Errorf("export: %.200s, %v", out, err)
	}
}
