package schemas

import (
	"reflect"
	"testing"
)

// FuzzScanParams holds the quick way to the general one.
func FuzzScanParams(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { } `, `{"a":"b"}`, `{"a":1,"b":["x","y"],"c":null,"d":[]}`, `{"a":-0}`, `{"a":01}`, `{"a":1.5}`, `{"a":1e3}`,
		`{"a":"\u0041"}`, `{"a":"b","a":null}`, `{"a":[null]}`, `{"a":[1]}`, `{"a":{}}`, `{"a":true}`, `null`, `[]`, `{"a":"b",}`,
		`{"a":"b"} x`, "{\"a\":\"\xff\"}", `{"a":99999999999999999999}`, `{"a":"` + "\t" + `"}`, `{"a" : [ "x" , "y" ] }`, `{"a":nullx}`, `{"a":--1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		quick, ok := scanParams(data)
		if !ok {
			return
		}
		var general Params
		if err := general.unmarshal(data); err != nil || !reflect.DeepEqual(quick, general) {
			t.Errorf("%q: %v, want %v (%v)", data, quick, general, err)
		}
	})
}
