package schemas_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// jsonField is a field of a struct as encoding/json sees it.
type jsonField struct {
	name     string
	optional bool
	typ      reflect.Type
}

func jsonFields(typ reflect.Type) []jsonField {
	var out []jsonField
	for f := range typ.Fields() {
		if f.Anonymous {
			out = append(out, jsonFields(f.Type)...)
			continue
		}
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, jsonField{name: name, optional: strings.Contains(options, "omit"), typ: f.Type})
	}
	return out
}

// enums returns the values of the package's constants by their type, sorted, and those of
// the untyped groups "ErrorKind" and "Window" by that prefix.
func enums(t testing.TB) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if decl, ok := d.(*ast.GenDecl); ok && decl.Tok == token.CONST {
				collect(out, decl)
			}
		}
	}
	for _, values := range out {
		slices.Sort(values)
	}
	return out
}

func collect(out map[string][]string, decl *ast.GenDecl) {
	for _, s := range decl.Specs {
		spec, ok := s.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			continue
		}
		lit, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue
		}
		group := ""
		if typ, ok := spec.Type.(*ast.Ident); ok {
			group = typ.Name
		}
		for _, prefix := range []string{"ErrorKind", "Window"} {
			if strings.HasPrefix(spec.Names[0].Name, prefix) {
				group = prefix
			}
		}
		if value, err := strconv.Unquote(lit.Value); err == nil && group != "" {
			out[group] = append(out[group], value)
		}
	}
}
