package analytics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// declared are the metrics that the product makes, by name, with their labels.
type declared map[string]instrument

type instrument struct {
	histogram bool
	labels    []string // nil: not written out where the metric is made
}

// makers are the functions that make a metric: whether it is a histogram, and which
// argument is the name.
var makers = map[string]bool{
	"Counter": false, "CounterVec": false, "Gauge": false, "GaugeVec": false, "Seconds": true, // of telemetry.Factory
	"counter": false, "gauge": false, "histogram": true, "sizes": true, // of internal/stream
	"counters": false, "gauges": false, "histograms": true, // of internal/rpc
}

// everywhere are labels that wrapped registerers and scrapers add.
var everywhere = []string{"tool", "cache", "conn", "instance", "job", "le"}

// declaredMetrics reads them from the code. A scrape would not do: a metric with labels is
// shown only once something has happened.
func declaredMetrics(t *testing.T) declared {
	t.Helper()
	all := declared{}
	fset := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all.read(file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// read adds the metrics that a file makes. The first part of their names comes from the
// same function, or else from the same file.
func (d declared) read(file *ast.File) {
	outer := subsystems(file)
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		near := subsystems(fn)
		if len(near) == 0 {
			near = outer
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				d.call(call, near)
			}
			return true
		})
	}
}

func (d declared) call(call *ast.CallExpr, subsystems []string) {
	texts, literal := literals(call.Args)
	name := callee(call)
	if name == "NewDesc" && len(texts) > 0 {
		d[texts[0]] = instrument{}
		return
	}
	histogram, ok := makers[name]
	if !ok || len(texts) < 2 {
		return
	}
	made := instrument{histogram: histogram}
	if literal {
		made.labels = append([]string{}, texts[2:]...)
	}
	for _, s := range subsystems {
		d["pfr_"+s+"_"+texts[0]] = made
	}
}

// subsystems are the second parts of names below a node: telemetry.Metrics(reg, "x") and
// Subsystem: "x".
func subsystems(in ast.Node) (found []string) {
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if texts, _ := literals(n.Args); callee(n) == "Metrics" && len(texts) == 1 {
				found = append(found, texts[0])
			}
		case *ast.KeyValueExpr:
			key, _ := n.Key.(*ast.Ident)
			if text, ok := textOf(n.Value); ok && key != nil && key.Name == "Subsystem" {
				found = append(found, text)
			}
		}
		return true
	})
	slices.Sort(found)
	return slices.Compact(found)
}

func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// literals returns the arguments that are string literals, and whether all but the first
// two others are.
func literals(args []ast.Expr) (texts []string, all bool) {
	all = true
	for _, arg := range args {
		text, ok := textOf(arg)
		if ok {
			texts = append(texts, text)
		} else if len(texts) > 0 && !isBuckets(arg) {
			all = false
		}
	}
	return texts, all
}

func isBuckets(arg ast.Expr) bool { _, ok := arg.(*ast.CompositeLit); return ok }

func textOf(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// find returns the metric of a series, whose name may have the ending of a histogram.
func (d declared) find(series string) (instrument, bool) {
	for _, ending := range []string{"_bucket", "_sum", "_count"} {
		base, cut := strings.CutSuffix(series, ending)
		if made, ok := d[base]; cut && ok && made.histogram {
			return made, true
		}
	}
	made, ok := d[series]
	return made, ok && !made.histogram
}
