package student

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/router-worker/student/nlu"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// paramScore counts the values of one parameter.
type paramScore struct{ want, got, hit int }

func (s paramScore) String() string {
	p, r := float64(s.hit)/float64(max(s.got, 1)), float64(s.hit)/float64(max(s.want, 1))
	return fmt.Sprintf("want %3d, got %3d, precision %.3f, recall %.3f, F1 %.3f", s.want, s.got, p, r, 2*float64(s.hit)/float64(max(s.want+s.got, 1)))
}

// readParams compares the parameters that read finds with those of the queries of a file.
func readParams(t *testing.T, manifest *routes.Manifest, read func(Example) (string, schemas.Params)) (frames, n int, scores map[string]paramScore) {
	t.Helper()
	raw, err := os.ReadFile("testdata/params_holdout.tsv")
	if err != nil {
		t.Fatal(err)
	}
	list, err := ReadExamples(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	scores = map[string]paramScore{}
	for _, e := range list {
		name, params := read(e)
		route, _ := manifest.Route(name)
		got, want := plain(t, manifest.Canonical(route, params)), plain(t, e.Params)
		if name != e.Routes[0] {
			got = map[string]any{}
		}
		tallyParams(scores, got, want)
		if name == e.Routes[0] && reflect.DeepEqual(got, want) {
			frames++
		} else {
			t.Logf("%s\n  got %s %v\n want %s %v", e.Query, name, got, e.Routes[0], want)
		}
	}
	return frames, len(list), scores
}

// plain is what JSON makes of parameters.
func plain(t *testing.T, p schemas.Params) map[string]any {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func tallyParams(scores map[string]paramScore, got, want map[string]any) {
	for name := range got {
		c := scores[name]
		c.got++
		if reflect.DeepEqual(got[name], want[name]) {
			c.hit++
		}
		scores[name] = c
	}
	for name := range want {
		c := scores[name]
		c.want++
		scores[name] = c
	}
}

func logScores(t *testing.T, scores map[string]paramScore) {
	t.Helper()
	var lines []string
	for name, c := range scores {
		lines = append(lines, fmt.Sprintf("  %-24s %s", name, c))
	}
	slices.Sort(lines)
	t.Log("\n" + strings.Join(lines, "\n"))
}

// Most names of testdata/params_holdout.tsv are in no catalogue, so that they must be found
// by the words around them.
func TestParametersHeldOut(t *testing.T) {
	manifest, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	s := openStudent(t)
	t.Run("given the route", func(t *testing.T) {
		frames, n, scores := readParams(t, manifest, func(e Example) (string, schemas.Params) {
			var a annotation
			s.view.annotate(&a, s.clip(e.Query))
			return e.Routes[0], s.view.params(e.Routes[0], &a)
		})
		logScores(t, scores)
		t.Logf("exact frames: %d of %d", frames, n)
		if n < 300 || 100*frames < 90*n {
			t.Errorf("%d of %d frames are exact", frames, n)
		}
	})
	t.Run("end to end", func(t *testing.T) {
		frames, n, scores := readParams(t, manifest, func(e Example) (string, schemas.Params) {
			g := s.Guess(e.Query)
			return g.Route, g.Params
		})
		logScores(t, scores)
		t.Logf("exact frames: %d of %d", frames, n)
		if 100*frames < 78*n {
			t.Errorf("%d of %d frames are exact", frames, n)
		}
	})
}

// The embedded tagger is what the frames, the words, the data and the code give.
func TestEmbeddedTaggerIsFresh(t *testing.T) {
	was, err := nlu.Read(tagger)
	if err != nil {
		t.Fatal(err)
	}
	d := trainingData(t)
	if want := tagSource(d); was.Source != want {
		t.Fatalf("tagger.bin learnt from %s, there is %s: run go generate ./router-worker/student", was.Source, want)
	}
	if testing.Short() {
		t.Skip("not training again under -short")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("other machines may round the last bit of a sum differently")
	}
	now, err := TrainTagger(was.Seed, d)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := now.MarshalBinary(); err != nil || !bytes.Equal(data, tagger) {
		t.Errorf("trained again, the tagger differs (%v): run go generate ./router-worker/student", err)
	}
	if len(tagger) > 3<<20 {
		t.Errorf("tagger.bin has %d bytes", len(tagger))
	}
}

// No value that stands for a name, a topic or an audience in the held-out queries is among
// the words that frames are filled with, but for those of the lexicon.
func TestHeldOutNamesAreNotLearnt(t *testing.T) {
	values, err := readWords(frameWords)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/params_holdout.tsv")
	if err != nil {
		t.Fatal(err)
	}
	list, err := ReadExamples(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	x := newIndex()
	if err := x.addLexicon(lexicon); err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		for _, slot := range []string{slotTopic, slotAudience} {
			value, _ := e.Params[slot].(string)
			if x.lookup(tokenize(nil, value)) == nil && slices.Contains(values[slot], value) {
				t.Errorf("%s: %s %q is learnt", e.Query, slot, value)
			}
		}
	}
}

func TestReadFrames(t *testing.T) {
	for _, bad := range []string{"similar_artists like {artist}", "r	", "r	(a|b", "r	like {artist"} {
		if _, err := readFrames(bad); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
	if _, err := readWords("topic: a; b"); err == nil {
		t.Error("words without a slot passed")
	}
	manifest, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	list, err := readFrames(frames)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if _, ok := manifest.Route(f.route); !ok {
			t.Errorf("%s: no such route", f.route)
		}
	}
}

// Spans of the examples are where their values stand, and no slot or alternative is left.
func TestTagExamples(t *testing.T) {
	list, err := tagExamples(1, trainingData(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if strings.ContainsAny(e.Text, "{}") {
			t.Fatalf("%q is not filled", e.Text)
		}
		at := 0
		for _, s := range e.Spans {
			if s.From < at || s.To > len(e.Text) || strings.TrimSpace(e.Text[s.From:s.To]) != e.Text[s.From:s.To] {
				t.Fatalf("%q: %+v", e.Text, s)
			}
			at = s.To
		}
	}
}

func openStudent(t *testing.T) *Student {
	t.Helper()
	manifest, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(DefaultConfig(), trainingData(t).Gazetteer, manifest)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
