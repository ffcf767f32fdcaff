package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/parallel-fusion/pfr/cmd/pfr/scaffold"
)

type newCmd struct {
	Tool newToolCmd `cmd:"" help:"A tool that works, with its tests and its page: a package in this repository, or a program of its own elsewhere."`
}

type newToolCmd struct {
	Name   string `arg:"" help:"Name in the manifest, such as concert_search."`
	Dir    string `help:"Folder to write to (default: here in the repository of pfr, a new folder NAME elsewhere)." placeholder:"DIR"`
	Module string `help:"Module path of a program of its own (default: example.com/NAME)." placeholder:"PATH"`
}

// Run writes the files and says what to do with them.
func (c *newToolCmd) Run(p *program) error {
	inside, err := isRepository(cmp.Or(c.Dir, "."))
	if err != nil {
		return err
	}
	dir, plan := cmp.Or(c.Dir, "."), scaffold.Plan{}
	if inside {
		plan, err = scaffold.InRepository(c.Name)
	} else {
		dir = cmp.Or(c.Dir, c.Name)
		plan, err = scaffold.Standalone(c.Name, cmp.Or(c.Module, "example.com/"+c.Name))
	}
	if err == nil {
		err = plan.Write(dir)
	}
	if err != nil {
		return err
	}
	for _, f := range plan.Files {
		fmt.Fprintln(p.out, filepath.Join(dir, f.Path))
	}
	fmt.Fprintf(p.out, "\n%s", plan.Steps)
	return nil
}

// isRepository says whether dir is the root of this repository.
func isRepository(dir string) (bool, error) {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the repository: %w", err)
	}
	return bytes.HasPrefix(mod, []byte("module github.com/parallel-fusion/pfr\n")), nil
}
