// Command trainer writes model.bin, the embedded model of package student, from its
// embedded training data.
package main

import (
	"fmt"
	"os"

	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

func main() {
	if err := run("model.bin"); err != nil {
		fmt.Fprintln(os.Stderr, "trainer:", err)
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
	m, err := student.Train(student.DefaultTrainConfig(), data)
	if err != nil {
		return err
	}
	out, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	return os.WriteFile(file, out, 0o644)
}
