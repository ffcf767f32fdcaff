// Package main writes the dashboards under deploy/grafana from the tables in this folder:
//
//	go run ./test/analytics/dashboards deploy/grafana
//
// A board is what one reader looks at; a row is a question of that reader; a panel is one
// part of the answer, with what it means in words.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the folder: %q", args)
	}
	for _, b := range boards() {
		data, err := b.render()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(args[0], b.file()), data, 0o644); err != nil {
			return fmt.Errorf("write board: %w", err)
		}
	}
	return nil
}

func boards() []board { return []board{pipeline(), quality(), experiments()} }

// render returns the board as the JSON that Grafana imports.
func (b board) render() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(b.grafana()); err != nil {
		return nil, fmt.Errorf("render %s: %w", b.uid, err)
	}
	return out.Bytes(), nil
}
