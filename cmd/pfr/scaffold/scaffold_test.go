package scaffold_test

import (
	"bytes"
	"errors"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/cmd/pfr/scaffold"
)

// plans returns a tool in both forms.
func plans(t *testing.T) map[string]scaffold.Plan {
	t.Helper()
	inside, err := scaffold.InRepository("concert_search")
	if err != nil {
		t.Fatal(err)
	}
	alone, err := scaffold.Standalone("concert_search", "example.com/team/concerts")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]scaffold.Plan{"in the repository": inside, "alone": alone}
}

func TestPlans(t *testing.T) {
	want := map[string][]string{
		"in the repository": {
			"docs/tools/concert_search.md", "tool-workers/concertsearch/concertsearch.go",
			"tool-workers/concertsearch/concertsearch_test.go", "tool-workers/concertsearch/testdata/calls.txt",
		},
		"alone": {
			"README.md", "concertsearch/concertsearch.go", "concertsearch/concertsearch_test.go", "concertsearch/testdata/calls.txt", "go.mod", "main.go",
		},
	}
	for name, p := range plans(t) {
		var paths []string
		for _, f := range p.Files {
			paths = append(paths, f.Path)
			if bytes.Contains(f.Text, []byte("{{")) || len(f.Text) == 0 {
				t.Errorf("%s: %s is not filled in", name, f.Path)
			}
			if filepath.Ext(f.Path) != ".go" {
				continue
			}
			if pretty, err := format.Source(f.Text); err != nil || !bytes.Equal(pretty, f.Text) {
				t.Errorf("%s: %s is not formatted: %v", name, f.Path, err)
			}
		}
		if !slices.Equal(paths, want[name]) {
			t.Errorf("%s: %q, want %q", name, paths, want[name])
		}
		if !strings.Contains(p.Steps, "- tool: concert_search\n") || !strings.Contains(p.Steps, "title: Concert search\n") {
			t.Errorf("%s: the steps have no call for the manifest:\n%s", name, p.Steps)
		}
	}
}

func TestBadNames(t *testing.T) {
	for _, name := range []string{"", "Concerts", "concert-search", "concert search", "_x", "x_", "1x", "../x", "x.y", strings.Repeat("x", 65)} {
		if _, err := scaffold.InRepository(name); !errors.Is(err, scaffold.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := scaffold.Standalone(name, "example.com/x"); !errors.Is(err, scaffold.ErrName) {
			t.Errorf("%q alone: %v", name, err)
		}
	}
	for _, module := range []string{"", "a b", "/x", "x\"y"} {
		if _, err := scaffold.Standalone("x", module); !errors.Is(err, scaffold.ErrName) {
			t.Errorf("module %q: %v", module, err)
		}
	}
}

// Names whose package would not compile, or not where it is imported, are refused with a
// way out.
func TestTakenNames(t *testing.T) {
	for _, name := range []string{
		"type", "func", "range", "go_to", "string", "error", "len", "any", "nil", "new",
		"main", "internal", "vendor", "testdata", "test_data", "fmt", "context", "tools", "schemas", "testing", "tool_test", "pfr", "ctx", "env", "run",
	} {
		_, inside := scaffold.InRepository(name)
		_, alone := scaffold.Standalone(name, "example.com/x")
		for _, err := range []error{inside, alone} {
			if !errors.Is(err, scaffold.ErrName) || !strings.Contains(err.Error(), name+"_search") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, name := range []string{"type_search", "fmt_search", "search", "concerts", "gotos"} {
		if _, err := scaffold.Standalone(name, "example.com/x"); err != nil {
			t.Error(err)
		}
	}
}

// Whatever main.go calls something is no name for the package that it imports.
func TestNamesOfTheProgramAreTaken(t *testing.T) {
	p := plans(t)["alone"]
	at := slices.IndexFunc(p.Files, func(f scaffold.File) bool { return f.Path == "main.go" })
	file, err := parser.ParseFile(token.NewFileSet(), "main.go", p.Files[at].Text, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			names[path.Base(strings.Trim(n.Path.Value, `"`))] = true
		case *ast.FuncDecl:
			names[n.Name.Name] = true
		case *ast.Field:
			for _, name := range n.Names {
				names[name.Name] = true
			}
		}
		return true
	})
	delete(names, "concertsearch")
	if len(names) < 8 {
		t.Errorf("%v", names)
	}
	for name := range names {
		if _, err := scaffold.Standalone(name, "example.com/x"); !errors.Is(err, scaffold.ErrName) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A package that is there already gets no file from elsewhere, whatever its files are
// called.
func TestFoldersAreTaken(t *testing.T) {
	tools, err := os.ReadDir("../../../tool-workers")
	if err != nil {
		t.Fatal(err)
	}
	dir, folders := t.TempDir(), 0
	for _, folder := range tools {
		if !folder.IsDir() {
			continue
		}
		folders++
		there := filepath.Join(dir, "tool-workers", folder.Name())
		if err := os.MkdirAll(there, 0o755); err != nil {
			t.Fatal(err)
		}
		p, err := scaffold.InRepository(folder.Name())
		if err == nil {
			err = p.Write(dir)
		}
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, scaffold.ErrName) || !strings.Contains(err.Error(), "name") {
			t.Errorf("%s: %v", folder.Name(), err)
		}
		if files, err := os.ReadDir(there); err != nil || len(files) > 0 {
			t.Errorf("%s: %v, %v", folder.Name(), files, err)
		}
	}
	if folders < 8 {
		t.Errorf("%d folders", folders)
	}
}

func TestWriteReplacesNothing(t *testing.T) {
	for name, p := range plans(t) {
		for _, f := range p.Files {
			dir := t.TempDir()
			there := filepath.Join(dir, filepath.FromSlash(f.Path))
			if err := os.MkdirAll(filepath.Dir(there), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := p.Write(dir); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s: %s: %v", name, f.Path, err)
			}
			files := 0
			_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, _ error) error {
				if !d.IsDir() {
					files++
				}
				return nil
			})
			if text, err := os.ReadFile(there); err != nil || string(text) != "mine" || files != 1 {
				t.Errorf("%s: %q, %v, %d files", there, text, err, files)
			}
		}
	}
}

const testEnv = "PFR_TEST_SCAFFOLD"

// What is written compiles, and passes its tests, in a workspace with this module.
func TestWhatIsWrittenWorks(t *testing.T) {
	if os.Getenv(testEnv) == "" {
		t.Skipf("%s is not set: it builds two modules", testEnv)
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range plans(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := p.Write(dir); err != nil {
				t.Fatal(err)
			}
			mod := filepath.Join(dir, "go.mod")
			if _, err := os.Stat(mod); err != nil { // the package stands in another module here
				if err := os.WriteFile(mod, []byte("module example.com/inside\n\ngo 1.26.0\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			work := filepath.Join(t.TempDir(), "go.work")
			if err := os.WriteFile(work, []byte("go 1.26.0\n\nuse (\n\t"+dir+"\n\t"+root+"\n)\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
				cmd := exec.CommandContext(t.Context(), "go", args...)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK="+work, "GOFLAGS=")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("go %v: %v\n%s", args, err, out)
				}
			}
		})
	}
}
