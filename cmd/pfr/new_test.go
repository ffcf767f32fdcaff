package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewTool(t *testing.T) {
	repository, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "deep", "down")
	if err := os.WriteFile(filepath.Join(repository, "go.mod"), []byte("module github.com/parallel-fusion/pfr\n\ngo 1.26.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		repository: "tool-workers/concertsearch/concertsearch.go", elsewhere: "concertsearch/concertsearch.go",
	} {
		var out bytes.Buffer
		c := &newToolCmd{Name: "concert_search", Dir: dir}
		if err := c.Run(&program{streams: streams{out: &out}}); err != nil {
			t.Fatal(err)
		}
		if file := filepath.Join(dir, want); !strings.Contains(out.String(), file+"\n") || !strings.Contains(out.String(), "- tool: concert_search") {
			t.Errorf("%s is not named in\n%s", file, out.String())
		} else if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
		if err := c.Run(&program{streams: streams{out: &out}}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("once more: %v", err)
		}
	}
	main, err := os.ReadFile(filepath.Join(elsewhere, "main.go"))
	if err != nil || !strings.Contains(string(main), `"example.com/concert_search/concertsearch"`) {
		t.Errorf("main.go: %v\n%s", err, main)
	}
}
