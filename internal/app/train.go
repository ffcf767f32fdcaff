package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	posttraining "github.com/parallel-fusion/pfr/post-training"
	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Files of a trained student.
const (
	modelFile  = "model.bin"
	taggerFile = "tagger.bin"
)

// taggerSeed makes the tagger the same each time.
const taggerSeed = 1

// StudentTraining says what a student is trained on. Equal data give equal bytes.
type StudentTraining struct {
	Data   string // folder of labelled queries and names; "" is the embedded data
	Public string // folder of the public query sets; "" trains without
	// Rows is a file of rows of post-training: they are learnt instead of the labelled and the
	// public queries. "" is none.
	Rows string
}

// Train writes the model and the tagger into a folder, which must exist.
func (t StudentTraining) Train(dir string, out io.Writer) error {
	data, err := t.read()
	if err != nil {
		return err
	}
	routed := data
	if t.Rows != "" {
		fmt.Fprintf(out, "%d queries of rows\n", len(data.Examples))
	} else if t.Public == "" {
		fmt.Fprintln(out, "no public queries: the routes are learnt from our own data alone")
	} else if routed, err = t.withPublic(data); err != nil {
		return err
	}
	m, err := student.Train(student.DefaultTrainConfig(), routed)
	if err != nil {
		return err
	}
	tagger, err := student.TrainTagger(taggerSeed, data)
	if err != nil {
		return err
	}
	for name, trained := range map[string]interface{ MarshalBinary() ([]byte, error) }{modelFile: m, taggerFile: tagger} {
		raw, err := trained.MarshalBinary()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil { //nolint:gosec // a model is no secret
			return err
		}
	}
	fmt.Fprintf(out, "trained on %d examples; %s and %s are in %s\n", m.Examples, modelFile, taggerFile, dir)
	return nil
}

func (t StudentTraining) read() (student.TrainingData, error) {
	manifest, err := routes.Music()
	if err != nil {
		return student.TrainingData{}, err
	}
	dir := os.DirFS(t.Data)
	if t.Data == "" {
		if dir, err = student.Data(); err != nil {
			return student.TrainingData{}, err
		}
	}
	data, err := student.ReadTrainingData(dir, manifest.Names())
	if err == nil && t.Rows != "" {
		err = learnRows(&data, t.Rows)
	}
	return data, err
}

// learnRows puts the rows of post-training in place of the examples: each query with the
// routes that passed, or its template, where names were filled in, so that the student
// learns from other names too. Those of public sets set the calibration, and wishes count for
// less, as they do without rows.
func learnRows(data *student.TrainingData, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	rows, err := posttraining.ReadRows(file)
	if err != nil {
		return err
	}
	wishes := map[string]bool{}
	for _, e := range data.Examples {
		wishes[e.Query] = e.Wish
	}
	sum := sha256.Sum256(append(raw, data.Hash...))
	data.Hash, data.Public, data.Examples = hex.EncodeToString(sum[:8]), "", nil
	for _, e := range posttraining.Examples(rows) {
		learnt := student.Example{Query: e.Text, Routes: e.Routes, Params: e.Params, Wish: wishes[e.Text]}
		if e.Source == posttraining.Public {
			learnt.Source, data.Public = string(e.Source), data.Hash
		}
		data.Examples = append(data.Examples, learnt)
	}
	return nil
}

func (t StudentTraining) withPublic(data student.TrainingData) (student.TrainingData, error) {
	learn, _, hash, err := t.public()
	return data.WithPublic(learn, hash), err
}

// public returns the labelled public queries, those to learn from and those to test on.
func (t StudentTraining) public() (learn, test []student.Example, hash string, err error) {
	if t.Public == "" {
		return nil, nil, "", errors.New("say where the public query sets are: --public DIR")
	}
	labels, hash, err := student.Labels()
	if err != nil {
		return nil, nil, "", err
	}
	learn, test, err = student.ReadPublic(os.DirFS(t.Public), labels)
	return learn, test, hash, err
}

// Split writes the file of public labels again, with new halves to learn from and to test
// on. It is for when labels were added.
func (t StudentTraining) Split(file string) error {
	data, err := t.read()
	if err != nil {
		return err
	}
	labels, _, err := student.Labels()
	if err != nil {
		return err
	}
	if err := student.Split(os.DirFS(t.Public), labels, data.Gazetteer); err != nil {
		return err
	}
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.String() + "\n")
	}
	return os.WriteFile(file, []byte(b.String()), 0o644) //nolint:gosec // labels are no secret
}

// Report trains without any public queries and without each public set in turn, and writes
// how good the student is on what it did not learn: what to expect on queries of a kind
// that is new to it.
func (t StudentTraining) Report(out io.Writer) error {
	data, err := t.read()
	if err != nil {
		return err
	}
	learn, test, hash, err := t.public()
	if err != nil {
		return err
	}
	all := slices.Concat(learn, test)
	if err := measure(out, "no public queries", data, all); err != nil {
		return err
	}
	for _, source := range student.Sources() {
		var with, without []student.Example
		for _, e := range all {
			if e.Source == source {
				without = append(without, e)
			} else {
				with = append(with, e)
			}
		}
		if err := measure(out, "all but "+source, data.WithPublic(with, hash), without); err != nil {
			return err
		}
	}
	return nil
}

func measure(out io.Writer, learnt string, data student.TrainingData, test []student.Example) error {
	m, err := student.Train(student.DefaultTrainConfig(), data)
	if err != nil {
		return err
	}
	cfg := student.DefaultConfig()
	if cfg.Model, err = m.MarshalBinary(); err != nil {
		return err
	}
	manifest, err := routes.Music()
	if err != nil {
		return err
	}
	s, err := student.New(cfg, data.Gazetteer, manifest)
	if err != nil {
		return err
	}
	for _, source := range student.Sources() {
		part := slices.DeleteFunc(slices.Clone(test), func(e student.Example) bool { return e.Source != source })
		if len(part) > 0 {
			fmt.Fprintf(out, "learnt from %s, tested on %s: %s", learnt, source, student.Evaluate(s, part))
		}
	}
	return nil
}
