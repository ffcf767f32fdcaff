// Package archtest checks who imports whom. The tables in rules.go are the architecture;
// the test fails on any import that they do not allow.
package archtest

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// File is one Go file with what it imports.
type File struct {
	Path    string // slash-separated, from the module root
	Imports []string
}

// Package is the folder of the file.
func (f File) Package() string { return path.Dir(f.Path) }

// Test reports whether the file is compiled for tests only.
func (f File) Test() bool { return strings.HasSuffix(f.Path, "_test.go") }

// Files reads the imports of every Go file below root.
func Files(root string) ([]File, error) {
	var files []File
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		imports, err := importsOf(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		files = append(files, File{Path: filepath.ToSlash(rel), Imports: imports})
		return err
	})
	return files, err
}

func importsOf(name string) ([]string, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	imports := make([]string, len(f.Imports))
	for i, spec := range f.Imports {
		if imports[i], err = strconv.Unquote(spec.Path.Value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return imports, nil
}

// Check returns one line for every import that the rules do not allow.
func Check(files []File) []string {
	var violations []string
	for _, f := range files {
		for _, imp := range f.Imports {
			if why := forbidden(f, imp); why != "" {
				violations = append(violations, fmt.Sprintf("%s imports %s: %s", f.Path, imp, why))
			}
		}
	}
	slices.Sort(violations)
	return violations
}

// forbidden says why f must not import imp, or "".
func forbidden(f File, imp string) string {
	if inner, ok := strings.CutPrefix(imp, module+"/"); ok {
		return forbiddenInside(f, inner)
	}
	if imp == module || !strings.Contains(strings.Split(imp, "/")[0], ".") {
		return "" // the façade, or the standard library
	}
	return forbiddenLibrary(f, imp)
}

func forbiddenInside(f File, inner string) string {
	pkg := f.Package()
	if under(inner, pkg) || f.Test() && under(pkg, inner) {
		return "" // its own subpackages; an external test its own package
	}
	r, ok := longest(layers, pkg)
	if !ok {
		return "no rule names this folder; add one to internal/archtest/rules.go"
	}
	allowed := r.may
	if f.Test() {
		allowed = slices.Concat(allowed, r.tests, leaves)
	}
	if slices.ContainsFunc(allowed, func(a string) bool { return allows(a, inner) }) {
		return ""
	}
	return "not in its row of the import table"
}

func forbiddenLibrary(f File, imp string) string {
	for library, doors := range owners {
		if !under(imp, library) {
			continue
		}
		if f.Test() {
			doors = slices.Concat(doors, testDoors[library])
		}
		if slices.ContainsFunc(doors, func(d string) bool { return under(f.Package(), d) }) {
			return ""
		}
		return "this library has another door: " + strings.Join(doors, ", ")
	}
	return "no door is named for this library; add one to internal/archtest/rules.go"
}

// allows reports whether an entry of the table covers a folder.
func allows(entry, folder string) bool {
	if only, exact := strings.CutPrefix(entry, "="); exact {
		return folder == only
	}
	return under(folder, entry)
}

// under reports whether name is folder or lies below it. "." is everything.
func under(name, folder string) bool {
	return folder == "." || name == folder || strings.HasPrefix(name, folder+"/")
}

// longest returns the rule of the innermost folder that holds pkg.
func longest(rules []layer, pkg string) (best layer, ok bool) {
	for _, r := range rules {
		inside := under(pkg, r.folder) && (r.folder != "." || pkg == ".") // the root is a folder like any other
		if inside && len(r.folder) >= len(best.folder) {
			best, ok = r, true
		}
	}
	return best, ok
}
