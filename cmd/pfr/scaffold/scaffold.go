// Package scaffold writes the beginnings of a tool: a package that works, with its tests
// and its page, for its author to change.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/doc"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// File is a file to write.
type File struct {
	Path string // with slashes, below the folder of the plan
	Text []byte
}

// Plan is what becomes of a new tool.
type Plan struct {
	Files []File
	Steps string // what its author does next, for the terminal

	folder string // of the package, which must not be there
}

// ErrName marks a name that no tool can have.
var ErrName = errors.New("bad name")

var (
	toolName   = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	modulePath = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~/-]*$`)
)

// names are what the templates know of a tool.
type names struct {
	Name    string // in the manifest, as concert_search
	Package string // as concertsearch
	Title   string // for people, as Concert search
	Module  string // of a program of its own
}

func namesOf(name string) (names, error) {
	if !toolName.MatchString(name) || len(name) > 64 {
		return names{}, fmt.Errorf("%w %q: want up to 64 lower-case letters and digits, words joined by _", ErrName, name)
	}
	words := strings.ReplaceAll(name, "_", " ")
	n := names{Name: name, Package: strings.ReplaceAll(name, "_", ""), Title: strings.ToUpper(words[:1]) + words[1:]}
	if reason := taken(n.Package); reason != "" {
		return names{}, fmt.Errorf("%w %q: its package would be %s, %s; say what it finds in a second word, as in %s_search", ErrName, name, n.Package, reason, name)
	}
	return n, nil
}

// taken says why no package of a tool can have a name, or "".
func taken(name string) string {
	switch {
	case token.IsKeyword(name):
		return "a keyword of Go"
	case doc.IsPredeclared(name):
		return "which Go declares itself"
	case slices.Contains([]string{"main", "internal", "vendor", "testdata"}, name):
		return "which has a meaning of its own to the go command"
	case slices.Contains(used(), name):
		return "which the code around it uses"
	}
	return ""
}

// used are the names that the templates use beside the package's own, where one of that
// name would hide them or be hidden.
func used() []string {
	return []string{
		"cmp", "context", "fmt", "os", "pfr", "schemas", "signal", "slog", "syscall", "taste", "testing", "time", "tools", "tooltest", // packages
		"ctx", "env", "run", "stop", "tool", // in main.go
	}
}

// InRepository plans a tool among those of this repository.
func InRepository(name string) (Plan, error) {
	n, err := namesOf(name)
	if err != nil {
		return Plan{}, err
	}
	folder := "tool-workers/" + n.Package + "/"
	return n.plan(folder, "repository-steps.txt.tmpl", map[string]string{
		folder + n.Package + ".go":      "tool.go.tmpl",
		folder + n.Package + "_test.go": "tool_test.go.tmpl",
		folder + "testdata/calls.txt":   "calls.txt.tmpl",
		"docs/tools/" + n.Name + ".md":  "page.md.tmpl",
	})
}

// Standalone plans a tool in a module and a program of its own, which joins a running
// pipeline.
func Standalone(name, module string) (Plan, error) {
	n, err := namesOf(name)
	if err != nil {
		return Plan{}, err
	}
	if n.Module = module; !modulePath.MatchString(module) {
		return Plan{}, fmt.Errorf("%w %q: no module path", ErrName, module)
	}
	folder := n.Package + "/"
	return n.plan(folder, "standalone-steps.txt.tmpl", map[string]string{
		"go.mod":                        "go.mod.tmpl",
		"main.go":                       "main.go.tmpl",
		"README.md":                     "page.md.tmpl",
		folder + n.Package + ".go":      "tool.go.tmpl",
		folder + n.Package + "_test.go": "tool_test.go.tmpl",
		folder + "testdata/calls.txt":   "calls.txt.tmpl",
	})
}

// plan fills the templates of the files, by path.
func (n names) plan(folder, steps string, files map[string]string) (Plan, error) {
	p := Plan{folder: folder}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		text, err := n.fill(files[path])
		if err != nil {
			return Plan{}, err
		}
		p.Files = append(p.Files, File{Path: path, Text: text})
	}
	text, err := n.fill(steps)
	p.Steps = string(text)
	return p, err
}

func (n names) fill(name string) ([]byte, error) {
	t, err := template.ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, n); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// Write writes the files below dir. It replaces nothing: if one of them or the folder of
// the package is there already, it writes none, and the error wraps [fs.ErrExist].
func (p Plan) Write(dir string) error {
	if err := absent(filepath.Join(dir, filepath.FromSlash(p.folder))); err != nil {
		return fmt.Errorf("another name is needed: %w", err)
	}
	for _, f := range p.Files {
		if err := absent(f.in(dir)); err != nil {
			return err
		}
	}
	for _, f := range p.Files {
		if err := f.write(dir); err != nil {
			return fmt.Errorf("write %s: %w", f.in(dir), err)
		}
	}
	return nil
}

// absent returns nil if nothing is at path.
func absent(path string) error {
	_, err := os.Lstat(path)
	if err == nil {
		err = fs.ErrExist
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (f File) in(dir string) string { return filepath.Join(dir, filepath.FromSlash(f.Path)) }

func (f File) write(dir string) error {
	if err := os.MkdirAll(filepath.Dir(f.in(dir)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(f.in(dir), f.Text, 0o644)
}
