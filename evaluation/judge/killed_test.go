package judge_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/judge"
)

// childDir makes the test binary a process that judges pages until it is killed.
const childDir = "PFR_TEST_JUDGE_DIR"

const manyCases = 2000

// child says which case is judged as soon as that is so.
func child(dir string) int {
	store, err := judge.OpenStore(judge.StoreConfig{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cached := judge.NewCached(&scripted{id: "a"}, store)
	for _, s := range subjects(manyCases) {
		if out, err := cached.Judge(context.Background(), s); err != nil || !out.Cached {
			fmt.Println(s.Case.ID, err)
		}
	}
	return 0
}

// What a process has judged when it is killed is there for the next one, and is judged by
// nobody again.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	judged := map[string]int{}
	for range 3 { // kills
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ { // to the end of what was said before the kill
			judged[lines.Text()]++
			if n == 40 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process ended before it was killed: the test is broken")
		}
	}
	kept, err := judge.ReadStore(dir)
	if err != nil || len(judged) < 120 || len(kept) < len(judged) || len(kept) > len(judged)+3 {
		t.Errorf("%d judged, %d kept, %v", len(judged), len(kept), err)
	}
	there := map[string]bool{}
	for _, k := range kept {
		there[k.Case+" <nil>"] = true
	}
	for line, n := range judged {
		if n != 1 || !there[line] {
			t.Errorf("%q was judged %d times, kept: %v", line, n, there[line])
		}
	}
	rest := &scripted{id: "a"}
	keep(t, judge.StoreConfig{Dir: dir}, rest, subjects(manyCases)[:len(kept)+50])
	if rest.count() != 50 {
		t.Errorf("%d were judged again beside 50 new ones", rest.count()-50)
	}
}
