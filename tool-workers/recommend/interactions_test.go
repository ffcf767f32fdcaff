package recommend

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReadCSV(t *testing.T) {
	for name, text := range map[string]string{
		"header":      "user,item,weight\nu1,\"a, b\",2\nu1,\"a, b\",3\nu2,c,1\n",
		"no header":   "u1,\"a, b\",5\nu2,c,1\n",
		"timestamps":  "u1,\"a, b\",2,100\nu1,\"a, b\",3,1970-01-01T00:05:00Z\nu2,c,1,\n",
		"end of line": "u1,\"a, b\",5\r\nu2,c,1",
	} {
		x, err := ReadCSV(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if x.Users() != 2 || x.Items() != 2 || x.Len() != 2 {
			t.Errorf("%s: %d users, %d items, %d pairs; want 2 each", name, x.Users(), x.Items(), x.Len())
		}
		i, ok := x.ItemIndex("a, b")
		if got := x.History(0); !ok || !reflect.DeepEqual(got, []Entry{{Item: i, Weight: 5}}) {
			t.Errorf("%s: history %v, want item %d with weight 5", name, got, i)
		}
		want := int64(0)
		if name == "timestamps" {
			want = 300
		}
		if got := x.Last(0, 0); got != want {
			t.Errorf("%s: last use %d, want %d", name, got, want)
		}
	}
}

func TestReadCSVNamesTheBadLine(t *testing.T) {
	for _, c := range []struct {
		text, want string
		is         error
	}{
		{"u,i,1\nu,j,0\n", "line 2", ErrWeight},
		{"u,i,1\nu,j,-3\n", "line 2", ErrWeight},
		{"u,i,1\nu,j,NaN\n", "line 2", ErrWeight},
		{"u,i,1\nu,j,+Inf\n", "line 2", ErrWeight},
		{"u,i,1\nu,j,1e300\n", "line 2", ErrWeight},
		{"user,item,weight\nu,i,1\nu,j,many\n", "line 3", ErrWeight},
		{"u,i,1\nu,j\n", "line 2", nil},
		{"u,i,1\nu,,1\n", "line 2", nil},
		{"u,i,1\n\n\nu,j,1,yesterday\n", "line 4", nil},
		{"u,i,1\nu,\"j,1\n", "line", nil},
	} {
		_, err := ReadCSV(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%q: error %v, want %s and %v", c.text, err, c.want, c.is)
		}
	}
}

func TestWithout(t *testing.T) {
	x, err := ReadCSV(strings.NewReader("a,1,1\na,2,1\na,3,9\nb,1,1\nb,2,1\nc,3,1\n"))
	if err != nil {
		t.Fatal(err)
	}
	w := x.Without([][]int{{0, 2}})
	if got := w.History(0); !reflect.DeepEqual(got, []Entry{{1, 1}}) || w.Len() != 4 || w.Items() != 3 {
		t.Errorf("history %v of %d pairs and %d items; want item 1 alone, 4 and 3", got, w.Len(), w.Items())
	}
}

// Whatever is added, a history is its sums by ascending item, and the matrix and its
// transpose hold the same.
func TestBuilderSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, want := NewBuilder(), map[string]float32{}
		for range rapid.IntRange(0, 60).Draw(t, "rows") {
			u, i := rapid.IntRange(0, 5).Draw(t, "u"), rapid.IntRange(0, 5).Draw(t, "i")
			w := float32(rapid.IntRange(1, 9).Draw(t, "w"))
			if err := b.Add(fmt.Sprint("u", u), fmt.Sprint("i", i), float64(w), 0); err != nil {
				t.Fatal(err)
			}
			want[fmt.Sprintf("u%d i%d", u, i)] += w
		}
		x := b.Build()
		got := map[string]float32{}
		for u := range x.Users() {
			last := -1
			for _, e := range x.History(u) {
				if e.Item <= last {
					t.Fatalf("items of user %d are not ascending", u)
				}
				last = e.Item
				got[x.User(u)+" "+x.Item(e.Item)] = e.Weight
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("sums %v, want %v", got, want)
		}
		if back := x.cells.transpose().transpose(); !slices.Equal(back.col, x.cells.col) || !slices.Equal(back.val, x.cells.val) {
			t.Fatal("transposing twice changed the matrix")
		}
	})
}

func BenchmarkReadCSV(b *testing.B) {
	var text strings.Builder
	const rows = 200_000
	for i := range rows {
		fmt.Fprintf(&text, "user-%d,artist-%d,%d\n", i/100, i*7919%50_000, 1+i%300)
	}
	for b.Loop() {
		if _, err := ReadCSV(strings.NewReader(text.String())); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}
