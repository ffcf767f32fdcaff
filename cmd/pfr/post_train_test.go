package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// From queries to rows, to the files of trainers: sampled, checked, exported, twice with the
// same bytes; and what must not be is refused.
func TestPostTrain(t *testing.T) {
	dir := t.TempDir()
	queries, run, out := filepath.Join(dir, "queries.tsv"), filepath.Join(dir, "run"), filepath.Join(dir, "out")
	if err := os.WriteFile(queries, []byte("artists like Radiohead\tsimilar_artists\njazz podcast\tpodcast_recs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PFR_QUERY_DATA", "") // is put back afterwards
	if err := os.Unsetenv("PFR_QUERY_DATA"); err != nil {
		t.Fatal(err)
	}
	sample := []string{"post-train", "sample", "--run", run, "--log", queries, "--evaluation-judge", "rules", "--keep", "2"}
	text, err := runPFR(t, sample...)
	if err != nil || !strings.Contains(text, "resolved 2, hard 0") {
		t.Fatalf("%s: %v", text, err)
	}
	if text, err = runPFR(t, "post-train", "check", "--run", run); err != nil || !strings.Contains(text, "of 2 queries") {
		t.Errorf("%s: %v", text, err)
	}
	if _, err = runPFR(t, append(sample, "--seed", "2")...); err == nil || !strings.Contains(err.Error(), "seed (1 there, 2 now)") {
		t.Errorf("another seed: %v", err)
	}
	if text, err = runPFR(t, "post-train", "export", "--run", run, "--out", out); err != nil || strings.Count(text, "lines in") != 6 {
		t.Errorf("%s: %v", text, err)
	}
	rows, err := os.ReadFile(filepath.Join(out, "trl-sft.jsonl"))
	if err != nil || !strings.Contains(string(rows), `"content":"{\"route\":\"similar_artists\",\"artist\":\"Radiohead\"}"`) {
		t.Errorf("%s: %v", rows, err)
	}
	if _, err = runPFR(t, "post-train", "export", "--run", run, "--out", out, "--test", queries); err == nil || !strings.Contains(err.Error(), "--drop-leaks") {
		t.Errorf("rows that are tested on: %v", err)
	}
	if text, err = runPFR(t, "post-train", "export", "--run", run, "--out", out, "--test", queries, "--drop-leaks", "--format", "trl-sft"); err != nil || !strings.Contains(text, "2 queries are too much like") || !strings.Contains(text, "0 lines") {
		t.Errorf("%s: %v", text, err)
	}
	if text, err = runPFR(t, "post-train", "export", "--run", run, "--out", out, "--route-cap", "similar_artists=1,podcast_recs=0", "--format", "trl-sft"); err != nil || !strings.Contains(text, " lines in") {
		t.Errorf("%s: %v", text, err)
	}
	if _, err = runPFR(t, "post-train", "export", "--run", run, "--out", out, "--route-cap", "serach=1"); err == nil || !strings.Contains(err.Error(), `"serach"`) {
		t.Errorf("a cap of no route: %v", err)
	}
	if text, err = runPFR(t, "post-train", "stats", "--run", run); err != nil || !strings.Contains(text, "labels-1") {
		t.Errorf("%s: %v", text, err)
	}
}
