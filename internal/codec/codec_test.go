package codec_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestNative(t *testing.T) {
	if !codec.Native() {
		t.Error("sonic fell back to encoding/json on this Go version or platform")
	}
}

// A decode error must not quote the message: it may hold a user block.
func TestErrorsDoNotQuoteInput(t *testing.T) {
	const canary = "canary-feature-value"
	for _, data := range []string{
		`{"user":{"id":"` + canary + `"},"text":`,
		`{"user":"` + canary + `"}`,
		`{"user":{"id":7,"features":{"taste":"` + canary + `"}}}`,
		canary,
		`{"user":{"id":"u","features":{"` + canary + `":5}}}`,
	} {
		_, err := codec.Decode[schemas.Query]([]byte(data))
		if err == nil {
			t.Errorf("%s: accepted", data)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("error quotes the input: %v", err)
		}
	}
}

func TestDecodeCapsSize(t *testing.T) {
	data := []byte(`{"text":"` + strings.Repeat("a", codec.MaxBytes) + `"}`)
	if _, err := codec.Decode[schemas.Query](data); !errors.Is(err, codec.ErrMalformed) {
		t.Errorf("err = %v", err)
	}
}

func TestEncodeRefusesInvalid(t *testing.T) {
	if _, err := codec.Encode(schemas.Query{}); !errors.Is(err, schemas.ErrInvalid) {
		t.Errorf("err = %v", err)
	}
	if _, err := codec.Marshal(math.NaN()); err == nil {
		t.Error("NaN was marshalled")
	}
}

// What sonic accepts, encoding/json must read as the same value, and back.
func FuzzDecodeLikeStandardLibrary(f *testing.F) {
	f.Add([]byte(`{"schema_version":"1.0","correlation_id":"x","text":"\ud83d\ude00","deadline":"2025-01-01T00:00:00Z","user":{"id":"u"}}`))
	f.Add([]byte(`{"query":{"text":null},"decision":{"params":{"a":["b"],"c":1},"calls":[{}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var fast, std schemas.RouteDecision
		if codec.Unmarshal(data, &fast) != nil || json.Unmarshal(data, &std) != nil {
			return
		}
		if !reflect.DeepEqual(fast, std) {
			t.Fatalf("sonic %+v\nencoding/json %+v", fast, std)
		}
	})
}
