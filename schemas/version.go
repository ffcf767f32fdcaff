package schemas

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Version is the schema version that this code writes.
const Version = "1.0"

// major is the only major version that this code reads.
const major = 1

var (
	// ErrInvalid marks a message that breaks its schema. Retrying cannot help.
	ErrInvalid = errors.New("invalid message")
	// ErrVersion marks a message of an unknown major version. It is an ErrInvalid.
	ErrVersion = fmt.Errorf("%w: unknown major version", ErrInvalid)
)

// CheckVersion accepts any minor version of the major version that this code reads.
func CheckVersion(v string) error {
	head, minor, ok := strings.Cut(v, ".")
	m, err := strconv.Atoi(head)
	if _, minorErr := strconv.Atoi(minor); !ok || err != nil || minorErr != nil {
		return fmt.Errorf("%w: schema_version: want \"major.minor\"", ErrInvalid)
	}
	if m != major {
		return fmt.Errorf("%w %d: this reader knows %d", ErrVersion, m, major)
	}
	return nil
}
