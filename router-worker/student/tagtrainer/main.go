// Command tagtrainer writes tagger.bin, the embedded tagger of package student, from its
// embedded frames and training data.
package main

import (
	"fmt"
	"os"

	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// seed of the embedded tagger.
const seed = 1

func main() {
	if err := run("tagger.bin"); err != nil {
		fmt.Fprintln(os.Stderr, "tagtrainer:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	manifest, err := routes.Music()
	if err != nil {
		return err
	}
	dir, err := student.Data()
	if err != nil {
		return err
	}
	data, err := student.ReadTrainingData(dir, manifest.Names())
	if err != nil {
		return err
	}
	m, err := student.TrainTagger(seed, data)
	if err != nil {
		return err
	}
	out, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	return os.WriteFile(file, out, 0o644)
}
