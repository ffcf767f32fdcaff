package recommend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// sparkFactors is the schema that Spark writes for (id: int, features: array<float>): a
// three-level list in snappy-compressed pages.
func sparkFactors() *parquet.Schema {
	return parquet.NewSchema("spark_schema", parquet.Group{
		"id":       parquet.Leaf(parquet.Int32Type),
		"features": parquet.Optional(parquet.List(parquet.Leaf(parquet.FloatType))),
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writePart writes rows of an id and its features.
func writePart(t *testing.T, path string, schema *parquet.Schema, ids []int32, features [][]float32) {
	t.Helper()
	write(t, path, "")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := parquet.NewWriter(f, schema, parquet.Compression(&parquet.Snappy))
	for i, id := range ids {
		// Columns are in the order of names: features, id.
		var row parquet.Row
		for k, v := range features[i] {
			row = append(row, parquet.FloatValue(v).Level(min(k, 1), 2, 0))
		}
		row = append(row, parquet.Int32Value(id).Level(0, 0, 1))
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// saveSpark writes a model as Spark does: users 3 and 900, items 10, 20, 30 in two parts.
func saveSpark(t *testing.T, rank int) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "metadata", "_SUCCESS"), "")
	write(t, filepath.Join(dir, "metadata", "part-00000"), fmt.Sprintf(
		`{"class":"org.apache.spark.ml.recommendation.ALSModel","timestamp":1700000000000,"sparkVersion":"3.5.1","uid":"als_0","paramMap":{"userCol":"user"},"defaultParamMap":{"blockSize":4096},"rank":%d}`+"\n", rank))
	users, list := filepath.Join(dir, "userFactors"), filepath.Join(dir, "itemFactors")
	for _, d := range []string{users, list} {
		write(t, filepath.Join(d, "_SUCCESS"), "")
		write(t, filepath.Join(d, ".part-00000-x.snappy.parquet.crc"), "crc")
	}
	writePart(t, filepath.Join(users, "part-00000-x.snappy.parquet"), sparkFactors(), []int32{900}, [][]float32{{0, 1}})
	writePart(t, filepath.Join(users, "part-00001-x.snappy.parquet"), sparkFactors(), []int32{3}, [][]float32{{1, 0}})
	writePart(t, filepath.Join(list, "part-00000-x.snappy.parquet"), sparkFactors(), []int32{30, 10}, [][]float32{{0.5, 0.4}, {0.9, 0.1}})
	writePart(t, filepath.Join(list, "part-00001-x.snappy.parquet"), sparkFactors(), []int32{20}, [][]float32{{0.2, 0.8}})
	return dir
}

func TestImportSpark(t *testing.T) {
	m, err := ImportSpark(saveSpark(t, 2), strings.NewReader("id,key\n3,ann\n900,bob\n"), strings.NewReader("10,x\n20,y\n30,\"z, the\"\n40,unused\n"))
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string][]string{"ann": {"x", "z, the", "y"}, "bob": {"y", "z, the", "x"}} {
		u, ok := m.UserIndex(user)
		got, served := m.ForUser(u, 3, nil)
		if !ok || !served || len(got) != 3 {
			t.Fatalf("%s: %v %v %v", user, ok, served, got)
		}
		for i, s := range got {
			if m.Item(s.Item) != want[i] {
				t.Errorf("%s: place %d is %s, want %s", user, i, m.Item(s.Item), want[i])
			}
		}
	}
	x, _ := m.ItemIndex("x")
	got := m.Recommend([]Entry{{x, 1}}, 2, nil)
	if len(got) == 0 || m.Item(got[0].Item) != "z, the" {
		t.Errorf("for a new listener of x: %v, want z, the nearest, first", got)
	}
}

func TestImportSparkWithoutKeysUsesIDs(t *testing.T) {
	m, err := ImportSpark(saveSpark(t, 2), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.ItemIndex("30"); !ok || m.Items() != 3 || m.Users() != 2 {
		t.Errorf("%d items, %d users; want 3 and 2 with ids for keys", m.Items(), m.Users())
	}
}

func TestImportSparkRefuses(t *testing.T) {
	other := parquet.NewSchema("spark_schema", parquet.Group{
		"features": parquet.Optional(parquet.List(parquet.Leaf(parquet.FloatType))),
		"id":       parquet.Leaf(parquet.Int64Type),
	})
	for name, c := range map[string]struct {
		spoil func(dir string)
		rank  int
		items string
		want  string
	}{
		"another rank":     {rank: 3, want: "features for rank 3"},
		"no rank":          {rank: 0, want: "rank"},
		"a missing key":    {rank: 2, items: "10,x\n20,y\n", want: "id 30"},
		"a key used twice": {rank: 2, items: "10,x\n20,y\n30,x\n", want: "twice"},
		"a bad key file":   {rank: 2, items: "10,x\nten,y\n", want: "line 2"},
		"no factors":       {rank: 2, want: "no part-", spoil: func(dir string) { os.RemoveAll(filepath.Join(dir, "itemFactors")) }},
		"an id twice": {rank: 2, want: "twice", spoil: func(dir string) {
			writePart(t, filepath.Join(dir, "itemFactors", "part-00002.parquet"), sparkFactors(), []int32{20}, [][]float32{{1, 1}})
		}},
		"a file of text": {rank: 2, want: "part-00003", spoil: func(dir string) { write(t, filepath.Join(dir, "itemFactors", "part-00003.parquet"), "text") }},
		"ids of another kind": {rank: 2, want: "columns", spoil: func(dir string) {
			writePart(t, filepath.Join(dir, "itemFactors", "part-00002.parquet"), other, nil, nil)
		}},
	} {
		dir := saveSpark(t, c.rank)
		if c.spoil != nil {
			c.spoil(dir)
		}
		items := c.items
		if items == "" {
			items = "10,x\n20,y\n30,z\n"
		}
		if _, err := ImportSpark(dir, nil, strings.NewReader(items)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
