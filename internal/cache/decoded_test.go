package cache_test

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"

	"github.com/parallel-fusion/pfr/internal/cache"
)

// decoder counts how often it has to decode.
type decoder struct{ calls int }

func (d *decoder) decode(data []byte) (m map[string]int, err error) {
	d.calls++
	err = json.Unmarshal(data, &m)
	return m, err
}

func TestDecodedOnceWhileTheBytesAreEqual(t *testing.T) {
	var d decoder
	values, err := cache.NewDecoded(2, d.decode, maps.Clone)
	if err != nil {
		t.Fatal(err)
	}
	get := func(key, data string, want, calls int) {
		t.Helper()
		v, err := values.Decode(key, []byte(data))
		if err != nil || v["n"] != want || d.calls != calls {
			t.Errorf("%s: %v, %v after %d decodings; want %d after %d", key, v, err, d.calls, want, calls)
		}
		v["n"] = -1 // a caller's own
	}
	get("a", `{"n":1}`, 1, 1)
	get("a", `{"n":1}`, 1, 1)
	get("a", `{"n":2}`, 2, 2) // the cache has got another value since
	get("b", `{"n":1}`, 1, 3)
	get("a", `{"n":2}`, 2, 3)
	get("c", `{"n":3}`, 3, 4) // b leaves
	get("a", `{"n":2}`, 2, 4)
	get("b", `{"n":1}`, 1, 5)
}

func TestDecodingErrorsAreNotKept(t *testing.T) {
	var d decoder
	values, err := cache.NewDecoded(2, d.decode, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var syntax *json.SyntaxError
		if _, err := values.Decode("a", []byte(`{`)); !errors.As(err, &syntax) {
			t.Errorf("err = %v", err)
		}
	}
	if d.calls != 2 {
		t.Errorf("%d decodings", d.calls)
	}
	if _, err := cache.NewDecoded(0, d.decode, nil); err == nil {
		t.Error("accepted room for nothing")
	}
}
