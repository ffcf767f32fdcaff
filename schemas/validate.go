package schemas

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a message. They bound what a hostile producer can make us hold.
const (
	MaxQueryRunes    = 256
	MaxNameBytes     = 64   // ids, codes and names
	MaxCalls         = 16   // calls of one decision
	MaxItems         = 200  // items of one section
	MaxTitleBytes    = 1024 // titles and subtitles of items
	MaxExperiments   = 32
	MaxFeatures      = 256
	MaxUserBytes     = 256
	MaxSectionText   = 4096
	MaxParamBytes    = 512
	MaxListParams    = 32
	MaxParams        = 32
	MaxItemRefsBytes = 256
)

// problems gathers what is wrong with a message, one entry a field. Its texts name fields
// and bounds, and never quote a value: they end up in logs and dead letters.
type problems struct{ errs []error }

func (p *problems) add(field, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
}

func (p *problems) check(ok bool, field, format string, args ...any) {
	if !ok {
		p.add(field, format, args...)
	}
}

// version records a bad schema_version. It keeps ErrVersion visible to errors.Is.
func (p *problems) version(v string) {
	if err := CheckVersion(v); err != nil {
		p.errs = append(p.errs, err)
	}
}

func (p *problems) join(field string, err error) {
	if err != nil {
		p.errs = append(p.errs, fmt.Errorf("%s: %w", field, err))
	}
}

// name wants a short printable token that is not empty.
func (p *problems) name(field, v string) {
	p.check(v != "", field, "must not be empty")
	p.optional(field, v)
}

// optional wants a short printable token, or nothing.
func (p *problems) optional(field, v string) {
	p.check(len(v) <= MaxNameBytes, field, "must have at most %d bytes", MaxNameBytes)
	p.check(printable(v), field, "must be valid UTF-8 without control characters")
}

func (p *problems) id(field, v string) {
	p.check(IsCorrelationID(v), field, "must be a UUIDv7 in lower case, such as 01890a5d-ac96-774b-bcce-b302099a8057")
}

func (p *problems) time(field string, t time.Time) {
	p.check(!t.IsZero(), field, "must be a time in RFC 3339 form")
}

func (p *problems) text(field, v string, maxBytes int) {
	p.check(len(v) <= maxBytes, field, "must have at most %d bytes", maxBytes)
	p.check(utf8.ValidString(v), field, "must be valid UTF-8")
}

func oneOf[T ~string](p *problems, field string, v T, allowed []T) {
	if slices.Contains(allowed, v) {
		return
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	p.add(field, "must be one of %s", strings.Join(names, ", "))
}

func (p *problems) err(message string) error {
	if len(p.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrInvalid, message, errors.Join(p.errs...))
}

func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// IsCorrelationID reports whether s is a UUID of version 7 in its lower-case text form
// (RFC 9562).
func IsCorrelationID(s string) bool {
	if len(s) != 36 || s[14] != '7' || !strings.ContainsRune("89ab", rune(s[19])) {
		return false
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') {
			return false
		} else if !dash && !isHex(s[i]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }
