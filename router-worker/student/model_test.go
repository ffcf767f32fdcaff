package student

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas/routes"
)

func trainingData(t testing.TB) TrainingData {
	t.Helper()
	manifest, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := Data()
	if err != nil {
		t.Fatal(err)
	}
	d, err := ReadTrainingData(dir, manifest.Names())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func holdout(t testing.TB) []Example {
	t.Helper()
	dir, err := Data()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := fs.ReadFile(dir, holdoutFile)
	if err != nil {
		t.Fatal(err)
	}
	examples, err := ReadExamples(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return examples
}

// The embedded model is what the data, the lexicon, the labels, the manifest and the code
// give. Whether it learnt public queries too can be checked in full only where they are.
// Other machines may round the last bit of a sum differently.
func TestEmbeddedModelIsFresh(t *testing.T) {
	d := trainingData(t)
	was, err := ReadModel(model)
	if err != nil {
		t.Fatal(err)
	}
	list, hash, err := Labels()
	if err != nil {
		t.Fatal(err)
	}
	if was.Data != d.Hash || was.Public != "" && was.Public != hash {
		t.Fatalf("model.bin was trained on %s and labels %q, the data is %s and %s: run go generate ./router-worker/student", was.Data, was.Public, d.Hash, hash)
	}
	dir := os.Getenv("PFR_QUERY_DATA")
	switch {
	case testing.Short():
		t.Skip("not training again under -short")
	case was.Public != "" && dir == "":
		t.Log("PFR_QUERY_DATA is not set: hashes were compared, the model was not trained again")
		return
	case was.Public != "":
		learn, _, err := ReadPublic(os.DirFS(dir), list)
		if err != nil {
			t.Fatal(err)
		}
		d = d.WithPublic(learn, hash)
	}
	now, err := Train(DefaultTrainConfig(), d)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range now.weights {
		if math.Abs(float64(w-was.weights[i])) > 8*unit {
			t.Fatalf("weight %d is %v, trained again %v: run go generate ./router-worker/student", i, was.weights[i], w)
		}
	}
}

func TestModelSurvivesWriting(t *testing.T) {
	m, err := ReadModel(model)
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.MarshalBinary()
	if err != nil || !bytes.Equal(again, model) {
		t.Errorf("%d bytes, were %d: %v", len(again), len(model), err)
	}
}

func TestTrainingIsDeterministic(t *testing.T) {
	d := trainingData(t)
	var some []Example
	for i := 0; i < len(d.Examples); i += 40 {
		some = append(some, d.Examples[i])
	}
	d.Examples = some
	cfg := DefaultTrainConfig()
	cfg.Epochs = 2
	write := func(seed uint64) []byte {
		cfg.Seed = seed
		m, err := Train(cfg, d)
		if err != nil {
			t.Fatal(err)
		}
		data, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(write(1), write(1)) {
		t.Error("one seed gave two models")
	}
	if bytes.Equal(write(1), write(2)) {
		t.Error("the seed has no effect")
	}
}

// Nothing of the held-out queries is learnt: neither a query nor its form with other names.
func TestHoldoutIsNotLearnt(t *testing.T) {
	d := trainingData(t)
	x := newIndex()
	if err := x.addLexicon(lexicon); err != nil {
		t.Fatal(err)
	}
	x.addGazetteer(d.Gazetteer)
	v := view{index: x, everyday: everyday(d.Examples)}
	learnt := map[string]string{}
	for _, e := range d.Examples {
		learnt[fold(e.Query)] = e.Query
		learnt[v.mask(unslot(e.Query))] = e.Query
	}
	for _, e := range holdout(t) {
		for _, form := range []string{fold(e.Query), v.mask(e.Query)} {
			if was, ok := learnt[form]; ok && strings.Trim(form, "<name> ") != "" {
				t.Errorf("%q is learnt as %q", e.Query, was)
				break
			}
		}
	}
}

func TestReadModelRefusesWhatIsNotOne(t *testing.T) {
	head, _, _ := bytes.Cut(model[len(modelMagic):], []byte("\n"))
	for name, data := range map[string][]byte{
		"empty":       nil,
		"magic only":  []byte(modelMagic),
		"cut":         model[:len(model)-1],
		"longer":      append(bytes.Clone(model), 0),
		"format":      bytes.Replace(model, []byte(`"format":2`), []byte(`"format":9`), 1),
		"no routes":   bytes.Replace(model, head, []byte(`{"format":2,"temperature":1}`), 1),
		"temperature": bytes.Replace(model, head, []byte(`{"format":2,"routes":["a"],"temperature":0}`), 1),
		"negative":    bytes.Replace(model, head, []byte(`{"format":2,"routes":["a"],"temperature":1,"words":-1}`), 1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadModel(data); err == nil {
				t.Error("was read")
			}
		})
	}
}

// Every value of the lexicon that a route's parameter enumerates is one that the manifest
// allows, and every era can be read.
func TestLexiconSpeaksTheManifest(t *testing.T) {
	manifest, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(lexicon, "\n") {
		f := strings.Split(line, " | ")
		switch f[0] {
		case "mood", "activity", "entity":
			name := f[0]
			if name == "entity" {
				name = "entity_types"
			}
			p, ok := manifest.Parameter(name)
			if !ok || f[1] != "release" && !strings.Contains(fmt.Sprint(p.Enum)+" ", f[1]) {
				t.Errorf("%s: not a value of %s", line, name)
			}
		case "era":
			var from, to int
			if n, err := fmt.Sscanf(f[1], "%d-%d", &from, &to); n != 2 || err != nil || from > to {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

// unslot puts a name in the place of every slot.
func unslot(query string) string {
	for _, slot := range []string{"{artist}", "{track}", "{album}", "{show}", "{playlist}", "{work}"} {
		query = strings.ReplaceAll(query, slot, " Radiohead ")
	}
	return query
}

// Of a model that is too sure, the temperature lowers the confidence to how often it is
// right; of one that is not sure enough, it raises it.
func TestTemperatureMatchesHowOftenItIsRight(t *testing.T) {
	for _, share := range []int{6, 9} { // right out of ten, while the scores say 0.73
		var guesses []guess
		for i := range 100 {
			g := guess{right: 1}
			if i%10 < share {
				g.scores[0] = 1
			} else {
				g.scores[1] = 1
			}
			guesses = append(guesses, g)
		}
		_, p := best(fitted(guesses, 2).probabilities(guesses[0].scores, 2), 2)
		if math.Abs(p-float64(share)/10) > 0.02 {
			t.Errorf("confidence %.3f, right %d of 10", p, share)
		}
	}
}

// Slots get names of their list, made-up ones get parts of two, and what is no slot stays.
func TestFill(t *testing.T) {
	s := slots{"artist": {{Text: "The Silver Kites"}, {Text: "Nine Doors"}}, "genre": {{Text: "ska"}}}
	rng := rand.New(rand.NewPCG(1, 2))
	known := map[string]bool{"play the silver kites": true, "play silver kites": true, "play nine doors": true}
	seen := map[string]bool{}
	for range 100 {
		q := strings.ToLower(s.fill("play {artist}", 0, rng))
		if !known[q] {
			t.Fatalf("%q", q)
		}
		seen[q] = true
	}
	if len(seen) != len(known) {
		t.Errorf("only %v", seen)
	}
	made := 0
	for range 100 {
		q := strings.ToLower(s.fill("play {artist}", 1, rng))
		if !strings.HasPrefix(q, "play ") || len(q) < 7 {
			t.Fatalf("%q", q)
		}
		if !known[q] {
			made++
		}
	}
	if made < 50 {
		t.Errorf("%d of 100 names were new", made)
	}
	if got := s.fill("{genre} {nothing} {", 1, rng); got != "ska {nothing} {" {
		t.Error(got)
	}
}
