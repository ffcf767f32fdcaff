package importer

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// listFeeds returns the feeds that files, folders, URLs and OPML files name, each once.
func listFeeds(rss, opml []string) ([]feedRef, error) {
	var (
		out  []feedRef
		errs []error
	)
	for _, name := range rss {
		refs, err := expandFeed(name)
		out, errs = append(out, refs...), append(errs, err)
	}
	for _, name := range opml {
		refs, err := openOPML(name)
		out, errs = append(out, refs...), append(errs, err)
	}
	seen := map[feedRef]bool{}
	out = slices.DeleteFunc(out, func(r feedRef) bool {
		twice := seen[r]
		seen[r] = true
		return twice
	})
	return out, errors.Join(errs...)
}

func expandFeed(name string) ([]feedRef, error) {
	if strings.Contains(name, "://") {
		return []feedRef{{name, true}}, nil
	}
	var out []feedRef
	err := filepath.WalkDir(name, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch strings.ToLower(filepath.Ext(file)) {
		case ".xml", ".rss", ".atom", ".json", ".feed":
			out = append(out, feedRef{file, false})
		default:
			if file == name { // asked for by name
				out = append(out, feedRef{file, false})
			}
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%w: no feed in %s", errNoSource, name)
	}
	return out, err
}

func openOPML(name string) ([]feedRef, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	refs, err := readOPML(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return refs, nil
}

// errNoOPML marks a file that is something else.
var errNoOPML = errors.New("no OPML")

// readOPML returns the feeds of all outlines, however deep.
func readOPML(in io.Reader) ([]feedRef, error) {
	var out []feedRef
	d := xml.NewDecoder(in)
	d.Strict = false
	for root := ""; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != "" {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoOPML, err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if root == "" {
			if root = strings.ToLower(start.Name.Local); root != "opml" {
				return nil, fmt.Errorf("%w: it begins with %q", errNoOPML, start.Name.Local)
			}
		}
		for _, attr := range start.Attr {
			if strings.EqualFold(attr.Name.Local, "xmlUrl") && strings.TrimSpace(attr.Value) != "" {
				out = append(out, feedRef{strings.TrimSpace(attr.Value), true})
			}
		}
	}
}
