package pseudonym_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/pseudonym"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNamesAreStableAndApart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys", "salt")
	n, err := pseudonym.Open(file, true)
	if err != nil {
		t.Fatal(err)
	}
	again, err := pseudonym.Open(file, false)
	if err != nil {
		t.Fatal(err)
	}
	if n.User("anna") != again.User("anna") {
		t.Error("the same salt gives another name")
	}
	names := map[string]bool{}
	for _, name := range []string{n.User("anna"), n.Client("anna"), n.Session("anna"), n.User("bert"), pseudonym.Random().User("anna")} {
		if len(name) != 16 || strings.Contains(name, "anna") || names[name] {
			t.Errorf("name %q", name)
		}
		names[name] = true
	}
	if n.User("") != "" {
		t.Error("nobody has a name")
	}
	var none *pseudonym.Names
	if none.Client("c") != "" {
		t.Error("a name without a salt")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("salt file: %v %v", info, err)
	}
}

func TestBadSalt(t *testing.T) {
	short := filepath.Join(t.TempDir(), "salt")
	if err := os.WriteFile(short, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{short, short + "-missing"} {
		if _, err := pseudonym.Open(file, false); err == nil {
			t.Errorf("%s: no error", filepath.Base(file))
		}
	}
}

// Processes that start together have one salt.
func TestOneSaltForAll(t *testing.T) {
	file := filepath.Join(t.TempDir(), "salt")
	got := make([]string, 20)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			n, err := pseudonym.Open(file, true)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = n.User("anna")
		})
	}
	wg.Wait()
	if slices.Sort(got); got[0] == "" || got[0] != got[len(got)-1] {
		t.Errorf("names %v", got)
	}
	if files, err := os.ReadDir(filepath.Dir(file)); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v %v", files, err)
	}
}
