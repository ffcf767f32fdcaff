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
	return distinct(out), errors.Join(errs...)
}

// distinct leaves out what is listed again. A key that two feeds share is none for either.
func distinct(list []feedRef) []feedRef {
	type place struct {
		name   string
		remote bool
	}
	seen, keys := map[place]bool{}, map[string]int{}
	list = slices.DeleteFunc(list, func(r feedRef) bool {
		at := place{r.name, r.remote}
		twice := seen[at]
		seen[at] = true
		if !twice {
			keys[r.key]++
		}
		return twice
	})
	for i, r := range list {
		if keys[r.key] > 1 {
			list[i].key = ""
		}
	}
	return list
}

func remoteFeed(url string) feedRef { return feedRef{name: url, key: url, remote: true} }

// localFeed is a file in a folder that was given, or that was given itself.
func localFeed(given, file string) feedRef {
	ref := feedRef{name: file}
	if inside, err := filepath.Rel(given, file); err == nil && inside != "." {
		ref.key = filepath.ToSlash(inside)
	}
	return ref
}

func expandFeed(name string) ([]feedRef, error) {
	if strings.Contains(name, "://") {
		return []feedRef{remoteFeed(name)}, nil
	}
	var out []feedRef
	err := filepath.WalkDir(name, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch strings.ToLower(filepath.Ext(file)) {
		case ".xml", ".rss", ".atom", ".json", ".feed":
			out = append(out, localFeed(name, file))
		default:
			if file == name { // asked for by name
				out = append(out, localFeed(name, file))
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
				out = append(out, remoteFeed(strings.TrimSpace(attr.Value)))
			}
		}
	}
}
