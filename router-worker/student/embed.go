package student

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:generate go run ../../cmd/pfr train student

//go:embed data/*.tsv
var data embed.FS

//go:embed data/lexicon.txt
var lexicon string

//go:embed model.bin
var model []byte

// Data returns the folder of the embedded training data.
func Data() (fs.FS, error) {
	dir, err := fs.Sub(data, "data")
	if err != nil {
		return nil, fmt.Errorf("student data: %w", err)
	}
	return dir, nil
}
