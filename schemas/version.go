package schemas

import (
	"errors"
	"fmt"
	"strings"
)

// Version is the schema version that this code writes.
const Version = "1.0"

// major is the only major version that this code reads.
const major = "1"

var (
	// ErrInvalid marks a message that breaks its schema. Retrying cannot help.
	ErrInvalid = errors.New("invalid message")
	// ErrVersion marks a message of an unknown major version. It is an ErrInvalid.
	ErrVersion error = invalid("unknown major version")
)

// invalid is one thing wrong with a message. It is an ErrInvalid.
type invalid string

func (e invalid) Error() string { return string(e) }

func (invalid) Unwrap() error { return ErrInvalid }

// CheckVersion accepts any minor version of the major version that this code reads.
func CheckVersion(v string) error {
	head, minor, _ := strings.Cut(v, ".")
	switch {
	case !isNumber(head) || !isNumber(minor):
		return invalid(`schema_version: must be "major.minor", such as "` + Version + `"`)
	case head != major:
		return fmt.Errorf("schema_version: %w: this reader knows %s", ErrVersion, major)
	}
	return nil
}

func isNumber(s string) bool {
	return s != "" && len(s) <= 9 && strings.Trim(s, "0123456789") == ""
}
