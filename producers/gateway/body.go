package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/parallel-fusion/pfr/internal/codec"
)

// Bodies that are longer are refused.
const (
	maxSearchBody      = 16 << 10
	maxInteractionBody = 256 << 10
)

// readBody returns a JSON body of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *problem) {
	if !sends(r, mediaJSON) {
		return nil, newProblem(http.StatusUnsupportedMediaType, "Send JSON with Content-Type: application/json.")
	}
	return readAll(w, r, limit)
}

// sends reports whether the body of a request has a media type.
func sends(r *http.Request, want string) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == want
}

func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *problem) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("Send at most %d bytes.", limit))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, newProblem(http.StatusRequestTimeout, "The body did not come in time.")
	case err != nil:
		return nil, newProblem(http.StatusBadRequest, "The body ended too early.")
	}
	return body, nil
}

// decodeStrict reads one JSON object into v and refuses fields that v does not have. Its
// problems name fields and never quote values, which may be a user's.
func decodeStrict(body []byte, v any) *problem {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return newProblem(http.StatusBadRequest, "Send one JSON object.")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return newProblem(http.StatusBadRequest, describe(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return newProblem(http.StatusBadRequest, "Send one JSON object and nothing after it.")
	}
	return nil
}

func describe(err error) string {
	var (
		syntax *json.SyntaxError
		typ    *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("The body is not JSON: the mistake is at byte %d.", syntax.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "The body is not JSON: it ends too early."
	case errors.As(err, &typ):
		return fmt.Sprintf("%s: must be %s.", typ.Field, jsonKind(typ.Type.Kind().String()))
	}
	// The only other error of the decoder is that of an unknown field. It has no type.
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Sprintf("%s: there is no such field.", strings.Trim(name, `"`))
	}
	return "The body is not what was expected."
}

// jsonKind names a Go kind as JSON does.
func jsonKind(kind string) string {
	switch {
	case kind == "string":
		return "a string"
	case kind == "bool":
		return "true or false"
	case kind == "struct" || kind == "map":
		return "an object"
	case kind == "slice":
		return "an array"
	case strings.HasPrefix(kind, "int"):
		return "an integer"
	}
	return "a number"
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) *problem {
	data, err := codec.Marshal(v)
	if err != nil {
		return unwritable()
	}
	return writeBody(w, status, data)
}

func unwritable() *problem {
	return newProblem(http.StatusInternalServerError, "The answer could not be written as JSON.")
}

// writeBody answers with JSON that nobody may keep.
func writeBody(w http.ResponseWriter, status int, data []byte) *problem {
	w.Header().Set("Content-Type", mediaJSON)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client may be gone
	return nil
}
