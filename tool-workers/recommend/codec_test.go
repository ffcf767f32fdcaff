package recommend

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"
)

func TestSaveAndLoad(t *testing.T) {
	m := model(t)
	var file bytes.Buffer
	if err := (Bundle{"artist": m, "show": m}).Save(&file); err != nil {
		t.Fatal(err)
	}
	b, err := LoadBundle(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	back := b["artist"]
	if len(b) != 2 || back.Version() != m.Version() || b.Version() != (Bundle{"artist": m, "show": m}).Version() {
		t.Errorf("bundle of %d models, version %s; want 2, %s", len(b), back.Version(), m.Version())
	}
	h := m.History(3)
	if !reflect.DeepEqual(back.Recommend(h, 50, nil), m.Recommend(h, 50, nil)) || !reflect.DeepEqual(back.Similar(4, 9, nil), m.Similar(4, 9, nil)) {
		t.Error("the loaded model answers otherwise")
	}
}

// Any damage is found: no byte of a file can change, and no part can be missing.
func TestLoadRefusesDamage(t *testing.T) {
	var file bytes.Buffer
	if err := model(t).Save(&file); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 60 {
		at := rng.IntN(len(whole))
		if i < 40 {
			at = i // magic and header
		}
		bad := slices.Clone(whole)
		bad[at] ^= byte(1 + rng.IntN(255))
		if _, err := Load(bytes.NewReader(bad)); !errors.Is(err, ErrFormat) {
			t.Errorf("byte %d changed: %v", at, err)
		}
		if _, err := Load(bytes.NewReader(whole[:at])); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: %v", at, err)
		}
	}
	if _, err := LoadBundle(bytes.NewReader(whole)); !errors.Is(err, ErrFormat) {
		t.Errorf("a model taken for a bundle: %v", err)
	}
}

// A file of a few bytes that claims four thousand million items costs little.
func TestLoadAllocatesWhatItReads(t *testing.T) {
	e := []byte(magic)
	e = append(e, 2, '{', '}')
	e = append(e, 0x80, 0x80, 0x80, 0x80, 0x10) // 2^32 items
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Load(io.MultiReader(bytes.NewReader(e)))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrFormat) || after.TotalAlloc-before.TotalAlloc > 4<<20 {
		t.Errorf("error %v after %d bytes", err, after.TotalAlloc-before.TotalAlloc)
	}
}

func FuzzLoad(f *testing.F) {
	m := &Model{items: newTable([]string{"a", "b"}), saturation: Binary, listeners: []uint32{1, 2}, predictors: joinRows(make([]listRow, 2))}
	var file bytes.Buffer
	if err := m.seal(); err != nil {
		f.Fatal(err)
	}
	if err := m.Save(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Fuzz(func(_ *testing.T, b []byte) {
		if m, err := Load(bytes.NewReader(b)); err == nil {
			m.Recommend([]Entry{{0, 1}}, 3, nil)
			m.Similar(0, 3, nil)
		}
	})
}
