// Package scaffold writes the beginnings of a tool: a package that works, with its tests
// and its page, for its author to change.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
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
	return names{
		Name: name, Package: strings.ReplaceAll(name, "_", ""), Title: strings.ToUpper(words[:1]) + words[1:],
	}, nil
}

// InRepository plans a tool among those of this repository.
func InRepository(name string) (Plan, error) {
	n, err := namesOf(name)
	if err != nil {
		return Plan{}, err
	}
	folder := "tool-workers/" + n.Package + "/"
	return n.plan("repository-steps.txt.tmpl", map[string]string{
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
	return n.plan("standalone-steps.txt.tmpl", map[string]string{
		"go.mod":                        "go.mod.tmpl",
		"main.go":                       "main.go.tmpl",
		"README.md":                     "page.md.tmpl",
		folder + n.Package + ".go":      "tool.go.tmpl",
		folder + n.Package + "_test.go": "tool_test.go.tmpl",
		folder + "testdata/calls.txt":   "calls.txt.tmpl",
	})
}

// plan fills the templates of the files, by path.
func (n names) plan(steps string, files map[string]string) (Plan, error) {
	var p Plan
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

// Write writes the files below dir. It replaces nothing: if one of them is there already,
// it writes none, and the error wraps [fs.ErrExist].
func (p Plan) Write(dir string) error {
	for _, f := range p.Files {
		_, err := os.Lstat(f.in(dir))
		if err == nil {
			err = fs.ErrExist
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write %s: %w", f.in(dir), err)
		}
	}
	for _, f := range p.Files {
		if err := f.write(dir); err != nil {
			return fmt.Errorf("write %s: %w", f.in(dir), err)
		}
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
