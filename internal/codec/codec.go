// Package codec is the only door to sonic, the JSON library. It turns the messages of
// package schemas into bytes and back: size-capped, validated in both directions, and
// with errors that never quote the input, because an input may hold a user block.
package codec

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/bytedance/sonic"
	"github.com/bytedance/sonic/decoder"
)

// MaxBytes caps what [Decode] reads.
const MaxBytes = 1 << 20

// ErrMalformed marks bytes that are not the JSON of the wanted message. Retrying cannot
// help.
var ErrMalformed = errors.New("malformed JSON")

// api behaves like encoding/json (sorted keys, valid UTF-8, copied strings), but does not
// escape HTML: the messages are not embedded in pages unescaped.
var api = sonic.Config{ //nolint:gochecknoglobals // immutable, and costly to make
	SortMapKeys:      true,
	CompactMarshaler: true,
	CopyString:       true,
	ValidateString:   true,
	NoNullSliceOrMap: true,
}.Froze()

// Validator is a message that can tell whether it holds what it must.
type Validator interface{ Validate() error }

// Encode validates v and returns its JSON.
func Encode[T Validator](v T) ([]byte, error) {
	if err := v.Validate(); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return Marshal(v)
}

// Decode reads one message and validates it. Its errors are permanent: they wrap
// ErrMalformed or the error of Validate. The result keeps no reference to data.
func Decode[T Validator](data []byte) (v T, err error) {
	if err := Unmarshal(data, &v); err != nil {
		return v, err
	}
	if err := v.Validate(); err != nil {
		return v, fmt.Errorf("decode: %w", err)
	}
	return v, nil
}

// Marshal returns the JSON of v, with sorted map keys. Equal values have equal bytes.
func Marshal(v any) ([]byte, error) {
	data, err := api.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("marshal %T: %w", v, err)
	}
	return data, nil
}

// Unmarshal reads data into v without validating it. Its errors wrap ErrMalformed.
func Unmarshal(data []byte, v any) error {
	if len(data) > MaxBytes {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrMalformed, len(data), MaxBytes)
	}
	if err := api.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %s", ErrMalformed, describe(err))
	}
	return nil
}

// describe says where the JSON is wrong, without sonic's excerpt of the input.
func describe(err error) string {
	var (
		syntax   decoder.SyntaxError
		mismatch *decoder.MismatchTypeError
	)
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("syntax error at byte %d", syntax.Pos)
	case errors.As(err, &mismatch):
		return fmt.Sprintf("wrong type at byte %d", mismatch.Pos)
	default:
		return "wrong type or syntax"
	}
}

// Warm compiles the coders of the given values' types, so that the first message does not
// pay for it (some 10 ms a type).
func Warm(values ...any) error {
	for _, v := range values {
		if err := sonic.Pretouch(reflect.TypeOf(v)); err != nil {
			return fmt.Errorf("warm codec of %T: %w", v, err)
		}
	}
	return nil
}

// Native reports whether the fast coder is in use on this platform.
func Native() bool { return sonic.APIKind == sonic.UseSonicJSON }
