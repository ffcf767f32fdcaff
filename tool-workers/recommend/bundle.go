package recommend

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Bundle is models by name: one for each kind of item, such as artists, tracks and shows,
// which live in spaces of their own.
type Bundle map[string]*Model

// bundleMagic opens a bundle; its last byte is the version of the form.
const bundleMagic = "pfr-recb\x01"

// maxModels bounds the models of a bundle.
const maxModels = 1024

// Version returns the hash of the names and versions of the models.
func (b Bundle) Version() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(b)) {
		fmt.Fprintf(h, "%q %s\n", name, b[name].Version())
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Save writes all models as one file, by name.
func (b Bundle) Save(w io.Writer) error {
	e := &encoder{w: bufio.NewWriter(w)}
	e.bytes([]byte(bundleMagic))
	e.length(len(b))
	for _, name := range slices.Sorted(maps.Keys(b)) {
		e.text(name)
		if e.err == nil {
			e.err = b[name].Save(e.w)
		}
		if e.err != nil {
			return fmt.Errorf("save bundle, model %s: %w", name, e.err)
		}
	}
	if err := e.w.Flush(); err != nil {
		return fmt.Errorf("save bundle: %w", err)
	}
	return nil
}

// LoadBundle reads what Save wrote, and to the end. It fails with ErrFormat as Load does.
func LoadBundle(r io.Reader) (Bundle, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	d := newDecoder(in)
	if got := string(d.bytes(len(bundleMagic))); d.err != nil || got != bundleMagic {
		return nil, fmt.Errorf("load bundle: %w: it opens with %q", ErrFormat, got)
	}
	n := d.length()
	if n > maxModels {
		return nil, fmt.Errorf("load bundle: %w: %d models", ErrFormat, n)
	}
	b := Bundle{}
	for range n {
		name := d.text()
		if d.err != nil {
			return nil, fmt.Errorf("load bundle: %w: %w", ErrFormat, d.err)
		}
		m, err := load(in)
		if err != nil {
			return nil, fmt.Errorf("load bundle, model %s: %w", name, err)
		}
		b[name] = m
	}
	if _, err := in.ReadByte(); err == nil || len(b) != n {
		return nil, fmt.Errorf("load bundle: %w: something follows its end", ErrFormat)
	}
	return b, nil
}
